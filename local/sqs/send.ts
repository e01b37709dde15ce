import type { Engine, EngineError, Json, Message, MessageAttribute, Queue } from './engine.ts'

/**
 * Sending to standard queues. fauxqs drops the MessageGroupId there, which on AWS makes a queue fair
 * (sqs:sqs-fair-queues) and comes back as an attribute of the message.
 */

/** sqs:quotas-messages, for one message and for a batch; bytes. */
const maxBatchBytes = 1_048_576
const maxEntries = 10

/** sqs:API_SendMessage, MessageBody; fauxqs would also refuse what lies beyond U+FFFF. */
const invalidCharacter = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/u

interface SendInput {
  readonly MessageBody?: string
  readonly MessageAttributes?: Readonly<Record<string, MessageAttribute>>
  readonly DelaySeconds?: number
  readonly MessageGroupId?: string
}
type SendEntry = SendInput & { readonly Id: string }

/** Sends one message to a standard queue; throws the engine's error when it is not acceptable. */
export function sendMessage(engine: Engine, queue: Queue, input: SendInput): Json {
  const refusal = check(engine, queue, input)
  if (refusal !== undefined) throw refusal
  return enqueue(engine, queue, input)
}

/** Sends up to ten messages to a standard queue, each of which may fail alone. */
export function sendMessageBatch(engine: Engine, queue: Queue, input: Json): Json {
  const entries = (input.Entries ?? []) as readonly SendEntry[]
  checkBatch(engine, entries)
  const Successful: Json[] = []
  const Failed: Json[] = []
  for (const entry of entries) {
    const refusal = check(engine, queue, entry)
    if (refusal === undefined) Successful.push({ Id: entry.Id, ...enqueue(engine, queue, entry) })
    else Failed.push(failure(entry.Id, refusal))
  }
  return { Successful, Failed }
}

function check(engine: Engine, queue: Queue, input: SendInput): EngineError | undefined {
  const { MessageBody: body, MessageAttributes: attributes = {}, DelaySeconds: delay } = input
  const { SqsError } = engine
  if (!body)
    return new SqsError('MissingParameter', 'The request must contain the parameter MessageBody.')
  if (invalidCharacter.test(body))
    return new SqsError('InvalidMessageContents', 'The body has characters that SQS does not take.')
  const max = Number(queue.attributes.MaximumMessageSize)
  if (engine.messageSize(body, attributes) > max)
    return invalid(engine, `Message must be shorter than ${max} bytes.`)
  if (delay !== undefined && !(delay >= 0 && delay <= 900))
    return invalid(engine, 'DelaySeconds must be >= 0 and <= 900.')
  return undefined
}

function invalid({ SqsError }: Engine, reason: string): EngineError {
  const message = `One or more parameters are invalid. Reason: ${reason}`
  return new SqsError('InvalidParameterValue', message)
}

function checkBatch({ SqsError, messageSize }: Engine, entries: readonly SendEntry[]): void {
  if (entries.length === 0)
    throw new SqsError('EmptyBatchRequest', 'The batch request does not contain any entries.')
  if (entries.length > maxEntries)
    throw new SqsError('TooManyEntriesInBatchRequest', 'A batch may have at most 10 entries.')
  if (entries.some(({ Id }) => !/^[\w-]{1,80}$/.test(Id)))
    throw new SqsError('InvalidBatchEntryId', 'An entry id has 1 to 80 of A-Z a-z 0-9 - and _.')
  if (new Set(entries.map(({ Id }) => Id)).size < entries.length)
    throw new SqsError('BatchEntryIdsNotDistinct', 'Two entries of the batch have the same Id.')
  const size = ({ MessageBody = '', MessageAttributes = {} }: SendEntry) =>
    messageSize(MessageBody, MessageAttributes)
  if (entries.reduce((sum, entry) => sum + size(entry), 0) > maxBatchBytes)
    throw new SqsError('BatchRequestTooLong', `A batch may have at most ${maxBatchBytes} bytes.`)
}

function enqueue(engine: Engine, queue: Queue, input: SendInput): Json {
  const { MessageBody = '', MessageAttributes = {}, MessageGroupId } = input
  const delay = input.DelaySeconds ?? Number(queue.attributes.DelaySeconds)
  const message = engine.createMessage(
    MessageBody,
    MessageAttributes,
    delay > 0 ? delay : undefined,
    MessageGroupId,
  )
  queue.enqueue(message)
  return sent(message)
}

function sent(message: Message): Json {
  const { messageId, md5OfBody, md5OfMessageAttributes } = message
  return {
    MessageId: messageId,
    MD5OfMessageBody: md5OfBody,
    ...(md5OfMessageAttributes ? { MD5OfMessageAttributes: md5OfMessageAttributes } : {}),
  }
}

function failure(Id: string, { code, message }: EngineError): Json {
  return { Id, SenderFault: true, Code: code, Message: message }
}
