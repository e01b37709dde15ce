import { invalidParameter } from './error.ts'

/** Seconds that an HTTP endpoint has for its answer. */
export const ANSWER_SECONDS = 15

/** `healthyRetryPolicy` of a delivery policy, its members as SNS has them; delays in seconds. */
export interface RetryPolicy {
  readonly numRetries: number
  readonly numNoDelayRetries: number
  readonly minDelayTarget: number
  readonly numMinDelayRetries: number
  readonly maxDelayTarget: number
  readonly numMaxDelayRetries: number
}

/** sns:SendMessageToHttp.retry: three retries, 20 s apart. */
export const defaultRetries: RetryPolicy = {
  numRetries: 3,
  numNoDelayRetries: 0,
  minDelayTarget: 20,
  numMinDelayRetries: 0,
  maxDelayTarget: 20,
  numMaxDelayRetries: 0,
}

/** sns:creating-delivery-policy: the range of each member. */
const ranges: Readonly<Record<keyof RetryPolicy, readonly [number, number]>> = {
  numRetries: [0, 100],
  numNoDelayRetries: [0, 100],
  minDelayTarget: [1, 3600],
  numMinDelayRetries: [0, 100],
  maxDelayTarget: [1, 3600],
  numMaxDelayRetries: [0, 100],
}

/** @throws {AwsError} for values that SNS does not accept, and for those not supported here. */
export function parseDeliveryPolicy(text: string): RetryPolicy {
  const policy = parse(text) as { readonly healthyRetryPolicy?: Partial<RetryPolicy> }
  const unknown = Object.keys(policy).find((name) => name !== 'healthyRetryPolicy')
  if (unknown !== undefined)
    throw invalidParameter(`DeliveryPolicy: the embedded SNS does not follow ${unknown}`)
  const { backoffFunction: _, ...given } = (policy.healthyRetryPolicy ?? {}) as Partial<
    RetryPolicy & { backoffFunction: string }
  >
  const whole = { ...defaultRetries, ...given }
  for (const [name, [least, most]] of Object.entries(ranges)) {
    const value = whole[name as keyof RetryPolicy]
    if (!Number.isInteger(value) || value < least || value > most)
      throw invalidParameter(`DeliveryPolicy: ${name} must be between ${least} and ${most}`)
  }
  return whole
}

function parse(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null) return value
  } catch {}
  throw invalidParameter('DeliveryPolicy: failed to parse JSON')
}

/**
 * Seconds before the retry that follows on this many attempts; undefined if they are used up. The phases of
 * sns:sns-message-delivery-retries: no delay, least delay, back-off (linear here), longest delay.
 */
export function retryDelay(policy: RetryPolicy, attempts: number): number | undefined {
  const { numRetries, numNoDelayRetries, numMinDelayRetries, numMaxDelayRetries } = policy
  if (attempts > numRetries) return undefined
  const { minDelayTarget: least, maxDelayTarget: most } = policy
  if (attempts <= numNoDelayRetries) return 0
  const step = attempts - numNoDelayRetries - numMinDelayRetries
  if (step <= 0) return least
  const steps = numRetries - numNoDelayRetries - numMinDelayRetries - numMaxDelayRetries
  return step >= steps ? most : least + ((most - least) * step) / steps
}
