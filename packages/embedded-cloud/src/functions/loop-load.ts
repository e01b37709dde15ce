/** Milliseconds of one look: a shorter one would see single turns of the loop. */
const lookMs = 20
/**
 * The share of time in which the loop is busy, above which additional work keeps others waiting.
 */
const highLoad = 0.5

type Measure = (
  from?: Readonly<{ idle: number; active: number; utilization: number }>,
) => Readonly<{ idle: number; active: number; utilization: number }>

/** Whether the event loop of this process has much to do, as of the last look. */
export class LoopLoad {
  readonly #measure: Measure
  #last: ReturnType<Measure>
  #share = 0

  constructor(measure: Measure = performance.eventLoopUtilization.bind(performance)) {
    this.#measure = measure
    this.#last = measure()
  }

  get isHigh(): boolean {
    const { idle, active, utilization } = this.#measure(this.#last)
    if (idle + active >= lookMs) {
      this.#share = utilization
      this.#last = this.#measure()
    }
    return this.#share > highLoad
  }
}
