import type { CloudIdentity } from '../types.ts'
import { attributesOf } from './attributes.ts'
import { inBatch } from './batch.ts'
import { SqsError } from './error.ts'
import type { Json } from './json.ts'
import type { MessageMoves } from './message-move.ts'
import type { Queue } from './queue.ts'
import { checkAttributes, getQueueAttributes, setQueueAttributes } from './queue-attributes.ts'
import type { Queues } from './queues.ts'
import { checkVisibility, receiveMessage } from './receive.ts'
import { sendMessage, sendMessageBatch } from './send.ts'

export interface Requests {
  readonly queues: Queues
  readonly moves: MessageMoves
  readonly identity: CloudIdentity
  /** Makes a queue, see `Sqs.createQueue`. */
  create(name: string, attributes: Record<string, string>): Queue
  remove(queue: Queue): void
}

type Action = (requests: Requests, queue: Queue, input: Json) => Json | Promise<Json>

/** Actions on the queue that the input names. */
const actions: Readonly<Record<string, Action>> = {
  ChangeMessageVisibility: (_requests, queue, input) => changeVisibility(queue, input),
  ChangeMessageVisibilityBatch: (_requests, queue, input) =>
    inBatch(input, (entry) => changeVisibility(queue, entry)),
  DeleteMessage: (_requests, queue, input) => deleteMessage(queue, input),
  DeleteMessageBatch: (_requests, queue, input) =>
    inBatch(input, (entry) => deleteMessage(queue, entry)),
  DeleteQueue: (requests, queue) => {
    requests.remove(queue)
    return {}
  },
  GetQueueAttributes: (_requests, queue, input) => getQueueAttributes(queue, input),
  GetQueueUrl: (_requests, queue) => ({ QueueUrl: queue.url }),
  ListDeadLetterSourceQueues: ({ queues }, queue) => ({
    queueUrls: queues.feeding(queue).map(({ url }) => url),
  }),
  ListQueueTags: (_requests, { tags }) =>
    tags.size === 0 ? {} : { Tags: Object.fromEntries(tags) },
  PurgeQueue: (_requests, queue) => {
    queue.purge()
    return {}
  },
  ReceiveMessage: ({ queues }, queue, input) => receiveMessage(queues, queue, input),
  SendMessage: (_requests, queue, input) => sendMessage(queue, input),
  SendMessageBatch: (_requests, queue, input) => sendMessageBatch(queue, input),
  SetQueueAttributes: (_requests, queue, input) => setQueueAttributes(queue, input),
  TagQueue: (_requests, { tags }, input) => {
    for (const [key, value] of Object.entries(input.Tags ?? {})) tags.set(key, String(value))
    return {}
  },
  UntagQueue: (_requests, { tags }, { TagKeys = [] }) => {
    for (const key of TagKeys as readonly string[]) tags.delete(key)
    return {}
  },
}

/** The ARN of the queue that a call is about, for IAM; `*` for ListQueues. */
export function resourceOf({ region, accountId }: CloudIdentity, input: Json): string {
  const arn = input.SourceArn
  if (typeof arn === 'string') return arn
  const name = nameOf(input)
  return name === undefined ? '*' : `arn:aws:sqs:${region}:${accountId}:${name}`
}

/** A queue's name from the last part of its URL: hosts and ports change from start to start. */
function nameOf({ QueueUrl, QueueName }: Json): string | undefined {
  if (typeof QueueUrl === 'string') return QueueUrl.slice(QueueUrl.lastIndexOf('/') + 1)
  return typeof QueueName === 'string' ? QueueName : undefined
}

/** Does one action of the SQS API; throws `SqsError`. */
export function act(requests: Requests, action: string, input: Json): Json | Promise<Json> {
  const { moves, queues } = requests
  switch (action) {
    case 'CreateQueue':
      return createQueue(requests, input)
    case 'ListQueues':
      return listQueues(queues, input)
    case 'StartMessageMoveTask':
      return moves.start(input)
    case 'ListMessageMoveTasks':
      return moves.list(input)
  }
  const handler = actions[action]
  if (handler === undefined)
    throw new SqsError('InvalidAction', `The embedded SQS does not have ${action}.`)
  const queue = queues.byName(nameOf(input) ?? '')
  if (queue === undefined)
    throw new SqsError('QueueDoesNotExist', 'The specified queue does not exist.')
  return handler(requests, queue, input)
}

function createQueue(requests: Requests, input: Json): Json {
  const name = String(input.QueueName ?? '')
  const attributes = (input.Attributes ?? {}) as Record<string, string>
  if (!/^[\w-]{1,75}(\.fifo)?$/.test(name))
    throw new SqsError('InvalidParameterValue', 'A queue name has 1 to 80 of A-Z a-z 0-9 - and _.')
  checkAttributes(attributes)
  const existing = requests.queues.byName(name)
  if (existing === undefined)
    return { QueueUrl: requests.create(name, attributesOf({ ...attributes, QueueName: name })).url }
  const differs = Object.entries(attributes).find(
    ([key, value]) => existing.attributes[key] !== value,
  )
  if (differs === undefined) return { QueueUrl: existing.url }
  const message = `A queue already exists with the same name and a different value for attribute ${differs[0]}`
  throw new SqsError('QueueNameExists', message)
}

function listQueues(queues: Queues, { QueueNamePrefix: prefix = '', MaxResults }: Json): Json {
  const found = queues.list().filter(({ name }) => name.startsWith(String(prefix)))
  const most = typeof MaxResults === 'number' ? MaxResults : found.length
  return { QueueUrls: found.slice(0, most).map(({ url }) => url) }
}

/** One that is not in flight any more is no error for SQS. */
function deleteMessage(queue: Queue, { ReceiptHandle }: Json): Json {
  queue.delete(checkHandle(ReceiptHandle))
  return {}
}

function changeVisibility(queue: Queue, { ReceiptHandle, VisibilityTimeout }: Json): Json {
  checkVisibility(VisibilityTimeout)
  if (queue.changeVisibility(checkHandle(ReceiptHandle), Number(VisibilityTimeout))) return {}
  throw new SqsError('MessageNotInflight', 'The message is not in flight.')
}

/** Receipt handles are UUIDs here; SQS, too, refuses one that it cannot have given out. */
function checkHandle(handle: unknown): string {
  if (typeof handle === 'string' && /^[0-9a-f-]{36}$/.test(handle)) return handle
  throw new SqsError('ReceiptHandleIsInvalid', 'The input receipt handle is invalid.')
}
