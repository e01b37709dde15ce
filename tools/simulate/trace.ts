import type { Scheduler } from './scheduler.ts'

/** What a person reads to follow a run; long identifiers appear under the short names given here. */
export class Trace {
  readonly lines: string[] = []
  readonly #scheduler: Scheduler
  readonly #start: number
  readonly #on: boolean
  readonly #names = new Map<string, string>()

  constructor(scheduler: Scheduler, on: boolean) {
    this.#scheduler = scheduler
    this.#start = scheduler.now
    this.#on = on
  }

  /** From now on `text` is written as `name`. */
  name(text: string, name: string): void {
    if (this.#on) this.#names.set(text, name)
  }

  /** The line is only made where somebody reads it. */
  note(line: () => string): void {
    if (!this.#on) return
    const seconds = ((this.#scheduler.now - this.#start) / 1000).toFixed(3).padStart(9)
    this.lines.push(`${seconds}  ${this.#shorten(line())}`)
  }

  #shorten(line: string): string {
    return line.replace(/[0-9A-Za-z-]{16,64}/g, (text) => this.#names.get(text) ?? text)
  }
}
