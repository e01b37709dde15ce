import type { AddressInfo, Socket } from 'node:net'
import { createServer, type Server, type TLSSocket } from 'node:tls'
import type { Drainable } from '@heliograph/listener/http2-session'
import { chooseProtocol } from '@heliograph/listener/protocol'
import type { Log } from '../log.ts'
import { seldom } from '../log.ts'
import { startDeadlines } from './deadlines.ts'
import { Doorway } from './doorway.ts'
import type { Client, Exchanges, Peer } from './exchange.ts'
import { createHttp1Server } from './http1.ts'
import { serveHttp2 } from './http2.ts'
import { type Listening, listenOn, type ServerTls, tlsContext } from './tls.ts'
import { REQUESTS_A_TURN, Turns } from './turns.ts'

export interface FrontOptions {
  readonly name: string
  readonly listen: Listening
  readonly tls: ServerTls
  /** PEM of the CAs from which clients are asked for a certificate; absent: they are not asked. */
  readonly authorities?: () => string
  readonly exchanges: Exchanges
  readonly log: Log
}

/** A server for HTTP/2 and HTTP/1.1 over TLS. */
export interface Front {
  readonly port: number
  /** Shows clients this certificate from now on. */
  show(tls: ServerTls): void
  /** Accepts no more connections, lets requests finish, and cuts the rest after `ms`. */
  close(ms: number): Promise<void>
}

/**
 * The server asks for a client certificate but does not require one. Whoever issued it, it is
 * passed to the rules, which refuse a foreign one with a reason that APNs clients know.
 */
export async function startFront(options: FrontOptions): Promise<Front> {
  const { exchanges, tls, authorities } = options
  const server = createServer({
    ...tlsContext(tls, authorities?.()),
    ALPNProtocols: ['h2', 'http/1.1'],
    requestCert: authorities !== undefined,
    rejectUnauthorized: false,
    handshakeTimeout: exchanges.limits.handshakeMs,
    noDelay: true,
  })
  const doorway = new Doorway(server, exchanges.limits)
  const refused = seldom((detail, count) =>
    options.log.warn('a TLS handshake failed', { server: options.name, detail, count }),
  )
  server.on('tlsClientError', (error, socket) => {
    // after a time-out of the handshake Node leaves the socket open
    socket.destroy()
    refused(error.message || String(error))
  })
  const connections = serveConnections(server, exchanges, doorway)
  await listenOn(server, options.listen, options.name)
  return {
    port: (server.address() as AddressInfo).port,
    show: (renewed) => server.setSecureContext(tlsContext(renewed, authorities?.())),
    close: (ms) => connections.close(ms),
  }
}

function serveConnections(server: Server, exchanges: Exchanges, doorway: Doorway) {
  const deadlines = startDeadlines(exchanges.limits)
  const turns = new Turns(REQUESTS_A_TURN)
  const http1 = createHttp1Server(exchanges)
  const http2 = new Set<Drainable>()
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  const silent = new Set<TLSSocket>()
  server.on('secureConnection', (socket) => {
    socket.on('error', () => {})
    silent.add(socket)
    socket.once('close', () => silent.delete(socket))
    chooseProtocol(socket, exchanges.limits.handshakeMs, (protocol) => {
      silent.delete(socket)
      const client = clientOf(socket, doorway)
      if (protocol === 'http/1.1') return http1.serve(socket, client)
      const connection = serveHttp2(socket, client, { exchanges, deadlines, turns })
      http2.add(connection)
      socket.once('close', () => http2.delete(connection))
    })
  })
  return {
    async close(ms: number) {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      for (const socket of silent) socket.destroy()
      http1.drain()
      for (const connection of http2) connection.drain()
      const cut = setTimeout(() => {
        for (const socket of sockets) socket.destroy()
      }, ms)
      await closed
      clearTimeout(cut)
      http1.destroy()
      deadlines.close()
    },
  }
}

/** Reading a certificate is dear, so it is done once, and not before the first request. */
function clientOf(socket: TLSSocket, doorway: Doorway): Client {
  let peer: Peer | undefined
  let isKnown = false
  return {
    get isKnown() {
      return isKnown
    },
    peer() {
      peer ??= { address: socket.remoteAddress ?? '', certificate: certificateOf(socket) }
      return peer
    },
    welcome() {
      if (isKnown || doorway.isFull) return
      isKnown = true
      doorway.welcome(socket)
    },
  }
}

/** Characters of a certificate that no CA of ours vouches for; more of a stranger is not kept. */
const MOST_OF_A_STRANGER = 4_096

function certificateOf(socket: TLSSocket): string | undefined {
  const pem = socket.getPeerX509Certificate()?.toString()
  // an empty text means an unreadable certificate: it is refused, and nothing else counts as the
  // credential
  return !socket.authorized && pem && pem.length > MOST_OF_A_STRANGER ? '' : pem
}
