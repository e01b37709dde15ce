import type { Clock } from '../../src/index.ts'

/** A clock that a test moves. */
export interface ManualClock extends Clock {
  /** Delays of the timers that are set, in the order they were set. */
  readonly waiting: () => number[]
  /** Moves on by `ms` and runs what has become due. */
  advance(ms: number): void
}

interface Timer {
  readonly at: number
  readonly ms: number
  readonly action: () => void
}

export function manualClock(startMs = Date.now()): ManualClock {
  const timers = new Set<Timer>()
  let now = startMs
  return {
    now: () => now,
    after(ms, action) {
      const timer = { at: now + ms, ms, action }
      timers.add(timer)
      return () => void timers.delete(timer)
    },
    waiting: () => [...timers].map(({ ms }) => ms),
    advance(ms) {
      now += ms
      for (const timer of [...timers].filter(({ at }) => at <= now)) {
        timers.delete(timer)
        timer.action()
      }
    },
  }
}
