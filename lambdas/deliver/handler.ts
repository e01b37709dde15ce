import type { SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda'
import { faultFields, type Log } from '../../aws/log.ts'
import { type QueueMessage, readMessage } from '../../aws/notification-queue.ts'
import { type DeliverPorts, type Delivery, deliver } from '../../core/deliver.ts'
import { outcomeOf } from '../../core/outcome.ts'
import { MAX_RECEIVES } from './settings.ts'

/** Makes a message come back after so many seconds instead of the queue's own time-out. */
export type PutOff = (receiptHandle: string, seconds: number) => Promise<void>

/** Works a batch concurrently; one message's fault leaves the others alone. */
export function deliverHandler(ports: DeliverPorts, putOff: PutOff, log: Log) {
  return async (event: SQSEvent): Promise<SQSBatchResponse> => {
    const failures = await Promise.all(
      event.Records.map(async (record) => {
        const message = readMessage(record.body)
        if (message && (await deliverRecord(record, message, ports, log)) === 'done') return []
        if (!message) reportUnreadable(record, log)
        await backOff(record, message ? 2 ** receiveCount(record) : 0, putOff, log)
        return [{ itemIdentifier: record.messageId }]
      }),
    )
    return { batchItemFailures: failures.flat() }
  }
}

/** It will read no better the next time: it goes to the dead-letter queue as fast as it can. */
function reportUnreadable(record: SQSRecord, log: Log): void {
  log.error('queue message is no notification: it goes to the dead-letter queue', {
    messageId: record.messageId,
    attempt: receiveCount(record),
  })
}

async function deliverRecord(
  record: SQSRecord,
  { notification, slotOnly }: QueueMessage,
  ports: DeliverPorts,
  log: Log,
): Promise<Delivery> {
  const number = receiveCount(record)
  const last = number >= MAX_RECEIVES
  try {
    const delivery = await deliver(notification, { number, last, slotOnly }, ports)
    if (delivery === 'again' && last)
      ports.outcomes.record(outcomeOf('dead-lettered', notification, ports.clock.now()))
    return delivery
  } catch (fault) {
    log.error('deliver failed', { id: notification.id, attempt: number, ...faultFields(fault) })
    if (last && !slotOnly)
      ports.outcomes.record(outcomeOf('dead-lettered', notification, ports.clock.now()))
    return 'again'
  }
}

function receiveCount(record: SQSRecord): number {
  return Number(record.attributes.ApproximateReceiveCount) || 1
}

const MAX_BACK_OFF_SECONDS = 900

/**
 * Half to the whole of a back-off, in whole seconds: what was throttled together must not come back
 * together. `chance` is from 0 up to 1.
 */
export function jittered(seconds: number, chance: number): number {
  return Math.ceil(seconds * (0.5 + chance / 2))
}

/** Where this fails the queue's own visibility time-out brings the message back. */
async function backOff(
  record: SQSRecord,
  seconds: number,
  putOff: PutOff,
  log: Log,
): Promise<void> {
  try {
    await putOff(record.receiptHandle, Math.min(MAX_BACK_OFF_SECONDS, seconds))
  } catch (fault) {
    log.warn('back-off failed', faultFields(fault))
  }
}
