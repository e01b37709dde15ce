import type { Claims, Clock } from '@heliograph/core/ports'
import type { Seq } from '@heliograph/protocol/identifiers'
import { CLAIM_SECONDS } from '@heliograph/protocol/limits'
import { nameOf, type StoredClaims } from '../store/claims.ts'

type Claimed = Parameters<Claims['claim']>[0]

/**
 * Far more than are in progress at a time: claims that a full disk does not take must not fill the
 * memory.
 */
const MOST_HELD = 100_000

interface Held {
  readonly seq: Seq
  readonly until: number
}

/**
 * A claim is held in memory until its notification has ended, and written only then. After a crash,
 * a claim on disk without its notification would make the provider's repeat look like a duplicate
 * of a notification that is lost.
 */
export class HeldClaims implements Claims {
  readonly #stored: StoredClaims
  readonly #clock: Clock
  readonly #most: number
  readonly #held = new Map<string, Held>()

  constructor(stored: StoredClaims, clock: Clock, most = MOST_HELD) {
    this.#stored = stored
    this.#clock = clock
    this.#most = most
  }

  async claim(notification: Claimed): Promise<Seq> {
    const key = nameOf(notification)
    const now = this.#clock.now()
    const held = this.#held.get(key)
    if (held && held.until > now) return held.seq
    const holder = this.#stored.holder(notification)
    if (holder !== undefined) return holder
    this.#makeRoom(now)
    this.#held.set(key, { seq: notification.seq, until: now + CLAIM_SECONDS * 1_000 })
    return notification.seq
  }

  /** The notification has ended: its claim goes to disk. If that fails, it stays in memory. */
  settle(notification: Claimed): void {
    const key = nameOf(notification)
    if (this.#held.get(key)?.seq !== notification.seq) return
    this.#stored.claim(notification).then(
      () => this.#held.delete(key),
      () => {},
    )
  }

  /** They are ordered by time; beyond the most the oldest goes, whose repeat is no duplicate any more. */
  #makeRoom(now: number): void {
    for (const [key, { until }] of this.#held) {
      if (until > now && this.#held.size < this.#most) return
      this.#held.delete(key)
    }
  }
}
