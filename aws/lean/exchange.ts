import { type Agent, type ClientRequest, request as http, type IncomingMessage } from 'node:http'
import { request as https } from 'node:https'
import type { Socket } from 'node:net'
import type { ClientSettings } from './settings.ts'

/** One HTTP request, signed. */
export interface Order {
  readonly endpoint: URL
  readonly agent: Agent
  readonly method: string
  /** With the query. */
  readonly path: string
  readonly headers: Readonly<Record<string, string | number>>
  readonly body: string | Uint8Array
}

export interface Reply {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

type Limits = Pick<ClientSettings, 'connectionTimeout' | 'requestTimeout'>

/**
 * Sends one request and reads the whole answer. Rejects with an error named `TimeoutError`, as the
 * SDK's, when the time is up or the connection broke: the service may have done the work.
 */
export function exchange(order: Order, limits: Limits): Promise<Reply> {
  const { endpoint, agent, method, path, headers, body } = order
  const { hostname, port } = endpoint
  // an IPv6 address stands in brackets in a URL and without them in a call
  const host = hostname.replace(/^\[|\]$/g, '')
  const request = endpoint.protocol === 'https:' ? https : http
  return new Promise((resolve, reject) => {
    const call = request({ host, port, method, path, headers, agent })
    const timer = limit(call, limits.requestTimeout, 'answer')
    const fail = (error: Error) => reject(asTimeout(error))
    call.once('close', () => clearTimeout(timer))
    call.on('error', fail)
    call.once('socket', (socket) => limitConnecting(call, socket, limits.connectionTimeout))
    call.once('response', (response) => read(response, resolve, fail))
    call.end(body)
  })
}

function limit(call: ClientRequest, ms: number, what: string): NodeJS.Timeout | undefined {
  if (ms === 0) return undefined
  const expire = () =>
    call.destroy(
      Object.assign(new Error(`no ${what} within ${ms} ms`), {
        name: 'TimeoutError',
        code: 'ETIMEDOUT',
      }),
    )
  return setTimeout(expire, ms)
}

function limitConnecting(call: ClientRequest, socket: Socket, ms: number): void {
  if (!socket.connecting) return
  const timer = limit(call, ms, 'connection')
  const done = () => clearTimeout(timer)
  socket.once('connect', done)
  call.once('close', done)
}

function read(
  response: IncomingMessage,
  resolve: (reply: Reply) => void,
  fail: (error: Error) => void,
): void {
  let body = ''
  response.setEncoding('utf8')
  response.on('data', (text: string) => {
    body += text
  })
  response.once('error', fail)
  response.once('end', () =>
    resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
  )
}

/** What the SDK calls a time-out (its NODEJS_TIMEOUT_ERROR_CODES): nobody knows what became of the call. */
const unknownEnds: readonly unknown[] = ['ECONNRESET', 'EPIPE', 'ETIMEDOUT']

function asTimeout(error: Error): Error {
  const code = 'code' in error ? error.code : undefined
  return unknownEnds.includes(code) ? Object.assign(error, { name: 'TimeoutError' }) : error
}
