import type { Clock, TokenKey, TokenKeyRing } from '../ports.ts'

/** How long a ring is believed: within this time a retired key stops opening tokens everywhere, and a new one is known. */
export const RING_SECONDS = 60
/** How often the ring may be read again for a token that no key opens, or to seal a new one. */
const REFRESH_SECONDS = 0.25

/**
 * A ring that is read once in a while; simultaneous requests share one read. Ordinary reads do not
 * delay a refresh that is due: a new key may have appeared right after one.
 */
export function believedRing(read: () => Promise<readonly TokenKey[]>, clock: Clock): TokenKeyRing {
  let reading: Promise<readonly TokenKey[]> | undefined
  let readAt = Number.NEGATIVE_INFINITY
  let refreshedAt = Number.NEGATIVE_INFINITY

  function readAgain(): Promise<readonly TokenKey[]> {
    readAt = clock.now()
    const attempt = read()
    reading = attempt
    // a failed read must not be believed for a minute
    attempt.catch(() => {
      if (reading === attempt) reading = undefined
    })
    return attempt
  }

  return {
    keys: () => (reading && isWithin(RING_SECONDS, readAt, clock.now()) ? reading : readAgain()),
    refreshed: () => {
      if (reading && isWithin(REFRESH_SECONDS, refreshedAt, clock.now())) return reading
      refreshedAt = clock.now()
      return readAgain()
    },
  }
}

/** A clock that ran backwards makes a reading old, not young. */
function isWithin(seconds: number, since: number, now: number): boolean {
  return now >= since && now - since < seconds * 1000
}
