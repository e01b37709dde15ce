/**
 * How many requests are worked in a turn of the event loop. A client writes its requests together,
 * so dozens come in one read. If all were worked before anything else is read, no device could
 * acknowledge in the meantime, the answers would leave together at the end, and client and service
 * would wait for each other in turn. Fewer would cost more turns than they gain: measured by
 * `npm run bench -- machine`.
 */
export const REQUESTS_A_TURN = 8

/** Work in the order in which it came, so much of it in each turn of the event loop, none in this one. */
export class Turns {
  readonly #most: number
  #waiting: (() => void)[] = []
  #isAsked = false

  constructor(most: number) {
    this.#most = most
  }

  /** @param work must not throw. */
  add(work: () => void): void {
    this.#waiting.push(work)
    this.#ask()
  }

  #ask(): void {
    if (this.#isAsked) return
    this.#isAsked = true
    // the network is read between two of these
    setImmediate(() => this.#next())
  }

  #next(): void {
    this.#isAsked = false
    const now = this.#waiting.slice(0, this.#most)
    this.#waiting = this.#waiting.slice(this.#most)
    if (this.#waiting.length > 0) this.#ask()
    for (const work of now) work()
  }
}
