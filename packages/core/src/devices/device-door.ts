import type { Upstream } from '@heliograph/protocol/mqtt-topic'
import type { Devices } from '../ports.ts'
import { type AllowanceName, deviceBudget, type Spent } from './device-budget.ts'
import { type DeviceRequest, isOwnConnection } from './device-request.ts'

/**
 * What came of a request at the door. `dropped`: beyond the device's allowance, before anything was
 * done for it; with `report`, name the device. `foreign`: the certificate is not, or no longer, its own.
 */
export type Passed<Result> =
  | { readonly is: 'worked'; readonly result: Result }
  | { readonly is: 'dropped'; readonly isMalformed: boolean; readonly report?: number }
  | { readonly is: 'foreign' }

/** What every request must name before it is worth a look. */
const required = { register: 'topic', unregister: 'topic', connect: 'tokens' } as const

/**
 * Lets a device's requests through to the rules, as far as its allowance and its certificate go. One whose
 * work failed is handed out again, and takes nothing out of the allowance then.
 */
export function deviceDoor(devices: Pick<Devices, 'find'>) {
  const budget = deviceBudget()
  const failed = failedRequests()
  return async <Result>(
    upstream: Upstream,
    request: DeviceRequest,
    work: (request: DeviceRequest) => Promise<Result>,
  ): Promise<Passed<Result>> => {
    const isMalformed = isUnfit(upstream, request)
    const kind = isMalformed ? 'malformed' : upstream
    const isRepeat = failed.takeOut(kind, request)
    const spent = isRepeat ? PAID : budget.spend(request.deviceId, kind, request.receivedAt)
    if (!spent.may) {
      const report = spent.report === undefined ? {} : { report: spent.report }
      return { is: 'dropped', isMalformed, ...report }
    }
    try {
      if (!(await isOwnConnection(request, devices))) return { is: 'foreign' }
      return { is: 'worked', result: await work(request) }
    } catch (fault) {
      failed.putIn(kind, request)
      throw fault
    }
  }
}

const PAID: Spent = { may: true }

/** About 100 bytes each; beyond it the one that failed first is forgotten, and pays again. */
const MAX_FAILED = 1_000

/**
 * Requests whose work failed, until they come again: each failure is worth one repeat, also of several that came in
 * the same millisecond. Only here: another execution environment, to which Lambda may hand the repeat, takes it out
 * of its own allowance as if it were new. So none of them works more for a device than its allowance.
 */
function failedRequests() {
  const failures = new Map<string, number>()
  const keyOf = (kind: AllowanceName, { deviceId, receivedAt }: DeviceRequest) =>
    `${deviceId} ${kind} ${receivedAt}`
  return {
    putIn(kind: AllowanceName, request: DeviceRequest): void {
      const key = keyOf(kind, request)
      failures.set(key, (failures.get(key) ?? 0) + 1)
      if (failures.size > MAX_FAILED) failures.delete(failures.keys().next().value as string)
    },
    takeOut(kind: AllowanceName, request: DeviceRequest): boolean {
      const key = keyOf(kind, request)
      const left = failures.get(key) ?? 0
      if (left > 1) failures.set(key, left - 1)
      else failures.delete(key)
      return left > 0
    },
  }
}

function isUnfit(upstream: Upstream, { body }: DeviceRequest): boolean {
  return !body || (upstream !== 'renew' && !(required[upstream] in body))
}
