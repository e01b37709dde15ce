import { rm } from 'node:fs/promises'
import { Worker } from 'node:worker_threads'
import { bundle } from './bundle.ts'
import type { Mutation } from './mutations/mutation.ts'
import type { RunReport } from './run.ts'
import type { WorkerOrder } from './worker.ts'

export interface FleetOptions {
  readonly first: number
  readonly last: number
  readonly notifications: number
  readonly workers: number
  readonly traced?: boolean
  readonly stopAtViolation?: boolean
  readonly mutation?: Mutation
  onReport?(report: RunReport): void
}

export interface Summary {
  readonly seeds: number
  readonly accepted: number
  readonly counts: Readonly<Record<string, number>>
  readonly failed: readonly RunReport[]
}

/** Runs seeds on several threads; which thread runs a seed makes no difference to it. */
export async function runSeeds(options: FleetOptions): Promise<Summary> {
  const { first, last, notifications, workers, traced = false } = options
  const path = await bundle('worker', options.mutation)
  const sum = new Sum(options)
  try {
    const orders = Array.from({ length: workers }, (_, index): WorkerOrder => {
      const stopAtViolation = options.stopAtViolation ?? false
      return { first: first + index, last, step: workers, notifications, traced, stopAtViolation }
    })
    await Promise.all(orders.map((order) => work(path, order, sum)))
    return sum.summary
  } finally {
    await rm(path, { force: true })
  }
}

function work(path: string, order: WorkerOrder, sum: Sum): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(path, { workerData: order })
    worker.on('message', (report: RunReport) => sum.add(report))
    worker.on('error', reject)
    worker.on('exit', () => resolve())
  })
}

class Sum {
  readonly #options: FleetOptions
  readonly #counts: Record<string, number> = {}
  readonly #failed: RunReport[] = []
  #seeds = 0
  #accepted = 0

  constructor(options: FleetOptions) {
    this.#options = options
  }

  add(report: RunReport): void {
    this.#seeds += 1
    this.#accepted += report.accepted
    for (const [what, count] of Object.entries(report.counts))
      this.#counts[what] = (this.#counts[what] ?? 0) + count
    if (report.violations.length > 0) this.#failed.push(report)
    this.#options.onReport?.(report)
  }

  get summary(): Summary {
    const failed = [...this.#failed].sort((a, b) => a.seed - b.seed)
    return { seeds: this.#seeds, accepted: this.#accepted, counts: this.#counts, failed }
  }
}
