import type { Clock } from './clock.ts'

/** The first repeat of a request that was not answered; each pause is twice the one before. */
export const FIRST_REPEAT_MS = 10_000
const LAST_REPEAT_MS = 10 * 60_000

/**
 * Repeats requests until they are answered. The service answers without waiting for the device (QoS 0),
 * and drops what a device asks for too often, so that an answer can be missing on a good connection.
 */
export class Repeats {
  readonly #clock: Clock
  readonly #random: () => number
  readonly #cancel = new Map<string, () => void>()

  constructor(clock: Clock, random: () => number) {
    this.#clock = clock
    this.#random = random
  }

  /**
   * Repeats it after growing pauses until `stop(what)`. If it is already being repeated, the pauses
   * start over.
   */
  start(what: string, again: () => void, pauseMs = FIRST_REPEAT_MS): void {
    this.stop(what)
    const cancel = this.#clock.after(Math.round(pauseMs * (0.5 + this.#random())), () => {
      this.start(what, again, Math.min(LAST_REPEAT_MS, pauseMs * 2))
      again()
    })
    this.#cancel.set(what, cancel)
  }

  stop(what: string): void {
    this.#cancel.get(what)?.()
    this.#cancel.delete(what)
  }

  stopAll(): void {
    for (const what of [...this.#cancel.keys()]) this.stop(what)
  }
}
