import {
  type AttributeValue,
  DeleteItemCommand,
  type DynamoDBClient,
  PutItemCommand,
  type QueryCommandInput,
} from '@aws-sdk/client-dynamodb'
import { genuinePending, type IsGenuine } from '@heliograph/core/delivery/seal'
import { type SlotName, slotName, slotsOf } from '@heliograph/core/delivery/slot-name'
import {
  type Notification,
  parseNotification,
  serializeNotification,
} from '@heliograph/core/notification'
import type { PendingNotifications, SlotRow, SlotTable, StoredRow } from '@heliograph/core/ports'
import type { DeviceId, Seq, Topic } from '@heliograph/protocol/identifiers'
import { type Item, n, s } from './attributes.ts'
import { ofDevice, queryAll } from './query.ts'
import { table, whereConditionHolds } from './table.ts'

/** The attribute that holds the notification; expired slots show it in the stream's old image. */
const NOTIFICATION = 'notification'

/**
 * The notification of a slot as the table or a stream record contains it; undefined if the
 * attributes next to it, which the conditions compare, contradict it.
 */
export function notificationOfSlot(item: Item): Notification | undefined {
  const notification = parseNotification(item[NOTIFICATION]?.S ?? '')
  if (!notification) return undefined
  const { deviceId, topic, seq, expiresAt } = item
  const isConsistent =
    deviceId?.S === notification.deviceId &&
    topic?.S === slotName(notification) &&
    seq?.S === notification.seq &&
    expiresAt?.N === String(notification.expiration)
  return isConsistent ? notification : undefined
}

/** The pending table, restricted to the rows that `isGenuine` accepts. */
export function pendingNotifications(
  client: DynamoDBClient,
  tableName: string,
  isGenuine: IsGenuine,
): PendingNotifications {
  return genuinePending(slotTable(client, tableName), isGenuine)
}

/**
 * The pending table: key (deviceId, topic), where `topic` is the name of the slot, and TTL
 * `expiresAt` in seconds.
 */
function slotTable(client: DynamoDBClient, tableName: string): SlotTable {
  const { get } = table(client, tableName)
  const keyOf = (deviceId: DeviceId, slot: SlotName): Item => ({
    deviceId: s(deviceId),
    topic: s(slot),
  })

  return {
    async find(deviceId, slot) {
      const item = await get(keyOf(deviceId, slot))
      return item && rowOf(item)
    },

    async put(notification, nowMs, despite) {
      const command = new PutItemCommand({
        TableName: tableName,
        Item: slotOf(notification),
        ...putCondition(notification, nowMs, despite),
        ReturnValues: 'ALL_OLD',
      })
      const done = await whereConditionHolds(client.send(command))
      return done ? kept(notification.seq, done.Attributes) : { kept: false }
    },

    async list(deviceId) {
      return (await queryAll(client, ofDevice(tableName, deviceId))).map(rowOf)
    },

    async listOf(deviceId, topic) {
      return (await queryAll(client, ofTopic(tableName, deviceId, topic))).map(rowOf)
    },

    async remove(deviceId, slot, seq) {
      const command = new DeleteItemCommand({
        TableName: tableName,
        Key: keyOf(deviceId, slot),
        ConditionExpression: 'seq = :seq',
        ExpressionAttributeValues: { ':seq': s(seq) },
      })
      return (await whereConditionHolds(client.send(command))) !== undefined
    },
  }
}

/** The slots of one topic, read consistently. */
function ofTopic(tableName: string, deviceId: DeviceId, topic: Topic): QueryCommandInput {
  const { first, last } = slotsOf(topic)
  return {
    TableName: tableName,
    KeyConditionExpression: 'deviceId = :device AND topic BETWEEN :first AND :last',
    ExpressionAttributeValues: { ':device': s(deviceId), ':first': s(first), ':last': s(last) },
    ConsistentRead: true,
  }
}

/** An expired one counts as absent: DynamoDB deletes days late. */
const NEWEST = 'attribute_not_exists(deviceId) OR seq <= :seq OR expiresAt <= :now'

function putCondition({ seq }: Notification, nowMs: number, despite?: SlotRow) {
  const values = { ':seq': s(seq), ':now': n(Math.floor(nowMs / 1000)) }
  if (!despite) return { ConditionExpression: NEWEST, ExpressionAttributeValues: values }
  const same = sameRow(despite.version as Item)
  return {
    ConditionExpression: `${NEWEST} OR (${same.condition})`,
    ExpressionAttributeValues: { ...values, ...same.values },
  }
}

/** Requires that these attributes are unchanged: a genuine row may have come in between. */
function sameRow(item: Item) {
  const names = ['seq', 'expiresAt', NOTIFICATION]
  const terms = names.map((name) =>
    item[name] ? `${name} = :their_${name}` : `attribute_not_exists(${name})`,
  )
  const values = names.flatMap((name): [string, AttributeValue][] =>
    item[name] ? [[`:their_${name}`, item[name]]] : [],
  )
  return { condition: terms.join(' AND '), values: Object.fromEntries(values) }
}

/** The row of a slot. */
export function slotOf(notification: Notification): Item {
  return {
    deviceId: s(notification.deviceId),
    topic: s(slotName(notification)),
    seq: s(notification.seq),
    expiresAt: n(notification.expiration),
    [NOTIFICATION]: s(serializeNotification(notification)),
  }
}

function rowOf(item: Item): SlotRow {
  return { notification: notificationOfSlot(item), version: item }
}

function kept(seq: Seq, old: Item | undefined): StoredRow {
  if (!old || old.seq?.S === seq) return { kept: true }
  return { kept: true, replaced: rowOf(old) }
}
