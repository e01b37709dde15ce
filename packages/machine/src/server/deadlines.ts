import type { ServerLimits } from './limits.ts'

/** How often deadlines are looked at, milliseconds: a request may be this much late. */
const SWEEP_MS = 100

/** Waiting requests, oldest first: all of a kind wait equally long, so that only the first need be checked. */
export class Line<Waiting> {
  readonly #waiting = new Map<Waiting, number>()

  add(one: Waiting): void {
    this.#waiting.set(one, performance.now())
  }

  delete(one: Waiting): void {
    this.#waiting.delete(one)
  }

  /** Takes out those that have waited too long. */
  overdue(ms: number, now = performance.now()): Waiting[] {
    const due: Waiting[] = []
    for (const [one, since] of this.#waiting) {
      if (now - since < ms) break
      due.push(one)
    }
    for (const one of due) this.#waiting.delete(one)
    return due
  }
}

/** A request whose time may be over. */
export interface Timed {
  late(status: number): void
  cut(): void
}

/**
 * One timer for all requests: one for each would cost more than the rest of its deadline handling.
 */
export interface Deadlines {
  readonly body: Line<Timed>
  readonly answer: Line<Timed>
  readonly taking: Line<Timed>
  close(): void
}

export function startDeadlines(limits: ServerLimits): Deadlines {
  const lines = { body: new Line<Timed>(), answer: new Line<Timed>(), taking: new Line<Timed>() }
  const timer = setInterval(() => {
    for (const one of lines.body.overdue(limits.bodyMs)) one.late(408)
    for (const one of lines.answer.overdue(limits.answerMs)) one.late(503)
    for (const one of lines.taking.overdue(limits.takeMs)) one.cut()
  }, SWEEP_MS)
  timer.unref()
  return { ...lines, close: () => clearInterval(timer) }
}
