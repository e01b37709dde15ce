import { announcementQueue } from '@heliograph/aws/announcement-queue'
import { notificationQueue, readMessage, readMulticast } from '@heliograph/aws/notification-queue'
import { invokeLater } from '@heliograph/aws/operator/functions'
import {
  type OperatorQueue,
  operatorQueue,
  type TakenMessage,
} from '@heliograph/aws/operator/queues'
import { outcomeQueue } from '@heliograph/aws/outcome-queue'
import { parseAnnouncements } from '@heliograph/core/events/announcement'
import type { Multicast } from '@heliograph/core/multicast'
import { type Notification, parseObject } from '@heliograph/core/notification'
import { parseOutcomes } from '@heliograph/core/outcome'
import type { NotificationQueue } from '@heliograph/core/ports'
import { type AwsDeployment, awsOnly, type OutputName } from '../aws-stage.ts'
import type { Deployment } from '../deployment.ts'
import { Failure } from '../failure.ts'
import { isMachine, type MachineDeployment } from '../machine-deployment.ts'
import {
  type DeadLetterQueueName,
  deadLetterQueueNames,
  deadLetterQueues,
} from './dead-letter-queues.ts'

/** A dead letter as an operator may see it: what it is about, never its content. */
export interface DeadLetter {
  readonly messageId: string
  /** Milliseconds since the epoch. */
  readonly sentAt: number
  readonly about: string
  /** The notification, if it is one; the first one, if it is a request to many. */
  readonly notification?: Pick<Notification, 'id' | 'uniqueId' | 'topic' | 'deviceId'>
}

/** Follows the work on a queue, which may be long. */
export interface QueueWork {
  /** After each letter: those that left the queue, and those that stay. */
  progress(done: number, left: number): void
  /** Ends the work after the letter that is under way. */
  readonly stop: AbortSignal
}

const unwatched: QueueWork = { progress: () => {}, stop: new AbortController().signal }

export interface DeadLetterDepth {
  readonly queue: DeadLetterQueueName
  readonly waiting: number
}

export async function deadLetterDepths(deployment: Deployment): Promise<DeadLetterDepth[]> {
  if (isMachine(deployment)) {
    const { deadLetters: waiting } = await deployment.machine.state()
    return [{ queue: 'notifications', waiting }]
  }
  // an earlier version has fewer
  const { outputs } = awsOnly(deployment, IT_HAS_QUEUES)
  const there = deadLetterQueueNames.filter((queue) => outputs[deadLetterQueues[queue]])
  return Promise.all(
    there.map(async (queue) => {
      const { visible, inFlight } = await queueOf(deployment, queue).depth()
      return { queue, waiting: visible + inFlight }
    }),
  )
}

/** Long enough to look at a few pages; messages that are not removed appear again afterward. */
const HIDE_SECONDS = 60

/** The first letters of a queue; they stay in it. */
export async function peekDeadLetters(
  deployment: Deployment,
  name: DeadLetterQueueName,
  limit: number,
): Promise<DeadLetter[]> {
  if (isMachine(deployment)) {
    demandNotifications(name)
    return [...(await deployment.machine.deadLetters(limit))]
  }
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
  /** Letters that cannot be processed again; they stay in the queue. */
  readonly left: number
}

/** Resubmits letters. A letter leaves the queue only after it has been resubmitted. */
export async function redriveDeadLetters(
  deployment: Deployment,
  name: DeadLetterQueueName,
  work = unwatched,
): Promise<Redriven> {
  if (isMachine(deployment)) {
    demandNotifications(name)
    const { machine } = deployment
    return { redriven: await inSteps((most) => machine.redriveDeadLetters(most), work), left: 0 }
  }
  const aws = awsOnly(deployment, IT_HAS_QUEUES)
  const hand = handlers[name]
  if (!hand)
    throw new Failure(
      'refused',
      'what a rule could not hand over cannot be sent again: the devices repeat it when they next connect; drop it with heliograph dlq drop rules --yes',
    )
  const handOver = async ({ body }: TakenMessage) => hand(aws, body)
  const { removed, kept } = await workThrough(queueOf(deployment, name), handOver, work)
  return { redriven: removed, left: kept }
}

