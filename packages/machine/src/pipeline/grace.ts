interface Waiting {
  /** When it came, as `performance.now()`. */
  readonly since: number
}

/**
 * A short time in which things may still settle by themselves, each counted from when it came. One
 * timer serves all of them.
 */
export class Grace<One extends Waiting> {
  readonly #ms: () => number
  readonly #over: (one: One) => void
  /** The one that came first is the first whose time is over. */
  readonly #waiting: One[] = []
  #timer: NodeJS.Timeout | undefined

  /**
   * @param ms the time that each has; asked again whenever it may be over.
   * @param over is called with each one whose time is over, whether or not it has settled.
   */
  constructor(ms: () => number, over: (one: One) => void) {
    this.#ms = ms
    this.#over = over
  }

  add(one: One): void {
    this.#waiting.push(one)
    this.#timer ??= setTimeout(() => this.#look(), this.#ms())
  }

  /** The time of all of them is over now. */
  end(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    for (const one of this.#waiting.splice(0)) this.#over(one)
  }

  /**
   * Timers run before the network is read: in a busy process, what settles them may have come long
   * ago. So it is read first.
   */
  #look(): void {
    const now = performance.now()
    setImmediate(() => this.#passOn(now))
  }

  #passOn(now: number): void {
    const ms = this.#ms()
    const early = this.#waiting.findIndex(({ since }) => since > now - ms)
    const due = this.#waiting.splice(0, early < 0 ? this.#waiting.length : early)
    const [next] = this.#waiting
    const restMs = next && next.since + ms - performance.now()
    this.#timer =
      restMs === undefined ? undefined : setTimeout(() => this.#look(), Math.max(1, restMs))
    for (const one of due) this.#over(one)
  }
}
