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
 *
 * A request that meets a stale socket is sent once more on a new one, within the time of one call.
 */
export async function exchange(order: Order, limits: Limits): Promise<Reply> {
  const started = performance.now()
  try {
    return await exchangeOnce(order, limits)
  } catch (fault) {
    if (!(fault instanceof Error && fromStaleSockets.has(fault))) throw fault
    closeIdleSockets(order.agent)
    return await exchangeOnce(order, withTimeLeft(limits, performance.now() - started))
  }
}

/**
 * Errors of sockets that were kept from an earlier call and broke before the first byte of the
 * answer. The service closes idle sockets, and a frozen execution environment notices only when it
 * uses them. A closed socket does not pass on a request, so repeating it does not send a second
 * direct message. If the service took the request and failed at that moment, the device drops the
 * repeated notification by its id.
 */
const fromStaleSockets = new WeakSet<Error>()

/** What was idle as long as a stale socket is stale too; the agent then opens a new one. */
function closeIdleSockets({ freeSockets }: Agent): void {
  for (const socket of Object.values(freeSockets).flat()) socket?.destroy()
}

/** 0 means no limit, also for the time that is left. */
function withTimeLeft(limits: Limits, spentMs: number): Limits {
  const { requestTimeout } = limits
  return requestTimeout === 0
    ? limits
    : { ...limits, requestTimeout: Math.max(1, requestTimeout - spentMs) }
}

function exchangeOnce(order: Order, limits: Limits): Promise<Reply> {
  const { endpoint, agent, method, path, headers, body } = order
  const { hostname, port } = endpoint
  // an IPv6 address has brackets in a URL, but not in a call
  const host = hostname.replace(/^\[|\]$/g, '')
  const request = endpoint.protocol === 'https:' ? https : http
  return new Promise((resolve, reject) => {
    const call = request({ host, port, method, path, headers, agent })
    const fail = (error: Error) => reject(asTimeout(error))
    const expire = (error: Error) => {
      // one that still waits for a socket would say so only when it got one
      fail(error)
      call.destroy(error)
    }
    const timer = limit(limits.requestTimeout, 'answer', expire)
    call.once('close', () => clearTimeout(timer))
    call.once('socket', (socket) => {
      limitConnecting(call, socket, limits.connectionTimeout, expire)
      watchForStale(call, socket)
    })
    call.on('error', fail)
    call.once('response', (response) => read(response, resolve, fail))
    call.end(body)
  })
}

type Expire = (error: Error) => void

function limit(ms: number, what: string, expire: Expire): NodeJS.Timeout | undefined {
  if (ms === 0) return undefined
  const timedOut = { name: 'TimeoutError', code: 'ETIMEDOUT' }
  return setTimeout(
    () => expire(Object.assign(new Error(`no ${what} within ${ms} ms`), timedOut)),
    ms,
  )
}

function limitConnecting(call: ClientRequest, socket: Socket, ms: number, expire: Expire): void {
  if (!socket.connecting) return
  const timer = limit(ms, 'connection', expire)
  const done = () => clearTimeout(timer)
  socket.once('connect', done)
  call.once('close', done)
}

/** Sees the error before the caller that waits for the answer does. */
function watchForStale(call: ClientRequest, socket: Socket): void {
  const read = socket.bytesRead
  call.prependOnceListener('error', (error) => {
    const broken = 'code' in error && brokenSocket.includes(error.code)
    if (broken && call.reusedSocket && socket.bytesRead === read) fromStaleSockets.add(error)
  })
}

const brokenSocket: readonly unknown[] = ['ECONNRESET', 'EPIPE']

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

/** What the SDK calls a time-out (its NODEJS_TIMEOUT_ERROR_CODES): nobody knows what happened to the call. */
const unknownEnds: readonly unknown[] = [...brokenSocket, 'ETIMEDOUT']

function asTimeout(error: Error): Error {
  const code = 'code' in error ? error.code : undefined
  return unknownEnds.includes(code) ? Object.assign(error, { name: 'TimeoutError' }) : error
}