/** Takes letter after letter, and removes those that `work` is done with. The others are shown again at the end. */
async function workThrough(
  queue: OperatorQueue,
  isDone: (message: TakenMessage) => Promise<boolean>,
  { progress, stop }: QueueWork,
): Promise<{ readonly removed: number; readonly kept: number }> {
  const kept: TakenMessage[] = []
  let removed = 0
  for await (const message of everyMessage(queue, stop)) {
    if (await isDone(message)) {
      await queue.remove(message)
      removed += 1
    } else kept.push(message)
    progress(removed, kept.length)
  }
  await Promise.all(kept.map((message) => queue.putBack(message)))
  return { removed, kept: kept.length }
}

/** Removes letters permanently: all of a queue, or one. Returns how many. */
export async function dropDeadLetters(
  deployment: Deployment,
  name: DeadLetterQueueName,
  messageId?: string,
  work = unwatched,
): Promise<number> {
  const dropped = isMachine(deployment)
    ? await dropOfMachine(deployment, name, { messageId, work })
    : await dropOfQueue(queueOf(deployment, name), messageId, work)
  if (messageId !== undefined && dropped === 0 && !work.stop.aborted)
    throw new Failure('notFound', `there is no message ${messageId} in ${name}`)
  return dropped
}

function dropOfMachine(
  { machine }: MachineDeployment,
  name: DeadLetterQueueName,
  { messageId, work }: { readonly messageId: string | undefined; readonly work: QueueWork },
): Promise<number> {
  demandNotifications(name)
  return inSteps((most) => machine.dropDeadLetters(messageId, most), work)
}

/**
 * Letters of a machine that are processed in one call: few enough to show progress and to be
 * stopped.
 */
const STEP = 100

async function inSteps(
  step: (most: number) => Promise<number>,
  { progress, stop }: QueueWork,
): Promise<number> {
  let done = 0
  while (!stop.aborted) {
    const more = await step(STEP)
    done += more
    progress(done, 0)
    if (more < STEP) break
  }
  return done
}

async function dropOfQueue(
  queue: OperatorQueue,
  messageId: string | undefined,
  work: QueueWork,
): Promise<number> {
  const isWanted = async (message: TakenMessage) =>
    messageId === undefined || message.messageId === messageId
  // the others are not `left`: nobody wanted to drop them
  const progress = (dropped: number) => work.progress(dropped, 0)
  const { removed } = await workThrough(queue, isWanted, { ...work, progress })
  return removed
}

/** Returns whether the letter was resubmitted. */
type Hand = (deployment: AwsDeployment, body: string) => Promise<boolean>

/**
 * The functions that an event may be passed to. A record is only text: one that someone else put
 * into the queue could name any function of the account, which would then be invoked with the
 * operator's rights.
 */
const upstreamFunctions = [
  'RegisterFunction',
  'ConnectFunction',
  'UnregisterFunction',
  'RenewFunction',
] as const satisfies readonly OutputName[]

const handlers: Readonly<Record<DeadLetterQueueName, Hand | undefined>> = {
  notifications: async ({ clients, outputs }, body) => {
    const queue = notificationQueue(clients.sqs, outputs.NotificationQueue)
    const multicast = readMulticast(body)
    if (multicast) return redriveMulticast(queue, multicast)
    const message = readMessage(body)
    if (!message) return false
    const { notification, slotOnly } = message
    // slots wait in a queue of their own, so that they are in no notification's way
    const slots = notificationQueue(clients.sqs, outputs.SlotQueue ?? outputs.NotificationQueue)
    await (slotOnly ? slots : queue).send(notification, { slotOnly })
    return true
  },
  events: async ({ clients, outputs }, body) => {
    const event = failedEvent(body)
    const name = upstreamFunctions.find((output) => outputs[output] === event?.functionName)
    if (!event || !name) return false
    await invokeLater(clients.lambda, outputs[name], event.payload)
    return true
  },
  outcomes: async ({ clients, outputs }, body) => {
    const outcomes = parseOutcomes(body)
    if (!outcomes || !outputs.OutcomeQueue) return false
    await outcomeQueue(clients.sqs, outputs.OutcomeQueue).send(outcomes)
    return true
  },
  announcements: async ({ clients, outputs }, body) => {
    const announcements = parseAnnouncements(body)
    if (!announcements || !outputs.AnnouncementQueue) return false
    await announcementQueue(clients.sqs, outputs.AnnouncementQueue).send(announcements)
    return true
  },
  rules: undefined,
}

