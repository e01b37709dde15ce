import { slotOf } from '@heliograph/aws/pending-notifications'
import { slotName } from '@heliograph/core/delivery/slot-name'
import type { Notification } from '@heliograph/core/notification'
import { STREAM_RETRIES } from '@heliograph/protocol/retry'
import type { DynamoDBBatchResponse, DynamoDBRecord, DynamoDBStreamEvent } from 'aws-lambda'
import type { Cloud, LambdaFunction } from './lambda.ts'
import type { PendingStore } from './ports/pending.ts'

/** Before Lambda tries a batch again. */
const STREAM_BACK_OFF_MS = 1_000

/** DynamoDB's TTL: deletes late, and tells the stream of it at least once. */
export class Expiry {
  readonly #cloud: Cloud
  readonly #store: PendingStore
  readonly #delay: number
  #consumer: LambdaFunction<DynamoDBStreamEvent, DynamoDBBatchResponse> | undefined
  #sequence = 0

  constructor(cloud: Cloud, store: PendingStore, delay: number) {
    this.#cloud = cloud
    this.#store = store
    this.#delay = delay
  }

  consumeWith(consumer: LambdaFunction<DynamoDBStreamEvent, DynamoDBBatchResponse>): void {
    this.#consumer = consumer
  }

  /** Looks at the slot some time after what was just put there has expired, forged or not. */
  watch(notification: Notification): void {
    const { deviceId, expiration } = notification
    const slot = slotName(notification)
    const { scheduler, random, trace } = this.#cloud
    const due = Math.max(0, expiration * 1000 - scheduler.now) + random.wait(this.#delay)
    scheduler.inBackground(due, () => {
      const isGenuine = this.#store.holdsGenuine(deviceId, slot)
      const taken = this.#store.expire(deviceId, slot, scheduler.now)
      if (!taken) return
      trace.note(() => `the TTL takes ${taken.seq} out of its slot`)
      const record = recordOf(taken, this.#nextSequence())
      if (isGenuine) this.#tell(record, STREAM_RETRIES)
      else this.#consumer?.invoke({ Records: [record] }, () => {})
    })
  }

  #nextSequence(): string {
    this.#sequence += 1
    return String(this.#sequence)
  }

  #tell(record: DynamoDBRecord, retries: number): void {
    const { scheduler, random, ledger, faults } = this.#cloud
    const life = lifeOf(record, this.#cloud)
    scheduler.after(random.wait(STREAM_BACK_OFF_MS), () => {
      life.expiries += 1
      this.#consumer?.invoke({ Records: [record] }, (result) => {
        const failed = !('answer' in result) || result.answer.batchItemFailures.length > 0
        if (failed && retries > 0) this.#tell(record, retries - 1)
        else if (failed) ledger.givenUp.add(`expire ${life.name}`)
        else if (faults.chance(0.05)) this.#tell(record, 0)
      })
    })
  }
}

function lifeOf(record: DynamoDBRecord, { ledger }: Cloud) {
  const { seq } = JSON.parse(record.dynamodb?.OldImage?.notification?.S ?? '') as Notification
  return ledger.life(seq)
}

function recordOf(notification: Notification, sequence: string): DynamoDBRecord {
  return {
    eventID: sequence,
    eventName: 'REMOVE',
    userIdentity: { type: 'Service', principalId: 'dynamodb.amazonaws.com' },
    dynamodb: {
      SequenceNumber: sequence,
      OldImage: slotOf(notification),
    },
  } as DynamoDBRecord
}
