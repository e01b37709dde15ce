import { createHash } from 'node:crypto'
import { inBatch } from './batch.ts'
import { Deduplication } from './deduplication.ts'
import { invalidParameter, SqsError } from './error.ts'
import type { Json } from './json.ts'
import { type Message, type MessageAttributes, makeMessage, messageSize } from './message.ts'
import type { Queue } from './queue.ts'

/** sqs:quotas-messages, for one message and for a batch; bytes. */
const maxBatchBytes = 1_048_576

/** sqs:API_SendMessage, MessageBody. */
const invalidCharacter = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/u

export interface SendInput {
  readonly MessageBody?: string
  readonly MessageAttributes?: MessageAttributes
  readonly DelaySeconds?: number
  readonly MessageGroupId?: string
  readonly MessageDeduplicationId?: string
}

/** Sends one message; throws an `SqsError` when it is not acceptable. */
export function sendMessage(queue: Queue, input: SendInput): Json {
  check(queue, input)
  return queue.isFifo ? sendInOrder(queue, input) : send(queue, input)
}

/** Sends up to ten messages, each of which may fail alone. */
export function sendMessageBatch(queue: Queue, input: Json): Json {
  const { Entries = [] } = input as { readonly Entries?: readonly SendInput[] }
  if (Entries.reduce((sum, entry) => sum + sizeOf(entry), 0) > maxBatchBytes)
    throw new SqsError('BatchRequestTooLong', `A batch may have at most ${maxBatchBytes} bytes.`)
  return inBatch(input, (entry) => sendMessage(queue, entry as SendInput))
}

function sizeOf({ MessageBody = '', MessageAttributes = {} }: SendInput): number {
  return messageSize(MessageBody, MessageAttributes)
}

function check({ attributes }: Queue, input: SendInput): void {
  const { MessageBody: body, DelaySeconds: delay } = input
  if (!body)
    throw new SqsError('MissingParameter', 'The request must contain the parameter MessageBody.')
  if (invalidCharacter.test(body))
    throw new SqsError('InvalidMessageContents', 'The body has characters that SQS does not take.')
  const max = Number(attributes.MaximumMessageSize)
  if (sizeOf(input) > max) throw invalidParameter(`Message must be shorter than ${max} bytes.`)
  if (delay !== undefined && !(delay >= 0 && delay <= 900))
    throw invalidParameter('DelaySeconds must be >= 0 and <= 900.')
}

function send(queue: Queue, input: SendInput): Json {
  const message = messageOf(queue, input)
  queue.enqueue(message)
  return sent(message)
}

const taken = new WeakMap<Queue, Deduplication<Message>>()

function deduplicationOf(queue: Queue): Deduplication<Message> {
  const found = taken.get(queue) ?? new Deduplication<Message>()
  taken.set(queue, found)
  return found
}

/** To a FIFO queue: a repeat is answered as the first was, and not queued. */
function sendInOrder(queue: Queue, input: SendInput): Json {
  const id = deduplicationIdOf(queue, input)
  const deduplication = deduplicationOf(queue)
  const repeated = deduplication.find(id)
  if (repeated !== undefined) return sent(repeated)
  const message = {
    ...messageOf(queue, input),
    messageDeduplicationId: id,
    sequenceNumber: queue.nextSequenceNumber(),
  }
  deduplication.add(id, message)
  queue.enqueue(message)
  return sent(message)
}

/** sqs:API_SendMessage: what a FIFO queue requires of a message. */
function deduplicationIdOf({ attributes }: Queue, input: SendInput): string {
  const { MessageBody = '', MessageDeduplicationId: id } = input
  if (!input.MessageGroupId)
    throw new SqsError('MissingParameter', 'The request must contain the parameter MessageGroupId.')
  if (input.DelaySeconds)
    throw invalidParameter('DelaySeconds is not valid for a message of this queue type.')
  if (id) return id
  if (attributes.ContentBasedDeduplication === 'true')
    return createHash('sha256').update(MessageBody).digest('hex')
  throw invalidParameter('MessageDeduplicationId is missing, and the queue makes none of the body.')
}

function messageOf({ attributes }: Queue, input: SendInput): Message {
  const { MessageBody = '', MessageAttributes = {}, MessageGroupId } = input
  return makeMessage({
    body: MessageBody,
    attributes: MessageAttributes,
    delaySeconds: input.DelaySeconds ?? Number(attributes.DelaySeconds),
    groupId: MessageGroupId,
  })
}

function sent({ messageId, md5OfBody, md5OfMessageAttributes, sequenceNumber }: Message): Json {
  return {
    MessageId: messageId,
    MD5OfMessageBody: md5OfBody,
    ...(md5OfMessageAttributes ? { MD5OfMessageAttributes: md5OfMessageAttributes } : {}),
    ...(sequenceNumber ? { SequenceNumber: sequenceNumber } : {}),
  }
}
