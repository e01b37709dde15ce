import { faultFields, type Log } from '@heliograph/aws/log'
import { readMessage, readMulticast } from '@heliograph/aws/notification-queue'
import type { Attempt, Delivery } from '@heliograph/core/delivery/attempt'
import { type DeliverPorts, deliver } from '@heliograph/core/delivery/deliver'
import type { IsGenuine } from '@heliograph/core/delivery/seal'
import type { Notification } from '@heliograph/core/notification'
import { outcomeOf } from '@heliograph/core/outcome'
import { turns } from '@heliograph/core/turns'
import { backOffSeconds, MAX_RECEIVES, RECIPIENTS_AT_ONCE } from '@heliograph/protocol/retry'
import type { SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda'
import {
  type DeliverOne,
  deliverMulticast,
  type HandOut,
  type MulticastPorts,
} from './multicast.ts'

/** Makes a message come back after this many seconds instead of the queue's own timeout. */
export type PutOff = (
  message: Pick<SQSRecord, 'receiptHandle' | 'eventSourceARN'>,
  seconds: number,
) => Promise<void>

export interface DeliverHandlerPorts extends DeliverPorts, MulticastPorts {
  readonly isGenuine: IsGenuine
  /** From 0 to 1; spreads messages that were throttled together. */
  chance(): number
}

/** Works through a batch concurrently; a fault of one message does not affect the others. */
export function deliverHandler(ports: DeliverHandlerPorts, putOff: PutOff, log: Log) {
  const ofEnvironment = turns(RECIPIENTS_AT_ONCE)
  return async (event: SQSEvent): Promise<SQSBatchResponse> => {
    const startedAt = ports.clock.now()
    const failures = await Promise.all(
      event.Records.map(async (record) => {
        const handOut = { received: receiveCount(record), startedAt, turns: ofEnvironment }
        const delivery = await deliverRecord(record, handOut, ports, log)
        if (delivery === 'done') return []
        const rest =
          delivery === 'unreadable' ? 0 : backOffSeconds(handOut.received, ports.chance())
        await backOff(record, rest, putOff, log)
        return [{ itemIdentifier: record.messageId }]
      }),
    )
    return { batchItemFailures: failures.flat() }
  }
}

async function deliverRecord(
  record: SQSRecord,
  handOut: HandOut,
  ports: DeliverHandlerPorts,
  log: Log,
): Promise<Delivery | 'unreadable'> {
  const one: DeliverOne = (notification, attempt) => deliverOne(notification, attempt, ports, log)
  const multicast = readMulticast(record.body)
  if (multicast) return deliverMulticast(multicast, handOut, one, ports, log)
  const message = readMessage(record.body)
  if (!message) return reportUnreadable(record, log)
  const { received: number } = handOut
  const { notification, slotOnly } = message
  return one(notification, { number, last: number >= MAX_RECEIVES, slotOnly })
}

/** It will not be readable the next time either: it goes to the dead-letter queue as fast as it can. */
function reportUnreadable(record: SQSRecord, log: Log): 'unreadable' {
  log.error('queue message is no notification: it goes to the dead-letter queue', {
    messageId: record.messageId,
    attempt: receiveCount(record),
  })
  return 'unreadable'
}

/** Not a dead letter at once: the token key that sealed it may be newer than the ring that was read. */
function reportForged({ id }: Notification, attempt: number, log: Log): 'again' {
  log.error('queue message has no good seal: accept did not make it', { id, attempt })
  return 'again'
}

async function deliverOne(
  notification: Notification,
  attempt: Attempt,
  ports: DeliverHandlerPorts,
  log: Log,
): Promise<Delivery> {
  const { number, last, slotOnly } = attempt
  const giveUp = () =>
    ports.outcomes.record(outcomeOf('dead-lettered', notification, ports.clock.now()))
  try {
    if (!(await ports.isGenuine(notification))) return reportForged(notification, number, log)
    const delivery = await deliver(notification, attempt, ports)
    if (delivery === 'again' && last) giveUp()
    return delivery
  } catch (fault) {
    log.error('deliver failed', { id: notification.id, attempt: number, ...faultFields(fault) })
    if (last && !slotOnly) giveUp()
    return 'again'
  }
}

function receiveCount(record: SQSRecord): number {
  return Number(record.attributes.ApproximateReceiveCount) || 1
}

/** Where this fails the queue's own visibility time-out brings the message back. */
async function backOff(
  record: SQSRecord,
  seconds: number,
  putOff: PutOff,
  log: Log,
): Promise<void> {
  try {
    await putOff(record, seconds)
  } catch (fault) {
    log.warn('back-off failed', faultFields(fault))
  }
}
