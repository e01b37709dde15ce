/**
 * fauxqs without its HTTP server, which would read and route a request a second time. These are inner
 * modules of fauxqs 1.9.2, which package.json pins; its exports name only the server.
 */

export type Json = Record<string, unknown>

export interface MessageAttribute {
  readonly DataType: string
  readonly StringValue?: string
  readonly BinaryValue?: string
}

export interface Message {
  readonly messageId: string
  readonly body: string
  readonly md5OfBody: string
  readonly messageAttributes: Readonly<Record<string, MessageAttribute>>
  readonly md5OfMessageAttributes: string
  /** Milliseconds since 1970. */
  readonly sentTimestamp: number
  approximateReceiveCount: number
  approximateFirstReceiveTimestamp?: number
  delayUntil?: number | undefined
  readonly messageGroupId?: string
  readonly messageDeduplicationId?: string
  readonly sequenceNumber?: string
  /** ARN of the queue that a redrive took the message from; fauxqs itself does not know it. */
  sourceArn?: string
}

export interface ReceivedMessage {
  readonly MessageId: string
  readonly ReceiptHandle: string
  readonly MD5OfBody: string
  readonly Body: string
  Attributes?: Record<string, string>
  readonly MessageAttributes?: Readonly<Record<string, MessageAttribute>>
}

export interface Queue {
  readonly name: string
  readonly url: string
  readonly arn: string
  attributes: Record<string, string>
  messages: Message[]
  delayedMessages: Message[]
  readonly inflightMessages: Map<string, { readonly message: Message }>
  fifoMessages: Map<string, Message[]>
  sequenceCounter: number
  isFifo(): boolean
  setAttributes(attributes: Record<string, string>): void
  enqueue(message: Message): void
  dequeue(
    max: number,
    visibilitySeconds: number | undefined,
    deadLetterQueue: (arn: string) => Pick<Queue, 'enqueue'> | undefined,
  ): ReceivedMessage[]
  deleteMessage(receiptHandle: string): boolean
  changeVisibility(receiptHandle: string, seconds: number): void
  waitForMessages(seconds: number): Promise<void>
  getAttribute(name: string): string | undefined
  cancelWaiters(): void
  purge(): void
  inspectMessages(): {
    readonly ready: readonly Message[]
    readonly delayed: readonly Message[]
    readonly inflight: readonly { readonly message: Message }[]
  }
}

export interface QueueStore {
  createQueue(
    name: string,
    url: string,
    arn: string,
    attributes: Record<string, string>,
    tags?: Record<string, string>,
  ): Queue
  deleteQueue(url: string): boolean
  getQueue(url: string): Queue | undefined
  getQueueByName(name: string): Queue | undefined
  getQueueByArn(arn: string): Queue | undefined
  listQueues(prefix?: string, max?: number): Queue[]
  shutdown(): void
}

/** An error of SQS, by the name that the JSON protocol gives it. */
export interface EngineError extends Error {
  readonly code: string
  readonly statusCode: number
}

/** What an action needs of the store. */
export type Lookup = Pick<QueueStore, 'getQueue' | 'getQueueByArn' | 'listQueues'>

export type EngineAction = (input: Json, store: Lookup) => Json | Promise<Json>

export interface Engine {
  readonly store: QueueStore
  readonly actions: ReadonlyMap<string, EngineAction>
  readonly SqsError: new (code: string, message: string, status?: number) => EngineError
  createMessage(
    body: string,
    attributes: Readonly<Record<string, MessageAttribute>>,
    delaySeconds?: number,
    groupId?: string,
    deduplicationId?: string,
  ): Message
  messageSize(body: string, attributes: Readonly<Record<string, MessageAttribute>>): number
}

const actionNames = [
  'ChangeMessageVisibility',
  'ChangeMessageVisibilityBatch',
  'DeleteMessage',
  'DeleteMessageBatch',
  'GetQueueAttributes',
  'ListQueueTags',
  'ListQueues',
  'PurgeQueue',
  'ReceiveMessage',
  'SendMessage',
  'SendMessageBatch',
  'SetQueueAttributes',
  'TagQueue',
  'UntagQueue',
]

/** Loads the engine with an empty store. */
export async function loadEngine(): Promise<Engine> {
  const base = import.meta.resolve('fauxqs')
  const load = async (file: string) =>
    (await import(new URL(file, base).href)) as Record<string, unknown>
  const [stores, errors, types] = await Promise.all([
    load('sqs/sqsStore.js'),
    load('common/errors.js'),
    load('sqs/sqsTypes.js'),
  ])
  const actions = await Promise.all(
    actionNames.map(async (name) => {
      const exported = name.charAt(0).toLowerCase() + name.slice(1)
      const file = await load(`sqs/actions/${exported}.js`)
      return [name, file[exported] as EngineAction] as const
    }),
  )
  const SqsStore = stores.SqsStore as (new () => QueueStore) & Pick<Engine, 'createMessage'>
  const store = new SqsStore()
  return {
    store,
    actions: new Map(actions),
    SqsError: errors.SqsError as Engine['SqsError'],
    createMessage: SqsStore.createMessage,
    messageSize: types.calculateMessageSize as Engine['messageSize'],
  }
}
