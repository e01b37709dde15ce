import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buildConsole } from '@heliograph/console/build'
import type { Endpoints, ErrorAnswer, ErrorKind, Streams } from 'heliograph/console/api'

/** What every request has; each handler uses what its endpoint has. */
export interface Asked {
  readonly params: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  readonly body: Readonly<Record<string, unknown>>
}

export type Handlers = {
  readonly [N in keyof Endpoints]?: (
    asked: Asked,
  ) => Endpoints[N]['answer'] | Promise<Endpoints[N]['answer']>
}

/** Says an event of the stream; the stream stays open until the page leaves or `end` is said. */
export type Say = (event: string, data: unknown) => void
export type StreamHandlers = {
  readonly [N in keyof Streams]?: (asked: Asked, say: Say) => undefined | (() => void)
}

/** What a handler throws to be answered with a fault. */
export class Refusal extends Error {
  readonly kind: ErrorKind
  readonly status: number

  constructor(kind: ErrorKind, message: string, status = 500) {
    super(message)
    this.kind = kind
    this.status = status
  }
}

/** What the real server sends, or stricter: the page has to do with it. */
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

export interface Fake {
  readonly url: string
  close(): Promise<void>
}

/** The page and an API of the given handlers, on a free port of loopback. */
export async function openFake(handlers: Handlers, streams: StreamHandlers): Promise<Fake> {
  const files = new Map((await buildConsole()).map((file) => [`/${file.name}`, file]))
  const index = files.get('/index.html')
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost')
    if (pathname.startsWith('/api/'))
      return void answer(request, response, pathname, searchParams, { handlers, streams })
    const file = files.get(pathname) ?? index
    response.writeHead(200, {
      'content-type': file?.type ?? '',
      'content-security-policy': policy,
    })
    response.end(file?.bytes)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.closeAllConnections()
      return new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

interface Api {
  readonly handlers: Handlers
  readonly streams: StreamHandlers
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
  query: URLSearchParams,
  { handlers, streams }: Api,
): Promise<void> {
  const method = request.method ?? 'GET'
  const body = method === 'POST' ? await readBody(request) : {}
  const stream = find(streams, method, path)
  if (stream) return openStream(response, (say) => stream.handler({ ...stream, query, body }, say))
  const found = find(handlers, method, path)
  try {
    if (!found) throw new Refusal('notFound', `${method} ${path} is not faked`, 404)
    send(response, 200, await found.handler({ ...found, query, body }))
  } catch (thrown) {
    const { kind = 'failed', message, status = 500 } = thrown as Partial<Refusal> & Error
    send(response, status, { error: { kind, message } } satisfies ErrorAnswer)
  }
}

function send(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(value))
}

function openStream(response: ServerResponse, run: (say: Say) => undefined | (() => void)): void {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
  response.flushHeaders()
  const stop = run((event, data) => {
    response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
    if (event === 'end' || event === 'failure' || event === 'bye') response.end()
  })
  response.on('close', () => stop?.())
}

async function readBody(request: IncomingMessage): Promise<Record<string, unknown>> {
  let text = ''
  for await (const chunk of request) text += chunk
  return JSON.parse(text) as Record<string, unknown>
}

/** The handler whose pattern the path fits, with the values of its parameters. */
function find<Table extends object>(table: Table, method: string, path: string) {
  for (const [name, handler] of Object.entries(table) as [string, Table[keyof Table]][]) {
    const [wanted, pattern = ''] = name.split(' ')
    const params = wanted === method ? paramsIn(pattern.split('/'), path.split('/')) : undefined
    if (params && handler) return { handler, params }
  }
  return undefined
}

function paramsIn(
  pattern: readonly string[],
  path: readonly string[],
): Record<string, string> | undefined {
  if (pattern.length !== path.length) return undefined
  const pairs = pattern.map((part, place) => [part, decodeURIComponent(path[place] ?? '')] as const)
  if (pairs.some(([part, value]) => !part.startsWith(':') && part !== value)) return undefined
  return Object.fromEntries(
    pairs.flatMap(([part, value]) => (part.startsWith(':') ? [[part.slice(1), value]] : [])),
  )
}
