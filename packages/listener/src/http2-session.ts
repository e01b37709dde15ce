import * as http2 from 'node:http2'
import type { TLSSocket } from 'node:tls'
import { type WatchLimits, watchSession } from './http2-watch.ts'

/** A connection that can be told to end without harm to the work it carries. */
export interface Drainable {
  /** Ends the connection at once if it is idle, otherwise as soon as its last answer is out. */
  drain(): void
}

export interface SessionLimits extends WatchLimits {
  /** Requests that a client may have open at a time. */
  readonly streams: number
}

export type OnStream = (
  stream: http2.ServerHttp2Stream,
  headers: http2.IncomingHttpHeaders,
  flags: number,
  /** Names and values in turn, as they came. */
  rawHeaders: readonly string[],
) => void

/** Beyond 10,240 bytes of headers there is an answer (431); beyond 64 kB or this many a reset. */
const MAX_HEADER_PAIRS = 512
/** Megabytes; a thousand streams with ten kilobytes of headers each must not be refused. */
const MAX_SESSION_MEMORY = 32

/**
 * Serves HTTP/2 on a TLS socket, whether or not the client named the protocol in ALPN. A GOAWAY is sent
 * only while no request is in flight: several clients fail those it covers.
 */
export function serveSession(
  socket: TLSSocket,
  limits: SessionLimits,
  onStream: OnStream,
): Drainable {
  const session = http2.performServerHandshake(socket, {
    settings: { maxConcurrentStreams: limits.streams, enablePush: false },
    maxHeaderListPairs: MAX_HEADER_PAIRS,
    maxSessionMemory: MAX_SESSION_MEMORY,
  })
  let open = 0
  let isDraining = false
  const closeIfIdle = () => {
    if (open === 0 && !session.closed) session.close()
  }
  session.on('error', ignore)
  session.on('frameError', ignore)
  const active = watchSession({ session, limits, open: () => open })
  const begin: OnStream = (stream, ...request) => {
    open += 1
    active()
    stream.on('error', ignore)
    stream.on('close', () => {
      open -= 1
      active()
      if (isDraining) closeIfIdle()
    })
    onStream(stream, ...request)
  }
  session.on('stream', begin)
  return {
    drain() {
      isDraining = true
      closeIfIdle()
    },
  }
}

function ignore(): void {}
