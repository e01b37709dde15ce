import { constants } from 'node:crypto'
import type { AddressInfo, Socket } from 'node:net'
import { createServer, type SecureContextOptions, type Server, type TLSSocket } from 'node:tls'
import { chooseProtocol, type HttpProtocol } from '@heliograph/listener/protocol'
import type { ServerTls } from '../types.ts'
import type { GatewayLimits } from './options.ts'

export interface ListenerOptions {
  readonly tls: ServerTls
  /** CAs in PEM; present = mutual TLS required. */
  readonly truststore: string | undefined
  readonly limits: GatewayLimits
  /** Gets every connection whose handshake succeeded; under mutual TLS its certificate is good. */
  onConnection(socket: TLSSocket, protocol: HttpProtocol): void
  /** A handshake that came to nothing, with OpenSSL's or Node's reason. */
  onRefused(reason: string): void
  onError(error: Error): void
}

export interface Listener {
  /** Answers with the port. */
  listen(host: string, port: number): Promise<number>
  setTruststore(pem: string): void
  /** Takes no more connections, drops those that have not spoken yet, resolves after the last one. */
  close(): Promise<void>
}

/**
 * A TLS listener of an API Gateway domain: TLS 1.2 and 1.3, with a truststore no conversation without a
 * certificate that it vouches for, ALPN `h2` and `http/1.1`. A client without ALPN is told by its first
 * bytes.
 */
export function createListener(options: ListenerOptions): Listener {
  const { limits, tls, truststore } = options
  const server = createServer({
    ...contextOf(tls, truststore),
    ALPNProtocols: ['h2', 'http/1.1'],
    requestCert: truststore !== undefined,
    rejectUnauthorized: truststore !== undefined,
    handshakeTimeout: limits.handshakeMs,
    noDelay: true,
  })
  server.maxConnections = limits.maxConnections
  server.on('tlsClientError', (error, socket) => {
    // After a time-out of the handshake Node leaves the socket open.
    socket.destroy()
    options.onRefused(error.message || String(error))
  })
  const silent = watchSilent(server)
  server.on('secureConnection', (socket) => {
    socket.on('error', () => {})
    chooseProtocol(socket, limits.handshakeMs, (protocol) => {
      silent.delete(peerKey(socket))
      options.onConnection(socket, protocol)
    })
  })
  return {
    listen: (host, port) => listen(server, { host, port, onError: options.onError }),
    setTruststore: (pem) => server.setSecureContext(contextOf(tls, pem)),
    close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      for (const socket of silent.values()) socket.destroy()
      return closed
    },
  }
}

/** Connections that have not got as far as a request; a TLS socket and its TCP socket share the key. */
function watchSilent(server: Server): Map<string, Socket> {
  const silent = new Map<string, Socket>()
  server.on('connection', (socket) => {
    const key = peerKey(socket)
    silent.set(key, socket)
    socket.once('close', () => silent.delete(key))
  })
  return silent
}

function peerKey({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`
}

/**
 * The TLS settings under a truststore. Sessions are never resumed: a resumed one would skip the check of
 * the certificate. Security level 2 asks for RSA-2048, ECC-224 and SHA-256 or better of every
 * certificate in the chain, about what API Gateway does ("Configuring mutual TLS").
 */
function contextOf(tls: ServerTls, truststore: string | undefined): SecureContextOptions {
  return {
    cert: tls.cert,
    key: tls.key,
    minVersion: 'TLSv1.2',
    ciphers: 'DEFAULT@SECLEVEL=2',
    secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
    ...(truststore !== undefined && { ca: truststore }),
  }
}

interface ListenWish {
  readonly host: string
  readonly port: number
  onError(error: Error): void
}

function listen(server: Server, { host, port, onError }: ListenWish): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port, backlog: 2048 }, () => {
      server.removeListener('error', reject).on('error', onError)
      resolve((server.address() as AddressInfo).port)
    })
  })
}
