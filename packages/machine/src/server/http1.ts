import {
  createServer,
  type IncomingMessage,
  type ServerOptions,
  type ServerResponse,
} from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import type { Answer } from '@heliograph/core/send/answer'
import type { Drainable } from '@heliograph/listener/http2-session'
import {
  answerRequest,
  begin,
  type Client,
  type Exchanges,
  type Head,
  isTooMuch,
  note,
  PIECE_BYTES,
  readHead,
  refuseHead,
} from './exchange.ts'
import type { ServerLimits } from './limits.ts'

/** Serves the connections of clients that speak HTTP/1.1; it does not listen itself. */
export interface Http1Server extends Drainable {
  serve(socket: TLSSocket, client: Client): void
  destroy(): void
}

/** Beyond `headBytes` there is an answer; beyond this the connection is closed after it. */
const PARSER_HEAD_BYTES = 64 * 1024

export function createHttp1Server(exchanges: Exchanges): Http1Server {
  const { limits } = exchanges
  const clients = new WeakMap<Socket, Client>()
  const open = new Map<Socket, number>()
  const state = { draining: false }
  const server = createServer(optionsOf(limits), (request, response) => {
    const { socket } = request
    const client = clients.get(socket)
    if (!client) return void request.destroy()
    open.set(socket, (open.get(socket) ?? 0) + 1)
    const ended = begin(client, exchanges)
    response.on('error', () => {})
    response.once('close', () => {
      const left = (open.get(socket) ?? 1) - 1
      if (open.has(socket)) open.set(socket, left)
      ended()
      if (left === 0 && state.draining) socket.destroySoon()
    })
    void serveRequest(request, response, client, exchanges)
  })
  server.on('clientError', (error, socket) => refuseClient(error, socket, exchanges))
  // Node starts the clock of headersTimeout and requestTimeout when a server begins to listen
  server.emit('listening')
  return {
    serve(socket, client) {
      clients.set(socket, client)
      open.set(socket, 0)
      socket.once('close', () => open.delete(socket))
      server.emit('connection', socket)
    },
    drain() {
      state.draining = true
      for (const [socket, requests] of open) if (requests === 0) socket.destroy()
    },
    destroy: () => void server.close(() => {}),
  }
}

function optionsOf(limits: ServerLimits): ServerOptions {
  return {
    maxHeaderSize: PARSER_HEAD_BYTES,
    headersTimeout: limits.handshakeMs,
    requestTimeout: limits.handshakeMs + limits.bodyMs,
    connectionsCheckingInterval: 1_000,
    keepAliveTimeout: limits.idleMs,
  }
}

async function serveRequest(
  request: IncomingMessage,
  response: ServerResponse,
  client: Client,
  exchanges: Exchanges,
): Promise<void> {
  const since = performance.now()
  const head = readHead(request.method ?? '', request.url ?? '', request.rawHeaders)
  const answer = await answerOf(request, head, client, exchanges)
  if (!answer || response.destroyed) return
  note(head, answer, since, exchanges)
  // unread bytes cannot be distinguished from the next request
  if (!request.complete) response.setHeader('connection', 'close')
  response.setTimeout(exchanges.limits.takeMs, () => request.socket.destroy())
  const { status, headers } = answer
  const body = answer.bytes ?? answer.body ?? ''
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) })
  response.end(body)
}

/** Undefined if the client has left. */
async function answerOf(
  request: IncomingMessage,
  head: Head,
  client: Client,
  exchanges: Exchanges,
): Promise<Answer | undefined> {
  const status = refuseHead(head, client, exchanges)
  if (status !== undefined) return exchanges.edge(status, head)
  const body = await readBody(request, exchanges)
  if (body === 'gone') return undefined
  if (typeof body === 'number') return exchanges.edge(body, head)
  const late = timeOut(exchanges.limits.answerMs)
  const answer = await Promise.race([answerRequest(head, body, client, exchanges), late.promise])
  late.clear()
  return answer === 'late' ? exchanges.edge(503, head) : answer
}

/** The whole body, or the status that it is refused with. */
function readBody(
  request: IncomingMessage,
  exchanges: Exchanges,
): Promise<Buffer | number | 'gone'> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let [held, bytes] = [0, 0]
    const timer = setTimeout(() => settle(408), exchanges.limits.bodyMs)
    const settle = (result: Buffer | number | 'gone') => {
      clearTimeout(timer)
      exchanges.held -= held
      held = 0
      request.removeAllListeners('data').pause()
      resolve(result)
    }
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      held += chunk.length + PIECE_BYTES
      exchanges.held += chunk.length + PIECE_BYTES
      if (bytes > exchanges.limits.bodyBytes) return settle(413)
      if (isTooMuch(exchanges)) return settle(503)
      chunks.push(chunk)
    })
    request.once('end', () => settle(Buffer.concat(chunks)))
    request.once('error', () => settle('gone'))
    request.once('close', () => settle('gone'))
  })
}

function timeOut(ms: number) {
  let timer: NodeJS.Timeout | undefined
  const promise = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), ms)
  })
  return { promise, clear: () => clearTimeout(timer) }
}

/** Node's parser gave up: the input is not HTTP, too long or too slow. */
function refuseClient(error: NodeJS.ErrnoException, socket: Duplex, exchanges: Exchanges): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
  const head: Head = { method: 'POST', target: '/', headers: {}, bytes: 0 }
  const { status, headers, body = '' } = exchanges.edge(statusOf(error.code), head)
  const sent = { ...headers, 'content-length': Buffer.byteLength(body), connection: 'close' }
  const lines = Object.entries(sent).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.end(`HTTP/1.1 ${status} Refused\r\n${lines.join('')}\r\n${body}`, () => socket.destroy())
}

function statusOf(code: string | undefined): number {
  if (code === 'HPE_HEADER_OVERFLOW') return 431
  return code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400
}
