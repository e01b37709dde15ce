import { invalidParameter } from './error.ts'
import type { Json } from './json.ts'
import { type Message, md5OfAttributes } from './message.ts'
import type { Delivery, Queue } from './queue.ts'
import type { Queues } from './queues.ts'
import { systemAttributes } from './records.ts'

export interface Reception {
  readonly max: number
  readonly waitMs: number
  /** Default: the queue's own. */
  readonly visibilitySeconds?: number | undefined
  /** Ends the wait early with no messages. */
  readonly signal?: AbortSignal | undefined
}

/** Receives the available messages, or waits for a first one. */
export async function receive(
  queues: Queues,
  queue: Queue,
  { max, waitMs, visibilitySeconds, signal }: Reception,
): Promise<Delivery[]> {
  const deadline = Date.now() + waitMs
  while (!queue.closed && !signal?.aborted) {
    const received = queue.receive(max, visibilitySeconds, (arn) => queues.byArn(arn))
    const left = deadline - Date.now()
    if (received.length > 0 || left <= 0) return received
    await waitFor(queue, left, signal)
  }
  return []
}

/** Waits for a message, a time-out in milliseconds or the signal; other waiters just look again. */
async function waitFor(queue: Queue, ms: number, signal?: AbortSignal): Promise<void> {
  const wake = () => queue.wake()
  signal?.addEventListener('abort', wake, { once: true })
  await queue.wait(ms)
  signal?.removeEventListener('abort', wake)
}

interface ReceiveInput {
  readonly MaxNumberOfMessages?: number
  readonly VisibilityTimeout?: number
  readonly WaitTimeSeconds?: number
  readonly AttributeNames?: readonly string[]
  readonly MessageSystemAttributeNames?: readonly string[]
  readonly MessageAttributeNames?: readonly string[]
}

/** sqs:API_ReceiveMessage. */
export async function receiveMessage(queues: Queues, queue: Queue, input: Json): Promise<Json> {
  const asked = input as ReceiveInput
  const max = asked.MaxNumberOfMessages ?? 1
  const wait = asked.WaitTimeSeconds ?? Number(queue.attributes.ReceiveMessageWaitTimeSeconds)
  within('MaxNumberOfMessages', max, 1, 10)
  within('WaitTimeSeconds', wait, 0, 20)
  const { VisibilityTimeout: visibilitySeconds } = asked
  if (visibilitySeconds !== undefined) checkVisibility(visibilitySeconds)
  const reception = { max, waitMs: wait * 1000, visibilitySeconds }
  const received = await receive(queues, queue, reception)
  return received.length === 0 ? {} : { Messages: received.map((one) => answer(one, asked)) }
}

/** Seconds for which a message may be invisible. */
export function checkVisibility(seconds: unknown): void {
  within('VisibilityTimeout', seconds, 0, 43_200)
}

function within(name: string, value: unknown, least: number, most: number): void {
  if (typeof value === 'number' && value >= least && value <= most) return
  throw invalidParameter(`${name} must be between ${least} and ${most}.`)
}

function answer({ message, receiptHandle }: Delivery, asked: ReceiveInput): Json {
  return {
    MessageId: message.messageId,
    ReceiptHandle: receiptHandle,
    MD5OfBody: message.md5OfBody,
    Body: message.body,
    ...systemPart(message, asked),
    ...attributePart(message, asked.MessageAttributeNames ?? []),
  }
}

/** `AttributeNames` is the older name of the same parameter. */
function systemPart(message: Message, asked: ReceiveInput): Json {
  const names = [...(asked.AttributeNames ?? []), ...(asked.MessageSystemAttributeNames ?? [])]
  const Attributes = pick(systemAttributes(message), (name) => matches(name, names))
  return Object.keys(Attributes).length === 0 ? {} : { Attributes }
}

function attributePart({ messageAttributes }: Message, names: readonly string[]): Json {
  const MessageAttributes = pick(messageAttributes, (name) => matches(name, names))
  if (Object.keys(MessageAttributes).length === 0) return {}
  return { MessageAttributes, MD5OfMessageAttributes: md5OfAttributes(MessageAttributes) }
}

function pick<Value>(
  values: Readonly<Record<string, Value>>,
  wanted: (name: string) => boolean,
): Record<string, Value> {
  return Object.fromEntries(Object.entries(values).filter(([name]) => wanted(name)))
}

/** By its name, its beginning (`push.*`) or all of them (`All`, `.*`). */
function matches(name: string, wanted: readonly string[]): boolean {
  return wanted.some(
    (one) =>
      one === name || one === 'All' || (one.endsWith('.*') && name.startsWith(one.slice(0, -2))),
  )
}