/** Each recipient starts over, however often it was tried before. */
async function redriveMulticast(queue: NotificationQueue, multicast: Multicast): Promise<boolean> {
  const anew = multicast.map(({ notification }) => ({ notification, receives: 0 }))
  return (await queue.sendMulticasts([anew])).size === multicast.length
}

const IT_HAS_QUEUES = 'it has queues'

/** In one process a request of a device is answered or refused at once: nothing of it is left over. */
function demandNotifications(name: DeadLetterQueueName): void {
  if (name !== 'notifications')
    throw new Failure('usage', `one machine has the dead letters notifications only, not ${name}`)
}

function queueOf(deployment: Deployment, name: DeadLetterQueueName): OperatorQueue {
  const { clients, outputs } = awsOnly(deployment, IT_HAS_QUEUES)
  const url = outputs[deadLetterQueues[name]]
  if (!url)
    throw new Failure('notFound', `this stage has no queue ${name}: deploy it with this version`)
  return operatorQueue(clients.sqs, url)
}

/**
 * Ends when the queue is empty or returns messages that had been hidden. If it is stopped, messages
 * that were received but not yet returned become visible again.
 */
async function* everyMessage(
  queue: OperatorQueue,
  stop = unwatched.stop,
): AsyncGenerator<TakenMessage> {
  const seen = new Set<string>()
  while (!stop.aborted) {
    const messages = await queue.take(HIDE_SECONDS)
    const fresh = messages.filter(({ messageId }) => !seen.has(messageId))
    if (fresh.length === 0) return
    for (const [at, message] of fresh.entries()) {
      if (stop.aborted) {
        await Promise.all(fresh.slice(at).map((one) => queue.putBack(one)))
        return
      }
      seen.add(message.messageId)
      yield message
    }
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
  // for a stream's batch, the record contains only its position
  if (!functionName || record?.requestPayload === undefined) return undefined
  return { functionName, payload: record.requestPayload }
}

/** `arn:aws:lambda:region:account:function:name[:qualifier]` */
function functionNameOf(arn: unknown): string | undefined {
  return typeof arn === 'string' ? arn.split(':')[6] : undefined
}

function letterOf({ messageId, sentAt, body }: TakenMessage): DeadLetter {
  const [notification, ...others] = notificationsIn(body)
  if (!notification) return { messageId, sentAt, about: aboutOf(body) }
  const { id, uniqueId, topic, deviceId } = notification
  const more = others.length > 0 ? ` and ${others.length} more of the same request` : ''
  const about = `notification ${id} for ${topic} to ${deviceId}${more}`
  return { messageId, sentAt, about, notification: { id, uniqueId, topic, deviceId } }
}

function aboutOf(body: string): string {
  const outcomes = parseOutcomes(body)
  if (outcomes) return `outcomes of ${outcomes.length} notifications`
  const announcements = parseAnnouncements(body)
  if (announcements) return `${announcements.length} events for subscribers`
  const record = parseObject(body)
  const context = (record?.requestContext ?? {}) as Record<string, unknown>
  const name = functionNameOf(context.functionArn)
  if (name) return `${name} failed: ${conditionOf(context.condition)}`
  const { ruleName } = record ?? {}
  return typeof ruleName === 'string' ? `rule ${ruleName} failed` : 'not a message of this service'
}

function notificationsIn(body: string): Notification[] {
  const recipients = readMulticast(body) ?? readMessage(body) ?? []
  return [recipients].flat().map(({ notification }) => notification)
}

function conditionOf(condition: unknown): string {
  return typeof condition === 'string' ? condition : 'no reason given'
}
