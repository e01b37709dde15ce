import type { Clock } from './clock.ts'

/** The service itself tries twice within ten seconds; after that, it waits to be asked. */
export const FIRST_ASK_MS = 15_000
export const LAST_ASK_MS = 15 * 60_000

export interface RedrainParts {
  readonly clock: Clock
  readonly random: () => number
  /** Asks for what these have pending. */
  ask(failing: ReadonlySet<string>): void
}

/**
 * Asks the service again for what is pending after a notification was not taken over. Otherwise it
 * would stay where it waits until the next connect, which can be weeks away on a stable connection.
 * One for topics, whose slots are drained, and one for channels, which are subscribed to again.
 */
export class Redrain {
  readonly #parts: RedrainParts
  readonly #failing = new Set<string>()
  #asked = 0
  #cancel: (() => void) | undefined

  constructor(parts: RedrainParts) {
    this.#parts = parts
  }

  onFailed(origin: string): void {
    this.#failing.add(origin)
    this.#cancel ??= this.#parts.clock.after(this.#delayMs(), () => this.#ask())
  }

  onTaken(origin: string): void {
    if (this.#failing.delete(origin) && this.#failing.size === 0) this.stop()
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
    this.#parts.ask(this.#failing)
  }

  /** Doubles each time; half to one and a half of it, as a whole fleet may fail for one reason. */
  #delayMs(): number {
    const middle = Math.min(FIRST_ASK_MS * 2 ** Math.min(this.#asked, 20), LAST_ASK_MS)
    return Math.round(middle * (0.5 + this.#parts.random()))
  }
}
