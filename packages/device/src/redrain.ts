import type { Clock } from './clock.ts'

/** The service itself tries twice within ten seconds; after that, it waits to be asked. */
export const FIRST_ASK_MS = 15_000
export const LAST_ASK_MS = 15 * 60_000

export interface RedrainParts {
  readonly clock: Clock
  readonly random: () => number
  /** Presents the tokens to the service, which then sends what is pending. */
  present(): void
}

/**
 * Asks the service to drain again after a notification was not taken over. Otherwise it would stay
 * in its pending slot until the next connect, which can be weeks away on a stable connection.
 */
export class Redrain {
  readonly #parts: RedrainParts
  readonly #failing = new Set<string>()
  #asked = 0
  #cancel: (() => void) | undefined

  constructor(parts: RedrainParts) {
    this.#parts = parts
  }

  onFailed(topic: string): void {
    this.#failing.add(topic)
    this.#cancel ??= this.#parts.clock.after(this.#delayMs(), () => this.#ask())
  }

  onTaken(topic: string): void {
    if (this.#failing.delete(topic) && this.#failing.size === 0) this.stop()
  }

  stop(): void {
    this.#cancel?.()
    this.#cancel = undefined
    this.#failing.clear()
    this.#asked = 0
  }

  #ask(): void {
    this.#cancel = undefined
    this.#asked++
    this.#parts.present()
  }

  /** Doubles each time; half to one and a half of it, as a whole fleet may fail for one reason. */
  #delayMs(): number {
    const middle = Math.min(FIRST_ASK_MS * 2 ** Math.min(this.#asked, 20), LAST_ASK_MS)
    return Math.round(middle * (0.5 + this.#parts.random()))
  }
}
