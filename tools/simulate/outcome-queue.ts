import { type Outcome, serializeOutcomes } from '@heliograph/core/outcome'
import { MAX_RECEIVES } from '@heliograph/protocol/retry'
import type { SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda'
import { type Cloud, type LambdaFunction, type Result, whoActs } from './lambda.ts'

interface Message {
  readonly id: string
  readonly outcomes: readonly Outcome[]
  receives: number
  isHidden: boolean
}

/** How long a batch of outcomes takes to fill, and how long one that failed rests. */
const WINDOW_MS = 5_000
const REST_MS = 60_000

/** The queue of outcomes with its event source mapping: at least once, in any order. */
export class OutcomeQueue {
  readonly #cloud: Cloud
  readonly #duplicated: number
  readonly #messages = new Map<string, Message>()
  #consumer: LambdaFunction<SQSEvent, SQSBatchResponse> | undefined
  #made = 0

  constructor(cloud: Cloud, duplicated: number) {
    this.#cloud = cloud
    this.#duplicated = duplicated
  }

  consumeWith(consumer: LambdaFunction<SQSEvent, SQSBatchResponse>): void {
    this.#consumer = consumer
  }

  readonly take = (outcomes: readonly Outcome[]): void => {
    this.#cloud.ledger.handedOn(outcomes, whoActs())
    this.#add(outcomes)
    if (this.#cloud.faults.chance(this.#duplicated)) this.#add(outcomes)
  }

  #add(outcomes: readonly Outcome[]): void {
    this.#made += 1
    const id = `o${this.#made}`
    this.#messages.set(id, { id, outcomes, receives: 0, isHidden: false })
    this.#pollIn(this.#cloud.random.between(0, WINDOW_MS))
  }

  #pollIn(ms: number): void {
    this.#cloud.scheduler.after(ms, () => this.#poll())
  }

  #poll(): void {
    const batch = [...this.#messages.values()].filter(({ isHidden }) => !isHidden)
    const records = batch.flatMap((message) => this.#receive(message))
    if (records.length === 0) return
    this.#consumer?.invoke({ Records: records }, (result) => this.#settle(records, result))
  }

  #receive(message: Message): SQSRecord[] {
    const { id: messageId, outcomes } = message
    if (message.receives >= MAX_RECEIVES) {
      this.#messages.delete(messageId)
      this.#cloud.ledger.buried(outcomes)
      return []
    }
    message.receives += 1
    message.isHidden = true
    return [{ messageId, body: serializeOutcomes(outcomes) } as SQSRecord]
  }

  #settle(records: readonly SQSRecord[], result: Result<SQSBatchResponse>): void {
    const answer = 'answer' in result ? result.answer : undefined
    const failed = new Set(answer?.batchItemFailures.map((one) => one.itemIdentifier))
    for (const { messageId } of records) {
      const message = this.#messages.get(messageId)
      if (answer && !failed.has(messageId)) this.#messages.delete(messageId)
      else if (message) message.isHidden = false
    }
    if (!answer || failed.size > 0) this.#pollIn(REST_MS)
  }
}
