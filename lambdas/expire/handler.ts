import type { DynamoDBBatchResponse, DynamoDBRecord, DynamoDBStreamEvent } from 'aws-lambda'
import type { Item } from '../../aws/attributes.ts'
import { faultFields, type Log } from '../../aws/log.ts'
import { notificationOfSlot } from '../../aws/pending-notifications.ts'
import { type ExpirePorts, expire } from '../../core/expire.ts'
import type { Notification } from '../../core/notification.ts'

/** Slots that DynamoDB's TTL has removed, from the pending table's stream. */
export function expireHandler(ports: ExpirePorts, log: Log) {
  return async (event: DynamoDBStreamEvent): Promise<DynamoDBBatchResponse> => {
    for (const record of event.Records) {
      const notification = expiredSlot(record)
      if (!notification) {
        log.warn('stream record is no expired slot', { eventId: record.eventID })
        continue
      }
      try {
        await expire(notification, ports)
      } catch (fault) {
        log.error('expire failed', { id: notification.id, ...faultFields(fault) })
        // a stream is worked in order: the batch comes again from here
        return { batchItemFailures: [{ itemIdentifier: record.dynamodb?.SequenceNumber ?? '' }] }
      }
    }
    return { batchItemFailures: [] }
  }
}

function expiredSlot({
  eventName,
  userIdentity,
  dynamodb,
}: DynamoDBRecord): Notification | undefined {
  const byTtl = eventName === 'REMOVE' && userIdentity?.principalId === 'dynamodb.amazonaws.com'
  return byTtl && dynamodb?.OldImage ? notificationOfSlot(dynamodb.OldImage as Item) : undefined
}
