import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import { beforeAll } from 'vitest'

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
export type Behavior = (response: ServerResponse, turn: number) => void

/** A service that records what it is asked and answers what a test tells it to. */
export interface Stub {
  readonly url: string
  readonly port: number
  /** Starts a new record and answers with `behavior` from now on. */
  play(behavior: Behavior): Recorded[]
  close(): Promise<void>
}

export async function startStub(): Promise<Stub> {
  let behave: Behavior = (response) => response.end('{}')
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
    play(behavior) {
      behave = behavior
      requests = []
      return requests
    },
    close() {
      server.closeAllConnections()
      return new Promise((done) => server.close(() => done()))
    },
  }
}

/** The stub of a file: it runs from before its first test until after its last. */
export function stubOfFile(): Pick<Stub, 'url' | 'port' | 'play'> {
  let stub: Stub
  beforeAll(async () => {
    stub = await startStub()
    return stub.close
  })
  return {
    get url() {
      return stub.url
    },
    get port() {
      return stub.port
    },
    play: (behavior) => stub.play(behavior),
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
export function answers(...list: readonly [Answer, ...Answer[]]): Behavior {
  return (response, turn) => {
    const { status = 200, headers = {}, body = '{}' } = list[Math.min(turn, list.length) - 1]!
    response.writeHead(status, headers).end(body)
  }
}

/** Never answers. */
export const silence: Behavior = () => {}

/** Closes the connection without an answer. */
export const hangUp: Behavior = (response) => {
  response.socket?.destroy()
}

/** Closes the connection in the middle of an answer. */
export const breakOff: Behavior = (response) => {
  response.writeHead(200, { 'content-length': 100 })
  response.write('{"MessageId":"', () => response.socket?.destroy())
}

/** Stops in the middle of an answer and keeps the connection. */
export const stall: Behavior = (response) => {
  response.writeHead(200, { 'content-length': 100 })
  response.write('{"MessageId":"')
}
