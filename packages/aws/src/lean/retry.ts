import { ServiceFault } from './fault.ts'

/**
 * When a call is tried again and after how long: the SDK's standard mode, with its lists, costs and
 * delays (AWS SDKs reference guide, "Retry behavior"; @smithy/core 3, submodule `retry`).
 */

const throttlingNames: readonly string[] = [
  'BandwidthLimitExceeded',
  'LimitExceededException',
  'PriorRequestNotComplete',
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
  'RequestThrottled',
  'RequestThrottledException',
  'SlowDown',
  'ThrottledException',
  'Throttling',
  'ThrottlingException',
  'TooManyRequestsException',
  'TransactionInProgressException',
]
const transientNames: readonly string[] = [
  'TimeoutError',
  'RequestTimeout',
  'RequestTimeoutException',
]
const transientStatuses: readonly number[] = [500, 502, 503, 504]
const networkCodes: readonly unknown[] = [
  'ECONNRESET',
  'ECONNREFUSED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
]

export type RetryKind = 'throttling' | 'transient'

/** Why a failed call is worth another attempt; undefined if it would only fail again. */
export function retryKindOf(fault: unknown): RetryKind | undefined {
  if (!(fault instanceof Error)) return undefined
  const status = fault instanceof ServiceFault ? fault.$metadata.httpStatusCode : 0
  if (status === 429 || throttlingNames.includes(fault.name)) return 'throttling'
  const transient =
    transientNames.includes(fault.name) ||
    transientStatuses.includes(status) ||
    networkCodes.includes('code' in fault ? fault.code : undefined)
  return transient ? 'transient' : undefined
}

const longestDelayMs = 20_000
const baseDelayMs = { throttling: 1_000, transient: 50 } as const

/** Milliseconds before the attempt after `attempt` (1 = the first); `random` is from 0 to 1. */
export function retryDelay(kind: RetryKind, attempt: number, random: number): number {
  return Math.floor(random * Math.min(baseDelayMs[kind] * 2 ** (attempt - 1), longestDelayMs))
}

const fullBudget = 500
const cost = { throttling: 5, transient: 14 } as const
const gainOfSuccess = 1

/** What a client may spend on retries: a service in trouble is not asked again and again. */
export class RetryBudget {
  #left = fullBudget

  /** Takes the price of one retry; false if it cannot be paid. */
  spend(kind: RetryKind): boolean {
    if (this.#left < cost[kind]) return false
    this.#left -= cost[kind]
    return true
  }

  /** Gives back what the last retry of a call that went well has cost, or a little for one without. */
  refund(lastRetry: RetryKind | undefined): void {
    const gain = lastRetry === undefined ? gainOfSuccess : cost[lastRetry]
    this.#left = Math.min(fullBudget, this.#left + gain)
  }
}
