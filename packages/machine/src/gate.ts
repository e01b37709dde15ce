import { within } from './within.ts'

/** What changes something, counted while it does, so that it can be shut out and waited for. */
export class Gate {
  #inside = 0
  #isShut = false

  /** Does the work, or says `shut` and does nothing. */
  async pass<Result>(work: () => Promise<Result>): Promise<Result | 'shut'> {
    if (this.#isShut) return 'shut'
    this.#inside += 1
    try {
      return await work()
    } finally {
      this.#inside -= 1
    }
  }

  /** Admits nothing more; returns whether everything inside has finished within `ms`. */
  shut(ms: number): Promise<boolean> {
    this.#isShut = true
    return within(ms, () => this.#inside === 0)
  }

  open(): void {
    this.#isShut = false
  }
}
