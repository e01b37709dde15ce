import {
  createServer,
  type IncomingMessage,
  type ServerOptions,
  type ServerResponse,
} from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { hasNoBody, refuse } from './answers.ts'
import type { HttpApi } from './http-api.ts'
import type { Answer, GatewayLimits } from './options.ts'
import { type Refusal, refusals } from './refusals.ts'
import { type Peer, pairHeaders, type RequestHead } from './request.ts'

/** Serves the connections of clients that speak HTTP/1.1; it does not listen itself. */
export interface Http1Server {
  serve(socket: TLSSocket, peer: () => Peer): void
  /** Closes idle connections now and the others after their answer. */
  drain(): void
  destroy(): void
}

/** Beyond 10,240 bytes there is a proper 431; beyond this the connection is closed after it. */
const PARSER_HEAD_BYTES = 64 * 1024

export function createHttp1Server(api: HttpApi, limits: GatewayLimits): Http1Server {
  const state: State = { api, limits, open: new Map(), draining: false }
  const peers = new WeakMap<Socket, () => Peer>()
  const server = createServer(parserOptions(limits), (request, response) => {
    const peer = peers.get(request.socket)
    if (peer === undefined) request.destroy()
    else void answerRequest(state, request, response, peer())
  })
  server.on('clientError', refuseClient)
  // Node starts the clock of headersTimeout and requestTimeout when a server begins to listen.
  server.emit('listening')
  return {
    serve(socket, peer) {
      peers.set(socket, peer)
      state.open.set(socket, 0)
      socket.once('close', () => state.open.delete(socket))
      server.emit('connection', socket)
    },
    drain() {
      state.draining = true
      for (const [socket, requests] of state.open) if (requests === 0) socket.destroy()
    },
    // It never listened, which is all it could report; its clock stops.
    destroy: () => void server.close(() => {}),
  }
}

interface State {
  readonly api: HttpApi
  readonly limits: GatewayLimits
  /** Connections and the requests on them that have not been answered. */
  readonly open: Map<Socket, number>
  draining: boolean
}

function parserOptions(limits: GatewayLimits): ServerOptions {
  return {
    maxHeaderSize: PARSER_HEAD_BYTES,
    headersTimeout: limits.handshakeMs,
    requestTimeout: limits.handshakeMs + limits.bodyMs,
    connectionsCheckingInterval: Math.min(1000, limits.handshakeMs),
    keepAliveTimeout: limits.idleMs,
  }
}

function readHead(request: IncomingMessage, peer: Peer): RequestHead {
  return {
    method: request.method ?? '',
    target: request.url ?? '',
    headers: pairHeaders(request.rawHeaders),
    peer,
  }
}

async function answerRequest(
  state: State,
  request: IncomingMessage,
  response: ServerResponse,
  peer: Peer,
): Promise<void> {
  const { socket } = request
  const count = (change: number) => {
    const requests = (state.open.get(socket) ?? 0) + change
    if (state.open.has(socket)) state.open.set(socket, requests)
    return requests
  }
  count(1)
  response.on('error', () => {})
  response.once('close', () => {
    if (count(-1) === 0 && state.draining) socket.destroySoon()
  })
  const body = hasBody(request) ? request : undefined
  const exchange = { head: readHead(request, peer), body, abandoned: () => socket.destroyed }
  const answer = await state.api.answer(exchange)
  if (answer === undefined || response.destroyed) return
  // What was not read cannot be told from a next request.
  if (!request.complete) response.setHeader('connection', 'close')
  const deadline = setTimeout(() => socket.destroy(), state.limits.answerMs)
  response.once('close', () => clearTimeout(deadline))
  writeAnswer(response, answer)
}

function hasBody(request: IncomingMessage): boolean {
  const { headers } = request
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

function writeAnswer(response: ServerResponse, { status, headers, body }: Answer): void {
  const end = hasNoBody(status) ? undefined : body
  try {
    for (const [name, value] of Object.entries(headers)) {
      response.setHeader(name, typeof value === 'string' ? value : [...value])
    }
    if (end !== undefined) response.setHeader('content-length', end.length)
    response.writeHead(status)
    response.end(end)
  } catch {
    response.destroy()
  }
}

/** Node's parser gave up: the input is not HTTP, too long or too slow. */
function refuseClient(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
  const { status, headers, body } = refuse(refusalFor(error.code))
  const lines = Object.entries({ ...headers, 'content-length': body.length, connection: 'close' })
  const fields = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  socket.end(`HTTP/1.1 ${status} Refused\r\n${fields}\r\n${body.toString()}`, () =>
    socket.destroy(),
  )
}

function refusalFor(code: string | undefined): Refusal {
  if (code === 'HPE_HEADER_OVERFLOW') return refusals.headersTooLarge
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return refusals.bodyTooSlow
  return refusals.badRequest
}
