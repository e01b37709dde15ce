import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Endpoints, Streams } from './api.ts'
import { ApiFailure, apiErrorOf, statusOf, within } from './failure.ts'
import { type Body, readBody } from './http/body.ts'
import { apiHeaders } from './http/headers.ts'
import { toJson } from './http/json.ts'
import {
  type ApiRequest,
  type Found,
  type Handlers,
  Router,
  type StreamHandlers,
} from './http/router.ts'
import { type OpenStream, openStream } from './http/stream.ts'
import { MAX_STREAMS } from './limits.ts'

export interface ApiOptions {
  readonly handlers: Handlers
  readonly streams: StreamHandlers
  /** Hears of every fault: the deployment may be elsewhere, and the log should have what no rule covers. */
  failed(fault: unknown): void
}

export interface Api {
  answer(request: IncomingMessage, response: ServerResponse): Promise<void>
  /** Tells every stream that the console ends, and waits until what stands behind them has been cleared away. */
  sayBye(reason: 'idle' | 'stopped'): Promise<void>
}

type AnyHandler = {
  readonly seconds: number
  answer(request: ApiRequest): Promise<unknown>
}
type AnyStreamHandler = (request: ApiRequest, stream: OpenStream) => Promise<void>

/** Answers what was let in. Each endpoint parses for itself what it is given. */
export function apiOf({ handlers, streams, failed }: ApiOptions): Api {
  const router = new Router(
    Object.keys(handlers) as (keyof Endpoints)[],
    Object.keys(streams) as (keyof Streams)[],
  )
  const open = new Set<OpenStream>()
  const speaking = new Set<Promise<void>>()

  function speak(response: ServerResponse, found: Found, query: URLSearchParams): void {
    if (open.size >= MAX_STREAMS)
      throw new ApiFailure('busy', `${MAX_STREAMS} streams are open already: close a window`)
    const stream = openStream(response)
    open.add(stream)
    stream.closed.addEventListener('abort', () => open.delete(stream))
    const over = speakTo(stream, found, query).finally(() => speaking.delete(over))
    speaking.add(over)
  }

  async function speakTo(stream: OpenStream, { name, params }: Found, query: URLSearchParams) {
    const handler = streams[name as keyof Streams] as AnyStreamHandler
    try {
      await handler({ params, query, body: {} }, stream)
      stream.end('end', {})
    } catch (fault) {
      failed(fault)
      stream.end('failure', apiErrorOf(fault))
    }
  }

  return {
    async answer(request, response) {
      try {
        const url = new URL(request.url ?? '/', 'http://localhost')
        const found = router.find(request.method ?? '', url.pathname)
        if (found.kind === 'stream') return speak(response, found, url.searchParams)
        const body: Body = request.method === 'POST' ? await readBody(request) : {}
        const handler = handlers[found.name as keyof Endpoints] as AnyHandler
        const given = { params: found.params, query: url.searchParams, body }
        const value = await within(handler.seconds, handler.answer(given))
        response.writeHead(200, apiHeaders).end(toJson(value))
      } catch (fault) {
        failed(fault)
        refuse(response, fault)
      }
    },
    async sayBye(reason) {
      for (const stream of open) stream.end('bye', { reason })
      await Promise.all(speaking)
    },
  }
}

/** In the API's shape. What was not read of a request is not waited for. */
export function refuse(response: ServerResponse, fault: unknown): void {
  if (response.headersSent) {
    response.destroy()
    return
  }
  const error = apiErrorOf(fault)
  const headers = { ...apiHeaders, connection: 'close' }
  response.writeHead(statusOf[error.kind], headers).end(toJson({ error }))
}
