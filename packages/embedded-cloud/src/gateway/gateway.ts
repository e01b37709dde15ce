import type { TLSSocket } from 'node:tls'
import type { Drainable } from '@heliograph/listener/http2-session'
import type { HttpProtocol } from '@heliograph/listener/protocol'
import type { Log } from '../types.ts'
import { clientCertificateOf } from './client-certificate.ts'
import { createHttpApi, type HttpApi } from './http-api.ts'
import { createHttp1Server, type Http1Server } from './http1-server.ts'
import { serveHttp2 } from './http2-connection.ts'
import { createListener } from './listener.ts'
import { defaultLimits, type Gateway, type GatewayLimits, type GatewayOptions } from './options.ts'
import type { Peer } from './request.ts'
import { readTruststore } from './truststore.ts'

export type { Gateway, GatewayOptions } from './options.ts'

/**
 * Starts an API Gateway HTTP API on a TLS port of this machine: routes, payload format 2.0, Lambda
 * permissions, throttle and the gateway's own answers as AWS documents them; with a truststore as a
 * custom domain under mutual TLS. Speaks HTTP/2 (with and without ALPN) and HTTP/1.1.
 * @throws when the port is taken (`EADDRINUSE`), a route is malformed or the truststore holds no CA.
 */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const limits = { ...defaultLimits, ...options.limits }
  const { truststore: bundle, log } = options
  const truststore = bundle === undefined ? undefined : acceptTruststore(bundle, log)
  const connections = serveConnections(createHttpApi(options, limits), limits)
  const listener = createListener({
    tls: options.tls,
    truststore,
    limits,
    onConnection: connections.serve,
    onRefused: countRefusals(log),
    onError: (error) => log('gateway', `listener: ${error.message}`),
  })
  const port = await listener.listen(options.host, options.port)
  return {
    url: `https://localhost:${port}`,
    port,
    setTruststore(pem) {
      if (truststore === undefined) throw new Error('This gateway was started without mutual TLS.')
      listener.setTruststore(acceptTruststore(pem, log))
    },
    close: () => connections.drain(listener.close()),
  }
}

function acceptTruststore(bundle: string, log: Log): string {
  const { pem, warnings } = readTruststore(bundle, new Date())
  for (const warning of warnings) log('gateway', `truststore: ${warning}`)
  return pem
}

interface Connections {
  serve(socket: TLSSocket, protocol: HttpProtocol): void
  /** Resolves when `closed` does, after the last connection; those that take too long are cut. */
  drain(closed: Promise<void>): Promise<void>
}

function serveConnections(api: HttpApi, limits: GatewayLimits): Connections {
  const http1 = createHttp1Server(api, limits)
  const http2 = new Set<Drainable>()
  const sockets = new Set<TLSSocket>()
  return {
    serve(socket, protocol) {
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
      const peer = peerOf(socket)
      if (protocol === 'http/1.1') http1.serve(socket, peer)
      else keep(http2, socket, serveHttp2(socket, peer, api, limits))
    },
    async drain(closed) {
      drainAll(http1, http2)
      const cut = setTimeout(() => cutAll(sockets), limits.drainMs)
      await closed
      clearTimeout(cut)
      http1.destroy()
    },
  }
}

function keep(all: Set<Drainable>, socket: TLSSocket, connection: Drainable): void {
  all.add(connection)
  socket.once('close', () => all.delete(connection))
}

function drainAll(http1: Http1Server, http2: ReadonlySet<Drainable>): void {
  http1.drain()
  for (const connection of http2) connection.drain()
}

function cutAll(sockets: ReadonlySet<TLSSocket>): void {
  for (const socket of sockets) socket.destroy()
}

/** Reading a peer certificate is dear, so it is done once, and not before the first request. */
function peerOf(socket: TLSSocket): () => Peer {
  let peer: Peer | undefined
  return () => {
    peer ??= readPeer(socket)
    return peer
  }
}

function readPeer(socket: TLSSocket): Peer {
  const clientCertificate = clientCertificateOf(socket)
  return {
    sourceIp: socket.remoteAddress ?? '',
    port: socket.localPort ?? 0,
    ...(clientCertificate !== undefined && { clientCertificate }),
  }
}

/** A flood of bad handshakes must not become a flood of lines: one a second, with their number. */
function countRefusals(log: Log): (reason: string) => void {
  let silent = 0
  let last = Number.NEGATIVE_INFINITY
  return (reason) => {
    silent += 1
    if (performance.now() - last < 1000) return
    last = performance.now()
    const others = silent > 1 ? ` (and ${silent - 1} more before it)` : ''
    log('gateway', `handshake refused: ${reason.split('\n')[0]}${others}`)
    silent = 0
  }
}
