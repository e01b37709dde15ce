import type { Json } from '../assembly/json.ts'
import { messageOf } from '../cloud-start-error.ts'
import { compileFilter, type EventFilter } from '../functions/event-filter.ts'
import { invalidParameter } from './error.ts'
import { type Content, filterable } from './message.ts'
import { defaultRetries, parseDeliveryPolicy, type RetryPolicy } from './retry-policy.ts'

/** `email` is taken and never written to: nobody reads mail of a laptop. */
export const protocols = ['sqs', 'lambda', 'http', 'https', 'email'] as const

export type Protocol = (typeof protocols)[number]

/** A subscription as the journal holds it. */
export interface SavedSubscription {
  readonly arn: string
  readonly topicArn: string
  readonly protocol: Protocol
  readonly endpoint: string
  readonly attributes: Readonly<Record<string, string>>
  /** What confirms it; absent once it is confirmed. */
  readonly token?: string
}

/** The parsed attributes of a subscription. */
interface Meaning {
  readonly passes: (content: Content) => boolean
  readonly raw: boolean
  readonly retries: RetryPolicy
  /** ARN of the dead-letter queue. */
  readonly deadLetters: string | undefined
}

const known = [
  'DeliveryPolicy',
  'FilterPolicy',
  'FilterPolicyScope',
  'RawMessageDelivery',
  'RedrivePolicy',
]

export class Subscription {
  saved: SavedSubscription
  #meaning: Meaning

  /** @throws {AwsError} for an attribute that SNS does not take, or that has no effect here. */
  constructor(saved: SavedSubscription) {
    this.saved = saved
    this.#meaning = meaningOf(saved)
  }

  get isPending(): boolean {
    return this.saved.token !== undefined
  }

  get raw(): boolean {
    return this.#meaning.raw
  }

  get retries(): RetryPolicy {
    return this.#meaning.retries
  }

  get deadLetters(): string | undefined {
    return this.#meaning.deadLetters
  }

  passes(content: Content): boolean {
    return this.#meaning.passes(content)
  }

  change(attributes: SavedSubscription['attributes']): void {
    const saved = { ...this.saved, attributes: { ...this.saved.attributes, ...attributes } }
    this.#meaning = meaningOf(saved)
    this.saved = saved
  }

  confirm(): void {
    const { token: _, ...saved } = this.saved
    this.saved = saved
  }
}

function meaningOf({ attributes, protocol }: SavedSubscription): Meaning {
  const unknown = Object.keys(attributes).find((name) => !known.includes(name))
  if (unknown !== undefined) throw invalidParameter(`AttributeName: ${unknown}`)
  const { RawMessageDelivery: raw = 'false', DeliveryPolicy: delivery } = attributes
  if (raw === 'true' && (protocol === 'lambda' || protocol === 'email'))
    throw invalidParameter(`RawMessageDelivery is not for ${protocol}`)
  return {
    passes: filterOf(attributes),
    raw: raw === 'true',
    retries: delivery ? parseDeliveryPolicy(delivery) : defaultRetries,
    deadLetters: deadLettersOf(attributes.RedrivePolicy),
  }
}

function filterOf(attributes: SavedSubscription['attributes']): Meaning['passes'] {
  const { FilterPolicy: policy = '{}', FilterPolicyScope: scope = 'MessageAttributes' } = attributes
  if (scope !== 'MessageAttributes' && scope !== 'MessageBody')
    throw invalidParameter('FilterPolicyScope')
  const test = compile(policy || '{}')
  const isEmpty = Object.keys(parsed(policy || '{}') as object).length === 0
  if (isEmpty) return () => true
  if (scope === 'MessageBody') return ({ message }) => passesBody(test, message)
  // sns:attribute-key-matching: also what must not exist takes at least one attribute
  return ({ attributes: given }) => Object.keys(given).length > 0 && test(filterable(given))
}

function passesBody(test: EventFilter, message: string): boolean {
  try {
    return test(JSON.parse(message) as Json)
  } catch {
    return false
  }
}

function compile(policy: string): EventFilter {
  try {
    return compileFilter(parsed(policy))
  } catch (error) {
    throw invalidParameter(`FilterPolicy: ${messageOf(error)}`)
  }
}

function parsed(text: string): Json {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json
  } catch {}
  throw invalidParameter('FilterPolicy: failed to parse JSON')
}

function deadLettersOf(policy: string | undefined): string | undefined {
  if (!policy) return undefined
  try {
    const { deadLetterTargetArn: target } = JSON.parse(policy) as Record<string, unknown>
    if (typeof target === 'string' && /^arn:aws:sqs:/.test(target)) return target
  } catch {}
  throw invalidParameter('RedrivePolicy: deadLetterTargetArn must be the ARN of an SQS queue')
}
