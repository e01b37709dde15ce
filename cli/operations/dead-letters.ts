import { notificationQueue, readMessage } from '../../aws/notification-queue.ts'
import { invokeLater } from '../../aws/operator/functions.ts'
import { type OperatorQueue, operatorQueue, type TakenMessage } from '../../aws/operator/queues.ts'
import type { Deployment, OutputName } from '../deployment.ts'
import { Failure } from '../failure.ts'

/** The queues of what could not be worked on, by the names that the commands use. */
export const deadLetterQueues = {
  /** Notifications that deliver gave up. */
  notifications: 'NotificationDeadLetters',
  /** Events that a function failed on after all tries. */
  events: 'EventDeadLetters',
  /** What a topic rule could not hand to its function. */
  rules: 'RuleErrors',
} as const satisfies Record<string, OutputName>

export type DeadLetterQueueName = keyof typeof deadLetterQueues

export const deadLetterQueueNames = Object.keys(deadLetterQueues) as DeadLetterQueueName[]

/** A dead letter as an operator may see it: what it is about, never what it says. */
export interface DeadLetter {
  readonly messageId: string
  /** Milliseconds since the epoch. */
  readonly sentAt: number
  readonly about: string
}

export interface DeadLetterDepth {
  readonly queue: DeadLetterQueueName
  readonly waiting: number
}

export async function deadLetterDepths(deployment: Deployment): Promise<DeadLetterDepth[]> {
  return Promise.all(
    deadLetterQueueNames.map(async (queue) => {
      const { visible, inFlight } = await queueOf(deployment, queue).depth()
      return { queue, waiting: visible + inFlight }
    }),
  )
}

/** Long enough to look at a few pages; what is not removed shows again after it. */
const HIDE_SECONDS = 60

/** The first letters of a queue; they stay in it. */
export async function peekDeadLetters(
  deployment: Deployment,
  name: DeadLetterQueueName,
  limit: number,
): Promise<DeadLetter[]> {
  const queue = queueOf(deployment, name)
  const letters: DeadLetter[] = []
  const taken: TakenMessage[] = []
  for await (const message of everyMessage(queue)) {
    taken.push(message)
    if (letters.length < limit) letters.push(letterOf(message))
    if (letters.length === limit) break
  }
  await Promise.all(taken.map((message) => queue.putBack(message)))
  return letters
}

export interface Redriven {
  readonly redriven: number
  /** Letters that cannot be worked on again; they stay in the queue. */
  readonly left: number
}

/** Hands letters over once more. A letter leaves the queue only after it has been handed over. */
export async function redriveDeadLetters(
  deployment: Deployment,
  name: DeadLetterQueueName,
): Promise<Redriven> {
  const hand = handlers[name]
  if (!hand)
    throw new Failure(
      'refused',
      'what a rule could not hand over cannot be sent again: the devices repeat it when they next connect; drop it with heliograph dlq drop rules --yes',
    )
  const queue = queueOf(deployment, name)
  const left: TakenMessage[] = []
  let redriven = 0
  for await (const message of everyMessage(queue)) {
    if (await hand(deployment, message.body)) {
      await queue.remove(message)
      redriven += 1
    } else left.push(message)
  }
  await Promise.all(left.map((message) => queue.putBack(message)))
  return { redriven, left: left.length }
}

/** Removes letters for good: all of a queue, or one. Returns how many. */
export async function dropDeadLetters(
  deployment: Deployment,
  name: DeadLetterQueueName,
  messageId?: string,
): Promise<number> {
  const queue = queueOf(deployment, name)
  const kept: TakenMessage[] = []
  let dropped = 0
  for await (const message of everyMessage(queue)) {
    if (messageId === undefined || message.messageId === messageId) {
      await queue.remove(message)
      dropped += 1
    } else kept.push(message)
  }
  await Promise.all(kept.map((message) => queue.putBack(message)))
  if (messageId !== undefined && dropped === 0)
    throw new Failure('notFound', `there is no message ${messageId} in ${name}`)
  return dropped
}

/** Says whether the letter was handed over. */
type Hand = (deployment: Deployment, body: string) => Promise<boolean>

const handlers: Readonly<Record<DeadLetterQueueName, Hand | undefined>> = {
  notifications: async ({ clients, outputs }, body) => {
    const message = readMessage(body)
    if (!message) return false
    const { notification, slotOnly } = message
    await notificationQueue(clients.sqs, outputs.NotificationQueue).send(notification, { slotOnly })
    return true
  },
  events: async ({ clients }, body) => {
    const event = failedEvent(body)
    if (!event) return false
    await invokeLater(clients.lambda, event.functionName, event.payload)
    return true
  },
  rules: undefined,
}

function queueOf({ clients, outputs }: Deployment, name: DeadLetterQueueName): OperatorQueue {
  return operatorQueue(clients.sqs, outputs[deadLetterQueues[name]])
}

/** Ends where the queue is empty, or shows again what had been hidden. */
async function* everyMessage(queue: OperatorQueue): AsyncGenerator<TakenMessage> {
  const seen = new Set<string>()
  for (;;) {
    const messages = await queue.take(HIDE_SECONDS)
    const fresh = messages.filter(({ messageId }) => !seen.has(messageId))
    if (fresh.length === 0) return
    for (const { messageId } of fresh) seen.add(messageId)
    yield* fresh
  }
}

interface FailedEvent {
  readonly functionName: string
  readonly payload: unknown
}

/** The record of an on-failure destination (AWS Lambda: "Retaining records of asynchronous invocations"). */
function failedEvent(body: string): FailedEvent | undefined {
  const record = parseObject(body)
  const context = (record?.requestContext ?? {}) as { readonly functionArn?: unknown }
  const functionName = functionNameOf(context.functionArn)
  // of a stream's batch the record tells only where it stood
  if (!functionName || record?.requestPayload === undefined) return undefined
  return { functionName, payload: record.requestPayload }
}

/** `arn:aws:lambda:region:account:function:name[:qualifier]` */
function functionNameOf(arn: unknown): string | undefined {
  return typeof arn === 'string' ? arn.split(':')[6] : undefined
}

function letterOf({ messageId, sentAt, body }: TakenMessage): DeadLetter {
  return { messageId, sentAt, about: aboutOf(body) }
}

function aboutOf(body: string): string {
  const notification = readMessage(body)?.notification
  if (notification)
    return `notification ${notification.id} for ${notification.topic} to ${notification.deviceId}`
  const record = parseObject(body)
  const context = (record?.requestContext ?? {}) as Record<string, unknown>
  const name = functionNameOf(context.functionArn)
  if (name) return `${name} failed: ${conditionOf(context.condition)}`
  const { ruleName } = record ?? {}
  return typeof ruleName === 'string' ? `rule ${ruleName} failed` : 'not a message of this service'
}

function conditionOf(condition: unknown): string {
  return typeof condition === 'string' ? condition : 'no reason given'
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? { ...value } : undefined
  } catch {
    return undefined
  }
}
