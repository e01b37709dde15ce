/** Milliseconds after which a start no longer waits for those before it: one of them may hang. */
const patienceMs = 1_000

/**
 * The line in which the execution environments of all functions wait to start. Loading a module
 * keeps a processor busy for tenths of a second: if several functions are invoked for the first
 * time at once, warm ones must not have to wait for all of them.
 */
export class StartLine {
  readonly #width: number
  readonly #waiting: (() => void)[] = []
  #starting = 0

  /** `width` may start at the same time. */
  constructor(width: number) {
    this.#width = width
  }

  /** Runs `start` in its turn, or when it has waited for long enough. */
  async pass(start: () => Promise<void>): Promise<void> {
    if (this.#starting >= this.#width) await this.#turn()
    this.#starting += 1
    try {
      await start()
    } finally {
      this.#starting -= 1
      this.#waiting.shift()?.()
    }
  }

  #turn(): Promise<void> {
    return new Promise((resolve) => {
      const go = () => {
        clearTimeout(timer)
        resolve()
      }
      this.#waiting.push(go)
      const timer = setTimeout(() => {
        const place = this.#waiting.indexOf(go)
        if (place >= 0) this.#waiting.splice(place, 1)
        resolve()
      }, patienceMs)
    })
  }
}
