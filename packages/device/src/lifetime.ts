import type { Clock } from './clock.ts'

/**
 * The clock of one device: what it has set ends with the device, and afterwards nothing can be set. What was under way
 * when the device was closed can come to its end later, and must not keep the process alive.
 */
export class Lifetime implements Clock {
  readonly #clock: Clock
  readonly #cancels = new Set<() => void>()
  readonly #end = new AbortController()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Aborted when the device is closed. */
  get ended(): AbortSignal {
    return this.#end.signal
  }

  now(): number {
    return this.#clock.now()
  }

  after(ms: number, action: () => void): () => void {
    if (this.#end.signal.aborted) return () => {}
    const cancel = () => {
      this.#cancels.delete(cancel)
      stop()
    }
    const stop = this.#clock.after(ms, () => {
      this.#cancels.delete(cancel)
      action()
    })
    this.#cancels.add(cancel)
    return cancel
  }

  end(): void {
    this.#end.abort()
    for (const cancel of [...this.#cancels]) cancel()
  }
}
