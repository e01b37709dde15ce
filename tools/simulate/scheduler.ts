/** Something that will happen unless it is canceled. */
export interface Appointment {
  readonly at: number
  cancel(): void
}

interface Entry {
  readonly at: number
  /** Appointments of one moment come in the order they were made. */
  readonly order: number
  /** Something that may wait forever, such as a TTL: it does not keep the run going. */
  readonly background: boolean
  run: (() => void) | undefined
}

/**
 * Virtual time: nothing happens between two appointments, and what one of them sets off (all the
 * promises it settles) is over before the next. So a run depends on its seed alone.
 */
export class Scheduler {
  #now: number
  #made = 0
  #kept = 0
  #foreground = 0
  readonly #most: number
  readonly #heap: Entry[] = []

  /** `most`: how many appointments a run may keep; what makes new ones for ever breaks it. */
  constructor(now: number, most = Number.POSITIVE_INFINITY) {
    this.#now = now
    this.#most = most
  }

  /** Milliseconds since the epoch, with fractions. */
  get now(): number {
    return this.#now
  }

  after(ms: number, run: () => void): Appointment {
    return this.#make(ms, run, false)
  }

  /** An appointment that `runUntilIdle` does not wait for. */
  inBackground(ms: number, run: () => void): Appointment {
    return this.#make(ms, run, true)
  }

  /** Runs until nothing but background appointments is left. */
  async runUntilIdle(): Promise<void> {
    await settled()
    while (this.#foreground > 0) await this.#step()
  }

  /** Runs everything up to a time. */
  async runUntil(at: number): Promise<void> {
    await settled()
    for (let next = this.#heap[0]; next && next.at <= at; next = this.#heap[0]) await this.#step()
    this.#now = Math.max(this.#now, at)
  }

  #make(ms: number, run: () => void, background: boolean): Appointment {
    const at = this.#now + Math.max(0, ms)
    const entry: Entry = { at, order: this.#made, background, run }
    this.#made += 1
    if (!background) this.#foreground += 1
    push(this.#heap, entry)
    return { at, cancel: () => this.#cancel(entry) }
  }

  #cancel(entry: Entry): void {
    if (entry.run && !entry.background) this.#foreground -= 1
    entry.run = undefined
  }

  async #step(): Promise<void> {
    const entry = this.#heap[0]
    pop(this.#heap)
    if (!entry?.run) return
    this.#kept += 1
    if (this.#kept > this.#most)
      throw new Error(`no rest after ${this.#most} appointments: something repeats itself for ever`)
    this.#now = entry.at
    const { run } = entry
    this.#cancel(entry)
    run()
    await settled()
  }
}

/** Node empties the microtask queue before it looks for ticks again, so all promises have settled. */
function settled(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve))
}

function isBefore(one: Entry, other: Entry): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order)
}

function push(heap: Entry[], entry: Entry): void {
  let place = heap.length
  while (place > 0) {
    const parent = (place - 1) >> 1
    const above = heap[parent] as Entry
    if (!isBefore(entry, above)) break
    heap[place] = above
    place = parent
  }
  heap[place] = entry
}

function pop(heap: Entry[]): void {
  const last = heap.pop()
  if (!last || heap.length === 0) return
  let place = 0
  for (;;) {
    const child = smallerChild(heap, place)
    if (child === undefined || !isBefore(heap[child] as Entry, last)) break
    heap[place] = heap[child] as Entry
    place = child
  }
  heap[place] = last
}

function smallerChild(heap: readonly Entry[], place: number): number | undefined {
  const left = 2 * place + 1
  if (left >= heap.length) return undefined
  const right = left + 1
  return right < heap.length && isBefore(heap[right] as Entry, heap[left] as Entry) ? right : left
}
