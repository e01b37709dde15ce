import type { SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda'
import { faultFields, type Log } from '../../aws/log.ts'
import { readMessage } from '../../aws/notification-queue.ts'
import { type DeliverPorts, type Delivery, deliver } from '../../core/deliver.ts'
import { outcomeOf } from '../../core/outcome.ts'
import { MAX_RECEIVES } from './settings.ts'

/** Makes a message come back after so many seconds instead of the queue's own time-out. */
export type PutOff = (receiptHandle: string, seconds: number) => Promise<void>

/** Works a batch concurrently; one message's fault leaves the others alone. */
export function deliverHandler(ports: DeliverPorts, putOff: PutOff, log: Log) {
  return async (event: SQSEvent): Promise<SQSBatchResponse> => {
    const results = await Promise.all(
      event.Records.map(async (record) => ({
        record,
        delivery: await deliverRecord(record, ports, log),
      })),
    )
    const again = results.filter(({ delivery }) => delivery === 'again').map(({ record }) => record)
    await Promise.all(again.map((record) => backOff(record, putOff, log)))
    return { batchItemFailures: again.map(({ messageId }) => ({ itemIdentifier: messageId })) }
  }
}

async function deliverRecord(record: SQSRecord, ports: DeliverPorts, log: Log): Promise<Delivery> {
  const message = readMessage(record.body)
  const number = receiveCount(record)
  if (!message) {
    log.error('queue message is no notification: it goes to the dead-letter queue', {
      messageId: record.messageId,
      attempt: number,
    })
    return 'again'
  }
  const { notification, slotOnly } = message
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

/** 2, 4, 8 … seconds. Where this fails the queue's own visibility time-out brings it back. */
async function backOff(record: SQSRecord, putOff: PutOff, log: Log): Promise<void> {
  const seconds = Math.min(MAX_BACK_OFF_SECONDS, 2 ** receiveCount(record))
  try {
    await putOff(record.receiptHandle, seconds)
  } catch (fault) {
    log.warn('back-off failed', faultFields(fault))
  }
}
