import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'

/** One request as it came in. */
export interface Recorded {
  readonly method: string
  /** With the query, undecoded. */
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  /** The caller's port: the same for calls over the same socket. */
  readonly socket: number
}

export interface Answer {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/** Answers one request; `turn` counts from 1 since the last `play`. */
export type Behaviour = (response: ServerResponse, turn: number) => void

/** A service that records what it is asked and answers what a test tells it to. */
export interface Stub {
  readonly url: string
  readonly port: number
  /** Starts a new record and answers with `behaviour` from now on. */
  play(behaviour: Behaviour): Recorded[]
  close(): Promise<void>
}

export async function startStub(): Promise<Stub> {
  let behave: Behaviour = (response) => response.end('{}')
  let requests: Recorded[] = []
  const server = createServer(async (request, response) => {
    const record = requests
    const body = await bodyOf(request)
    if (!body) return
    record.push({
      method: request.method ?? '',
      path: request.url ?? '',
      headers: request.headers,
      body,
      socket: request.socket.remotePort ?? 0,
    })
    behave(response, record.length)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    play(behaviour) {
      behave = behaviour
      requests = []
      return requests
    },
    close() {
      server.closeAllConnections()
      return new Promise((done) => server.close(() => done()))
    },
  }
}

/** Undefined where the caller gave up. */
async function bodyOf(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  try {
    for await (const chunk of request) chunks.push(chunk)
  } catch {
    return undefined
  }
  return Buffer.concat(chunks)
}

/** Gives the answers in turn, and the last one from there on. */
export function answers(...list: readonly [Answer, ...Answer[]]): Behaviour {
  return (response, turn) => {
    const { status = 200, headers = {}, body = '{}' } = list[Math.min(turn, list.length) - 1]!
    response.writeHead(status, headers).end(body)
  }
}

/** Never answers. */
export const silence: Behaviour = () => {}

/** Closes the connection without an answer. */
export const hangUp: Behaviour = (response) => {
  response.socket?.destroy()
}

/** Closes the connection in the middle of an answer. */
export const breakOff: Behaviour = (response) => {
  response.writeHead(200, { 'content-length': 100 })
  response.write('{"MessageId":"', () => response.socket?.destroy())
}

/** Stops in the middle of an answer and keeps the connection. */
export const stall: Behaviour = (response) => {
  response.writeHead(200, { 'content-length': 100 })
  response.write('{"MessageId":"')
}
