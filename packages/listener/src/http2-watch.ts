import type { ServerHttp2Session } from 'node:http2'

/** Milliseconds. */
export interface WatchLimits {
  /** A connection that has carried no request for this long is closed. */
  readonly idleMs: number
  /** A client that has been quiet for this long is sent a PING, and then less and less often. */
  readonly quietMs: number
  /** For the answer to such a PING; then the connection is cut. */
  readonly pongMs: number
}

export interface WatchedSession {
  readonly session: ServerHttp2Session
  readonly limits: WatchLimits
  /** Requests that have not ended. */
  open(): number
}

/** The longest between two PINGs to a quiet client, in milliseconds. */
const LONGEST_WAIT_MS = 60_000

/**
 * Ends useless sessions: gracefully if there was no request for `idleMs`, immediately if the client
 * does not answer a PING. The latter is not only for dead peers. When a client breaks the protocol,
 * Node 20 sends GOAWAY and stops reading, but neither session nor socket ever ends, and there is no
 * event; only a PING detects this.
 * @returns a function to call when a request begins or ends.
 */
export function watchSession({ session, limits, open }: WatchedSession): () => void {
  let lastActive = performance.now()
  let waitMs = limits.quietMs
  let timer: NodeJS.Timeout | undefined
  const again = (ms: number) => {
    // Not later than the end of the idle time, if that is still ahead.
    const idleMs = lastActive + limits.idleMs - performance.now()
    timer = setTimeout(check, Math.max(1, idleMs > 0 ? Math.min(ms, idleMs) : ms))
  }
  const check = () => {
    const quietFor = performance.now() - lastActive
    if (open() === 0 && quietFor >= limits.idleMs) return session.close()
    if (quietFor < limits.quietMs) return again(limits.quietMs - quietFor)
    timer = setTimeout(() => session.destroy(), limits.pongMs)
    if (!ping(session, onPong)) session.destroy()
  }
  const onPong = () => {
    clearTimeout(timer)
    waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS)
    again(waitMs)
  }
  session.once('close', () => clearTimeout(timer))
  again(waitMs)
  return () => {
    lastActive = performance.now()
    waitMs = limits.quietMs
  }
}

/** False when it cannot even be sent. */
function ping(session: ServerHttp2Session, onPong: () => void): boolean {
  try {
    return session.ping((error) => {
      if (error === null) onPong()
    })
  } catch {
    return false
  }
}
