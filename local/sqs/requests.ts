import type { CloudIdentity } from '../types.ts'
import { attributesOf } from './attributes.ts'
import type { Engine, Json, Lookup, Message, Queue } from './engine.ts'
import { deadLetterSources, type MessageMoves } from './message-move.ts'
import { sendMessage, sendMessageBatch } from './send.ts'

export interface Requests {
  readonly engine: Engine
  readonly moves: MessageMoves
  readonly identity: CloudIdentity
  /** Makes a queue, see `Sqs.createQueue`. */
  create(name: string, attributes: Record<string, string>): Queue
  remove(queue: Queue): void
}

type Action = (requests: Requests, queue: Queue, input: Json) => Json | Promise<Json>

/** Actions that fauxqs lacks or does otherwise than SQS; `queue` is the one that the input names. */
const own: Readonly<Record<string, Action>> = {
  DeleteMessage: ({ engine }, queue, input) => {
    checkHandle(engine, input.ReceiptHandle)
    queue.deleteMessage(String(input.ReceiptHandle))
    return {}
  },
  DeleteQueue: (requests, queue) => {
    requests.remove(queue)
    return {}
  },
  GetQueueUrl: (_requests, queue) => ({ QueueUrl: queue.url }),
  ListDeadLetterSourceQueues: ({ engine }, queue) => ({
    queueUrls: deadLetterSources(engine.store.listQueues(), queue).map(({ url }) => url),
  }),
  ReceiveMessage: receive,
  SendMessage: (requests, queue, input) =>
    queue.isFifo()
      ? byEngine(requests, 'SendMessage', queue, input)
      : sendMessage(requests.engine, queue, input),
  SendMessageBatch: (requests, queue, input) =>
    queue.isFifo()
      ? byEngine(requests, 'SendMessageBatch', queue, input)
      : sendMessageBatch(requests.engine, queue, input),
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

/** Does one action of the SQS API; throws `EngineError`. */
export function act(requests: Requests, action: string, input: Json): Json | Promise<Json> {
  const { engine, moves } = requests
  switch (action) {
    case 'CreateQueue':
      return createQueue(requests, input)
    case 'ListQueues':
      return byEngine(requests, action, undefined, input)
    case 'StartMessageMoveTask':
      return moves.start(input)
    case 'ListMessageMoveTasks':
      return moves.list(input)
  }
  const handler = own[action]
  if (handler === undefined && !engine.actions.has(action))
    throw new engine.SqsError('InvalidAction', `The embedded SQS does not have ${action}.`)
  const queue = engine.store.getQueueByName(nameOf(input) ?? '')
  if (queue === undefined) throw noSuchQueue(engine)
  return handler === undefined
    ? byEngine(requests, action, queue, input)
    : handler(requests, queue, input)
}

function noSuchQueue({ SqsError }: Engine): Error {
  return new SqsError('QueueDoesNotExist', 'The specified queue does not exist.')
}

function byEngine(
  { engine }: Requests,
  action: string,
  queue: Queue | undefined,
  input: Json,
): Json | Promise<Json> {
  const work = engine.actions.get(action)
  if (work === undefined) throw new Error(`fauxqs has no action ${action}.`)
  return work(input, {
    getQueue: () => queue,
    getQueueByArn: (arn) => engine.store.getQueueByArn(arn),
    listQueues: (prefix, max) => engine.store.listQueues(prefix, max),
  })
}

function createQueue(requests: Requests, input: Json): Json {
  const { SqsError, store } = requests.engine
  const name = String(input.QueueName ?? '')
  const attributes = (input.Attributes ?? {}) as Record<string, string>
  if (!/^[\w-]{1,75}(\.fifo)?$/.test(name))
    throw new SqsError('InvalidParameterValue', 'A queue name has 1 to 80 of A-Z a-z 0-9 - and _.')
  const existing = store.getQueueByName(name)
  if (existing === undefined)
    return { QueueUrl: requests.create(name, attributesOf({ ...attributes, QueueName: name })).url }
  const differs = Object.entries(attributes).find(
    ([key, value]) => existing.attributes[key] !== value,
  )
  if (differs === undefined) return { QueueUrl: existing.url }
  const message = `A queue already exists with the same name and a different value for attribute ${differs[0]}`
  throw new SqsError('QueueNameExists', message)
}

async function receive(requests: Requests, queue: Queue, input: Json): Promise<Json> {
  const { engine } = requests
  const work = engine.actions.get('ReceiveMessage')
  const output = await work?.(input, redriving(engine, queue))
  const messages = output?.Messages as { ReceiptHandle: string; Attributes?: Json }[] | undefined
  for (const message of messages ?? []) {
    const source = queue.inflightMessages.get(message.ReceiptHandle)?.message.sourceArn
    if (source !== undefined && message.Attributes !== undefined)
      message.Attributes.DeadLetterQueueSourceArn = source
  }
  return output ?? {}
}

/** The store as a receive sees it: a message that goes to the dead-letter queue remembers where it was. */
function redriving(engine: Engine, queue: Queue): Lookup {
  return {
    getQueue: () => queue,
    getQueueByArn: (arn) => deadLetterQueue(engine, queue, arn) as Queue | undefined,
    listQueues: () => [],
  }
}

/** What takes the messages of `queue` that were received too often; undefined when it does not exist. */
export function deadLetterQueue(
  engine: Engine,
  queue: Queue,
  arn: string,
): Pick<Queue, 'enqueue'> | undefined {
  const target = engine.store.getQueueByArn(arn)
  if (target === undefined) return undefined
  return {
    enqueue(message: Message) {
      message.sourceArn = queue.arn
      target.enqueue(message)
    },
  }
}

/** Receipt handles are UUIDs here; SQS, too, refuses one that it cannot have given out. */
function checkHandle({ SqsError }: Engine, handle: unknown): void {
  if (typeof handle === 'string' && /^[0-9a-f-]{36}$/.test(handle)) return
  throw new SqsError('ReceiptHandleIsInvalid', 'The input receipt handle is invalid.')
}
