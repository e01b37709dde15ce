import type { ServerLimits } from './limits.ts'

/** How often deadlines are looked at, milliseconds: a request may be this much late. */
const SWEEP_MS = 100

/** Who waits, the first first: all of one kind wait equally long, so that only the first need be looked at. */
export class Line<Waiting> {
  readonly #waiting = new Map<Waiting, number>()

  add(one: Waiting): void {
    this.#waiting.set(one, performance.now())
  }

  delete(one: Waiting): void {
    this.#waiting.delete(one)
  }

  /** Takes out those who have waited for longer. */
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

/** One clock for all requests: a timer for each costs more than all else that is done for its time. */
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
