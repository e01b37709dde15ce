import type { Upstream } from '@heliograph/protocol/mqtt-topic'
import type { Devices } from '../ports.ts'
import { type AllowanceName, deviceBudget, type Spent } from './device-budget.ts'
import { type DeviceRequest, isOwnConnection } from './device-request.ts'

/**
 * How a request is received. `dropped`: beyond the device's allowance, before anything was done for
 * it; with `report`, report the device. `foreign`: the certificate is not, or is no longer, the
 * device's own.
 */
export type Passed<Result> =
  | { readonly is: 'worked'; readonly result: Result }
  | { readonly is: 'dropped'; readonly isMalformed: boolean; readonly report?: number }
  | { readonly is: 'foreign' }

/** What every request must contain before it is examined. */
const required = { register: 'topic', unregister: 'topic', connect: 'tokens' } as const

/**
 * Passes a device's requests on to the rules, within its allowance and if its certificate is valid.
 * A request whose processing failed comes again, and does not count against the allowance then.
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

/**
 * About 100 bytes each; beyond this number, the oldest failure is forgotten, and its repeat counts
 * again.
 */
const MAX_FAILED = 1_000

/**
 * Requests whose processing failed, until they come again: each failure allows one repeat, even if
 * several came in the same millisecond. This is known only here: if Lambda hands the repeat to
 * another execution environment, that one deducts it from its own allowance like a new request. So
 * no environment does more for a device than its allowance.
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
