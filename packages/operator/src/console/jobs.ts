import { EventEmitter, once } from 'node:events'
import type { QueueWork } from '../operations/dead-letters.ts'
import type { Job } from './api.ts'
import { ApiFailure, apiErrorOf } from './failure.ts'
import { MAX_JOBS } from './limits.ts'

export interface JobOrder extends Pick<Job, 'kind' | 'queue'> {
  /** How many letters there are, roughly. */
  readonly total: number
  run(work: QueueWork): Promise<void>
}

interface Entry {
  job: Job
  readonly stop: AbortController
  /** Tells `change` after every change. */
  readonly changes: EventEmitter
  /** Resolves when the work has ended, however it ended. */
  over: Promise<void>
}

/** Long work, which goes on while the page is elsewhere. It ends with the console. */
export class Jobs {
  readonly #entries = new Map<string, Entry>()
  readonly #now: () => number
  readonly #newId: () => string

  constructor({ now, newId }: { readonly now: () => number; readonly newId: () => string }) {
    this.#now = now
    this.#newId = newId
  }

  /** Begins the work; of one queue there is one at a time, because two would hide letters from each other. */
  start({ kind, queue, total, run }: JobOrder): Job {
    const busy = this.#running().find(({ job }) => job.queue === queue)
    if (busy)
      throw new ApiFailure('busy', `${queue} is being worked on already: wait for it, or cancel it`)
    const id = this.#newId()
    const job: Job = {
      ...{ id, kind, queue, total, done: 0, left: 0 },
      state: 'running',
      startedAt: this.#now(),
    }
    const changes = new EventEmitter().setMaxListeners(0)
    const entry: Entry = { job, stop: new AbortController(), changes, over: Promise.resolve() }
    this.#entries.set(id, entry)
    this.#forgetOldest()
    entry.over = this.#work(entry, run)
    return job
  }

  list(): Job[] {
    return [...this.#entries.values()].map(({ job }) => job).reverse()
  }

  cancel(id: string): Job {
    const entry = this.#find(id)
    if (entry.job.state === 'running') {
      this.#change(entry, { state: 'cancelling' })
      entry.stop.abort()
    }
    return entry.job
  }

  /** The job now and after every change, until it has ended or nobody listens. */
  async follow(id: string, hear: (job: Job) => void, stop: AbortSignal): Promise<void> {
    const entry = this.#find(id)
    for (;;) {
      const { job } = entry
      hear(job)
      if (job.endedAt !== undefined || stop.aborted) return
      // what changed while it was told is told at once
      if (entry.job === job) await once(entry.changes, 'change', { signal: stop }).catch(() => {})
      if (stop.aborted) return
    }
  }

  get isBusy(): boolean {
    return this.#running().length > 0
  }

  /** Cancels them all, and waits until they have put back what they had taken. */
  async cancelAll(): Promise<void> {
    const running = this.#running()
    for (const { job } of running) this.cancel(job.id)
    await Promise.all(running.map(({ over }) => over))
  }

  async #work(entry: Entry, run: JobOrder['run']): Promise<void> {
    try {
      await run({
        stop: entry.stop.signal,
        progress: (done, left) => this.#change(entry, { done, left }),
      })
      this.#end(entry, { state: entry.stop.signal.aborted ? 'cancelled' : 'done' })
    } catch (fault) {
      this.#end(entry, { state: 'failed', error: apiErrorOf(fault) })
    }
  }

  #end(entry: Entry, change: Partial<Job>): void {
    this.#change(entry, { ...change, endedAt: this.#now() })
  }

  #change(entry: Entry, change: Partial<Job>): void {
    entry.job = { ...entry.job, ...change }
    entry.changes.emit('change')
  }

  #find(id: string): Entry {
    const entry = this.#entries.get(id)
    if (entry) return entry
    throw new ApiFailure('notFound', 'there is no such job: it was begun in another console')
  }

  #running(): Entry[] {
    return [...this.#entries.values()].filter(({ job }) => job.endedAt === undefined)
  }

  #forgetOldest(): void {
    const over = this.#entries.size - MAX_JOBS
    const ended = [...this.#entries].filter(([, { job }]) => job.endedAt !== undefined)
    for (const [id] of ended.slice(0, Math.max(0, over))) this.#entries.delete(id)
  }
}
