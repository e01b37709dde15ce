/**
 * The wait is between these, milliseconds, so that no device, however it answers, makes the providers of others wait
 * longer.
 */
const LEAST_MS = 4
const MOST_MS = 32

/** So many times the mean is enough for nearly all, where the times are of one kind. */
const MARGIN = 3

/** A new time counts for this share of the mean. */
const SHARE = 1 / 64

/**
 * How long notifications have taken of late from their acceptance to their end, and how long it therefore pays to wait
 * for that before one is written to the journal. A write costs more than it takes to deliver a notification; but who
 * is far away gains nothing from a wait that is too short for it in any case.
 */
export class Settling {
  #meanMs = LEAST_MS / MARGIN

  /** @param tookMs of one notification, however long. */
  note(tookMs: number): void {
    this.#meanMs += (Math.min(tookMs, MOST_MS) - this.#meanMs) * SHARE
  }

  /** Milliseconds. */
  get graceMs(): number {
    const enough = this.#meanMs * MARGIN
    return enough > MOST_MS ? LEAST_MS : Math.max(LEAST_MS, enough)
  }
}
