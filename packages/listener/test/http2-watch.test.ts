import { EventEmitter } from 'node:events'
import type { ServerHttp2Session } from 'node:http2'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { watchSession } from '../src/http2-watch.ts'

/** A session whose client answers a PING, or does not. */
class FakeSession extends EventEmitter {
  pings = 0
  answers = true
  ended: 'closed' | 'destroyed' | undefined
  close = () => this.#end('closed')
  destroy = () => this.#end('destroyed')

  ping = (answered: (error: Error | null) => void): boolean => {
    this.pings += 1
    if (this.answers) answered(null)
    return true
  }

  #end(how: 'closed' | 'destroyed'): void {
    this.ended ??= how
    this.emit('close')
  }
}

const limits = { idleMs: 310_000, quietMs: 5_000, pongMs: 2_000 }
let session: FakeSession
let requests: number
let active: () => void

beforeEach(() => {
  vi.useFakeTimers()
  session = new FakeSession()
  requests = 0
  active = watchSession({
    ...{ session: session as unknown as ServerHttp2Session, limits },
    open: () => requests,
  })
})
afterEach(() => {
  session.emit('close')
  vi.useRealTimers()
})

describe('a quiet session', () => {
  test('is asked ever more seldom, and closed when it has been idle for long', () => {
    vi.advanceTimersByTime(5_000)
    expect(session.pings).toBe(1)
    vi.advanceTimersByTime(9_999)
    expect(session.pings).toBe(1)
    vi.advanceTimersByTime(1)
    expect(session.pings).toBe(2)
    vi.advanceTimersByTime(limits.idleMs - 15_000 - 1)
    expect(session.ended).toBeUndefined()
    vi.advanceTimersByTime(1)
    expect(session.ended).toBe('closed')
    expect(session.pings).toBeLessThan(12)
  })

  test('is not closed while a request is under way, however long', () => {
    requests = 1
    vi.advanceTimersByTime(2 * limits.idleMs)
    expect(session.ended).toBeUndefined()
  })

  test('counts anew from its last request', () => {
    vi.advanceTimersByTime(limits.idleMs - 1)
    active()
    vi.advanceTimersByTime(limits.idleMs - 1)
    expect(session.ended).toBeUndefined()
    vi.advanceTimersByTime(1 + limits.quietMs)
    expect(session.ended).toBe('closed')
  })
})

describe('a session whose client has gone', () => {
  test('ends when a PING stays without an answer, with a request under way as well', () => {
    session.answers = false
    requests = 1
    vi.advanceTimersByTime(limits.quietMs + limits.pongMs - 1)
    expect(session.ended).toBeUndefined()
    vi.advanceTimersByTime(1)
    expect(session.ended).toBe('destroyed')
  })

  test.each([
    ['is refused', () => false],
    [
      'throws',
      () => {
        throw new Error('the session is gone')
      },
    ],
  ])('ends at once where the PING %s', (_how, ping) => {
    session.ping = ping
    vi.advanceTimersByTime(limits.quietMs)
    expect(session.ended).toBe('destroyed')
  })

  test('leaves no timer behind', () => {
    session.emit('close')
    expect(vi.getTimerCount()).toBe(0)
  })
})
