import { readMessage, readMulticast } from '@heliograph/aws/notification-queue'
import type { Notification } from '@heliograph/core/notification'
import { MAX_RECEIVES, VISIBILITY_SECONDS } from '@heliograph/protocol/retry'
import type { SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda'
import type { Cloud, LambdaFunction, Result } from './lambda.ts'
import type { QueueFaults } from './settings.ts'

interface Message {
  readonly id: string
  readonly body: string
  receives: number
  visibleAt: number
  /** Of the last receive; older handles do nothing. */
  handle: string
}

const BATCH_SIZE = 10

type Consumer = Pick<LambdaFunction<SQSEvent, SQSBatchResponse>, 'invoke'>

/** What waits in a queue: notifications on their way, or slots that are to be tried again. */
export type Line = 'notifications' | 'slots'

export interface QueueOptions {
  readonly line: Line
  /** Batches that are worked at the same time, at most. */
  readonly concurrency: number
  readonly habits: QueueFaults
}

/**
 * A standard queue with its event source mapping: at least once, in any order, at most
 * `MAX_RECEIVES` times, after which a message is in the dead-letter queue.
 */
export class Queue {
  readonly line: Line
  readonly #concurrency: number
  readonly #cloud: Cloud
  readonly #habits: QueueFaults
  readonly #messages = new Map<string, Message>()
  #consumer: Consumer | undefined
  #made = 0
  #handles = 0
  #running = 0
  /** A poll came while as many batches were worked as may be. */
  #isPollDue = false

  constructor(cloud: Cloud, { line, concurrency, habits }: QueueOptions) {
    this.#cloud = cloud
    this.line = line
    this.#concurrency = concurrency
    this.#habits = habits
  }

  consumeWith(consumer: Consumer): void {
    this.#consumer = consumer
  }

  get isEmpty(): boolean {
    return this.#messages.size === 0
  }

  readonly enqueue = (body: string, delaySeconds: number): void => {
    const { faults, ledger } = this.#cloud
    for (const notification of notificationsIn(body)) ledger.queued(notification)
    this.#mustBelong(body)
    this.#add(body, delaySeconds)
    if (faults.chance(this.#habits.duplicated)) this.#add(body, delaySeconds)
  }

  /** Somebody else than this service sends a message; what it holds was never accepted. */
  forge(body: string): void {
    this.#add(body, 0)
  }

  /** Straight to the dead-letter queue, where an operator would find it. */
  readonly giveUp = (body: string): void => {
    this.#bury({ id: this.#nextId(), body, receives: 0, visibleAt: 0, handle: '' })
  }

  /** ChangeMessageVisibility. */
  putOff(handle: string, seconds: number): void {
    const message = [...this.#messages.values()].find((one) => one.handle === handle)
    if (!message) throw new Error('this receipt handle is not the last one')
    this.#hide(message, seconds * 1000)
  }

  #nextId(): string {
    this.#made += 1
    return `${this.line === 'slots' ? 's' : 'm'}${this.#made}`
  }

  /** Slots are tried in a line of their own: a silent device keeps it waiting for seconds. */
  #mustBelong(body: string): void {
    const strays = this.line === 'slots' ? notificationsIn(body) : slotsIn(body)
    for (const { seq } of strays)
      this.#cloud.ledger.violate('lines', `${seq} waits among the ${this.line}`)
  }

  #add(body: string, delaySeconds: number): void {
    const { random } = this.#cloud
    const id = this.#nextId()
    const message: Message = { id, body, receives: 0, visibleAt: 0, handle: '' }
    this.#messages.set(id, message)
    const isLate = this.#cloud.faults.chance(this.#habits.late)
    const lateness = isLate ? random.between(0, this.#habits.lateness) : 0
    this.#hide(message, delaySeconds * 1000 + lateness)
  }

  #hide(message: Message, ms: number): void {
    const { scheduler, random } = this.#cloud
    message.visibleAt = scheduler.now + ms
    scheduler.after(ms + random.wait(this.#habits.latency), () => this.#poll())
  }

  /** One batch of what is visible, in any order; the rest waits for the next poll. */
  #poll(): void {
    const { random, scheduler } = this.#cloud
    if (this.#running >= this.#concurrency) {
      this.#isPollDue = true
      return
    }
    const visible = [...this.#messages.values()].filter(
      ({ visibleAt }) => visibleAt <= scheduler.now,
    )
    const batch = random.shuffle(visible).slice(0, 1 + random.int(BATCH_SIZE))
    if (visible.length > batch.length)
      scheduler.after(random.wait(this.#habits.latency), () => this.#poll())
    const records = batch.flatMap((message) => this.#receive(message))
    if (records.length > 0) this.#work(records)
  }

  #work(records: readonly SQSRecord[]): void {
    this.#running += 1
    this.#consumer?.invoke({ Records: [...records] }, (result) => {
      this.#running -= 1
      this.#settle(records, result)
      if (!this.#isPollDue) return
      this.#isPollDue = false
      const { random, scheduler } = this.#cloud
      scheduler.after(random.wait(this.#habits.latency), () => this.#poll())
    })
  }

  #receive(message: Message): SQSRecord[] {
    if (message.receives >= MAX_RECEIVES) {
      this.#bury(message)
      return []
    }
    message.receives += 1
    this.#handles += 1
    message.handle = `${message.id}-${this.#handles}`
    this.#hide(message, VISIBILITY_SECONDS * 1000)
    this.#note(message)
    return [recordOf(message, this.line)]
  }

  /** What the batch did not report as failed is deleted, unless that call is lost. */
  #settle(records: readonly SQSRecord[], result: Result<SQSBatchResponse>): void {
    if (!('answer' in result)) return
    const failed = new Set(result.answer.batchItemFailures.map((one) => one.itemIdentifier))
    for (const { messageId, receiptHandle } of records) {
      if (failed.has(messageId) || this.#cloud.faults.chance(this.#habits.deleteLost)) continue
      if (this.#messages.get(messageId)?.handle === receiptHandle) this.#messages.delete(messageId)
    }
  }

  #bury(message: Message): void {
    this.#messages.delete(message.id)
    const { ledger, trace } = this.#cloud
    for (const { seq } of [...notificationsIn(message.body), ...slotsIn(message.body)]) {
      const life = ledger.lives.get(seq)
      if (life) life.deadLettered = true
    }
    trace.note(() => `dead-letter queue takes ${message.id}`)
  }

  #note({ id, body, receives }: Message): void {
    const { ledger, trace } = this.#cloud
    // a forged one has no life
    const livesOf = (some: readonly Notification[]) =>
      some.flatMap(({ seq }) => ledger.lives.get(seq) ?? [])
    const lives = livesOf(notificationsIn(body))
    for (const life of lives) life.receives += 1
    const slots = livesOf(slotsIn(body)).map(({ name }) => `slot retry of ${name}`)
    const names = [...lives.map(({ name }) => `notification ${name}`), ...slots].join(', ')
    trace.note(() => `queue hands out ${id}, ${names}, receive ${receives}`)
  }
}

/** What a message is to deliver: one notification, or several. */
function notificationsIn(body: string): Notification[] {
  const multicast = readMulticast(body)
  if (multicast) return multicast.map(({ notification }) => notification)
  const message = readMessage(body)
  return message && !message.slotOnly ? [message.notification] : []
}

/** What a message only asks to drain. */
function slotsIn(body: string): Notification[] {
  const message = readMessage(body)
  return message?.slotOnly ? [message.notification] : []
}

function recordOf(message: Message, line: Line): SQSRecord {
  return {
    eventSourceARN: line,
    messageId: message.id,
    receiptHandle: message.handle,
    body: message.body,
    attributes: { ApproximateReceiveCount: String(message.receives) },
  } as SQSRecord
}
