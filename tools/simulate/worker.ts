import { parentPort, workerData } from 'node:worker_threads'
import { makeCertificates } from './certificates.ts'
import { run } from './run.ts'

/** Runs seeds from `next` on, every `step`th, and reports each; the last message is undefined. */
export interface WorkerOrder {
  readonly first: number
  readonly last: number
  readonly step: number
  readonly notifications: number
  readonly traced: boolean
  /** Ends at the first seed that shows a violation. */
  readonly stopAtViolation: boolean
}

const order: WorkerOrder = workerData
const certificates = await makeCertificates()

for (let seed = order.first; seed <= order.last; seed += order.step) {
  const { notifications, traced } = order
  const report = await run({ seed, notifications, traced }, certificates)
  parentPort?.postMessage(report)
  if (order.stopAtViolation && report.violations.length > 0) break
  // lets messages out: a run does not yield to the event loop
  await new Promise(setImmediate)
}
