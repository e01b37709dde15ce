import type { Item } from '@heliograph/aws/attributes'
import { faultFields, type Log } from '@heliograph/aws/log'
import { notificationOfSlot } from '@heliograph/aws/pending-notifications'
import { type ExpirePorts, expire } from '@heliograph/core/delivery/expire'
import type { IsGenuine } from '@heliograph/core/delivery/seal'
import type { Notification } from '@heliograph/core/notification'
import type { DynamoDBBatchResponse, DynamoDBRecord, DynamoDBStreamEvent } from 'aws-lambda'

/** Slots that DynamoDB's TTL has removed, from the pending table's stream. */
export function expireHandler(
  { isGenuine, ...ports }: ExpirePorts & { readonly isGenuine: IsGenuine },
  log: Log,
) {
  return async (event: DynamoDBStreamEvent): Promise<DynamoDBBatchResponse> => {
    for (const record of event.Records) {
      const notification = expiredSlot(record)
      if (!notification) {
        log.warn('stream record is no expired slot', { eventId: record.eventID })
        continue
      }
      try {
        if (await isGenuine(notification)) await expire(notification, ports)
        else
          log.error('an expired slot has no good seal: accept did not make it', {
            id: notification.id,
          })
      } catch (fault) {
        log.error('expire failed', { id: notification.id, ...faultFields(fault) })
        // a stream is processed in order: the batch comes again from here
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
