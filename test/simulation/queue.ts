import type { SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda'
import { readMessage } from '../../aws/notification-queue.ts'
import { MAX_RECEIVES } from '../../lambdas/deliver/settings.ts'
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

/** As the queue in lib/ is set up: six times the function's time-out. */
const VISIBILITY_MS = 120_000
const BATCH_SIZE = 10

/**
 * A standard queue with its event source mapping: at least once, in any order, at most
 * `MAX_RECEIVES` times, after which a message is in the dead-letter queue.
 */
export class Queue {
  readonly deadLetters: Message[] = []
  readonly #cloud: Cloud
  readonly #habits: QueueFaults
  readonly #messages = new Map<string, Message>()
  #consumer: LambdaFunction<SQSEvent, SQSBatchResponse> | undefined
  #made = 0
  #handles = 0

  constructor(cloud: Cloud, habits: QueueFaults) {
    this.#cloud = cloud
    this.#habits = habits
  }

  consumeWith(consumer: LambdaFunction<SQSEvent, SQSBatchResponse>): void {
    this.#consumer = consumer
  }

  get isEmpty(): boolean {
    return this.#messages.size === 0
  }

  readonly enqueue = (body: string, delaySeconds: number): void => {
    const { faults, ledger } = this.#cloud
    const message = readMessage(body)
    if (message && !message.slotOnly) ledger.queued(message.notification)
    this.#add(body, delaySeconds)
    if (faults.chance(this.#habits.duplicated)) this.#add(body, delaySeconds)
  }

  /** ChangeMessageVisibility. */
  putOff(handle: string, seconds: number): void {
    const message = [...this.#messages.values()].find((one) => one.handle === handle)
    if (!message) throw new Error('this receipt handle is not the last one')
    this.#hide(message, seconds * 1000)
  }

  #add(body: string, delaySeconds: number): void {
    const { random } = this.#cloud
    this.#made += 1
    const id = `m${this.#made}`
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
    const visible = [...this.#messages.values()].filter(
      ({ visibleAt }) => visibleAt <= scheduler.now,
    )
    const batch = random.shuffle(visible).slice(0, 1 + random.int(BATCH_SIZE))
    if (visible.length > batch.length)
      scheduler.after(random.wait(this.#habits.latency), () => this.#poll())
    const records = batch.flatMap((message) => this.#receive(message))
    if (records.length > 0)
      this.#consumer?.invoke({ Records: records }, (result) => this.#settle(records, result))
  }

  #receive(message: Message): SQSRecord[] {
    if (message.receives >= MAX_RECEIVES) {
      this.#bury(message)
      return []
    }
    message.receives += 1
    this.#handles += 1
    message.handle = `h${this.#handles}`
    this.#hide(message, VISIBILITY_MS)
    this.#note(message)
    return [recordOf(message)]
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
    this.deadLetters.push(message)
    const { ledger, trace } = this.#cloud
    const parsed = readMessage(message.body)
    if (parsed) ledger.life(parsed.notification.seq).deadLettered = true
    trace.note(() => `dead-letter queue takes ${message.id}`)
  }

  #note({ id, body, receives }: Message): void {
    const { ledger, trace } = this.#cloud
    const message = readMessage(body)
    if (!message) return
    const life = ledger.life(message.notification.seq)
    if (!message.slotOnly) life.receives += 1
    const what = message.slotOnly ? 'slot retry of' : 'notification'
    trace.note(() => `queue hands out ${id}, ${what} ${life.name}, receive ${receives}`)
  }
}

function recordOf(message: Message): SQSRecord {
  return {
    messageId: message.id,
    receiptHandle: message.handle,
    body: message.body,
    attributes: { ApproximateReceiveCount: String(message.receives) },
  } as SQSRecord
}
