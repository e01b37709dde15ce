import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb'
import type { DeviceId, Seq, Topic } from '../core/identifiers.ts'
import {
  type Notification,
  parseNotification,
  serializeNotification,
} from '../core/notification.ts'
import type { PendingNotifications, Stored } from '../core/ports.ts'
import { type Item, n, s } from './attributes.ts'
import { ofDevice, queryAll } from './query.ts'

/** The attribute that holds the notification; expired slots show it in the stream's old image. */
const NOTIFICATION = 'notification'

/** The notification of a slot as it stands in the table or in a stream record. */
export function notificationOfSlot(item: Item): Notification | undefined {
  return parseNotification(item[NOTIFICATION]?.S ?? '')
}

/** The pending table: key (deviceId, topic), TTL `expiresAt` in seconds. */
export function pendingNotifications(
  client: DynamoDBClient,
  tableName: string,
): PendingNotifications {
  const keyOf = (deviceId: DeviceId, topic: Topic): Item => ({
    deviceId: s(deviceId),
    topic: s(topic),
  })

  async function find(deviceId: DeviceId, topic: Topic): Promise<Notification | undefined> {
    const { Item: item } = await client.send(
      new GetItemCommand({
        TableName: tableName,
        Key: keyOf(deviceId, topic),
        ConsistentRead: true,
      }),
    )
    return item && notificationOfSlot(item)
  }

  return {
    find,

    async put(notification, nowMs) {
      try {
        const { Attributes: old } = await client.send(
          new PutItemCommand({
            TableName: tableName,
            Item: slotOf(notification),
            // an expired one counts as absent: DynamoDB deletes days late
            ConditionExpression:
              'attribute_not_exists(deviceId) OR seq <= :seq OR expiresAt <= :now',
            ExpressionAttributeValues: {
              ':seq': s(notification.seq),
              ':now': n(Math.floor(nowMs / 1000)),
            },
            ReturnValues: 'ALL_OLD',
          }),
        )
        return kept(notification.seq, old)
      } catch (fault) {
        if (fault instanceof ConditionalCheckFailedException) return { kept: false }
        throw fault
      }
    },

    async list(deviceId) {
      const items = await queryAll(client, ofDevice(tableName, deviceId))
      return items.map(notificationOfSlot).filter((slot) => slot !== undefined)
    },

    async remove(deviceId, topic, seq) {
      try {
        await client.send(
          new DeleteItemCommand({
            TableName: tableName,
            Key: keyOf(deviceId, topic),
            ConditionExpression: 'seq = :seq',
            ExpressionAttributeValues: { ':seq': s(seq) },
          }),
        )
        return true
      } catch (fault) {
        if (fault instanceof ConditionalCheckFailedException) return false
        throw fault
      }
    },
  }
}

function slotOf(notification: Notification): Item {
  return {
    deviceId: s(notification.deviceId),
    topic: s(notification.topic),
    seq: s(notification.seq),
    expiresAt: n(notification.expiration),
    [NOTIFICATION]: s(serializeNotification(notification)),
  }
}

function kept(seq: Seq, old: Item | undefined): Stored {
  const replaced = old && notificationOfSlot(old)
  return replaced && replaced.seq !== seq ? { kept: true, replaced } : { kept: true }
}
