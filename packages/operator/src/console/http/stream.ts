import type { ServerResponse } from 'node:http'
import type { StreamEnds } from '../api.ts'
import { HEARTBEAT_MS, MAX_UNREAD_BYTES } from '../limits.ts'
import { safetyHeaders } from './headers.ts'
import { toJson } from './json.ts'

/** Events on their way to a page. */
export interface EventStream<Events> {
  send<Name extends string & keyof Events>(name: Name, data: Events[Name]): void
  /** Fires when nobody listens any more. */
  readonly closed: AbortSignal
}

export interface OpenStream extends EventStream<Record<string, unknown>> {
  /** Says why it is over, and closes. */
  end<Name extends keyof StreamEnds>(name: Name, data: StreamEnds[Name]): void
}

/** Server-sent events (HTML Standard §9.2). A reader that does not read is cut off: events wait in memory. */
export function openStream(response: ServerResponse): OpenStream {
  const closing = new AbortController()
  response.writeHead(200, {
    ...safetyHeaders,
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
  })
  response.flushHeaders()
  const write = (chunk: string) => {
    if (closing.signal.aborted) return
    response.write(chunk)
    if (response.writableLength > MAX_UNREAD_BYTES) response.destroy()
  }
  const heartbeat = setInterval(() => write(':\n\n'), HEARTBEAT_MS)
  response.once('close', () => {
    clearInterval(heartbeat)
    closing.abort()
  })
  const send = (name: string, data: unknown) => write(`event: ${name}\ndata: ${toJson(data)}\n\n`)
  return {
    send,
    closed: closing.signal,
    end(name, data) {
      send(name, data)
      response.end()
    },
  }
}
