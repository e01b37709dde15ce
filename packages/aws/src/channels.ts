import { DeleteItemCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { Channel, Channels, Clock } from '@heliograph/core/ports'
import { parseChannelId, parseTopic } from '@heliograph/protocol/identifiers'
import { MAX_CHANNELS } from '@heliograph/protocol/limits'
import { parseStoragePolicy } from '@heliograph/protocol/storage-policy'
import { type Item, n, number, parsed } from './attributes.ts'
import { channelCount, channelKey, channelRows } from './channel-count.ts'
import { table, whereConditionHolds } from './table.ts'

/**
 * The channels table: key (topic, channel), and one item per topic that counts its channels. `most`:
 * channels of one topic.
 */
export function channels(
  client: DynamoDBClient,
  tableName: string,
  clock: Clock,
  most = MAX_CHANNELS,
): Channels {
  const { get, putIf, updateIf } = table(client, tableName)
  const count = channelCount(client, tableName, clock, most)

  return {
    async create(channel) {
      if (!(await count.take(channel.topic))) return false
      const condition = { ConditionExpression: 'attribute_not_exists(topic)' }
      if (await putIf(itemOf(channel), condition)) return true
      await count.giveBack(channel.topic)
      throw new Error('the id of a new channel is taken')
    },

    async find(topic, id) {
      const item = await get(channelKey(topic, id))
      return item && isOpen(item) ? channelOf(item) : undefined
    },

    async list(topic) {
      const open = (await channelRows(client, tableName, topic)).filter(isOpen)
      return open.map((item) => parsed(item, 'channel', parseChannelId))
    },

    async close(topic, id) {
      const closed = await updateIf(channelKey(topic, id), {
        UpdateExpression: 'SET closedAt = if_not_exists(closedAt, :now)',
        ConditionExpression: 'attribute_exists(topic)',
        ExpressionAttributeValues: { ':now': n(clock.now()) },
      })
      if (closed) await count.noteChange(topic)
      return closed !== undefined
    },

    async forget(topic, id) {
      const deletion = new DeleteItemCommand({
        TableName: tableName,
        Key: channelKey(topic, id),
        ConditionExpression: 'attribute_exists(closedAt)',
      })
      if (await whereConditionHolds(client.send(deletion))) await count.giveBack(topic)
    },
  }
}

function itemOf({ id, topic, storagePolicy, createdAt }: Channel): Item {
  return {
    ...channelKey(topic, id),
    storagePolicy: n(storagePolicy),
    createdAt: n(createdAt),
  }
}

/** A row of the table as the channel that it stands for; throws if it is malformed. */
export function channelOf(item: Item): Channel {
  const storagePolicy = parseStoragePolicy(number(item, 'storagePolicy'))
  if (storagePolicy === undefined)
    throw new Error('attribute storagePolicy of a stored item is malformed')
  return {
    id: parsed(item, 'channel', parseChannelId),
    topic: parsed(item, 'topic', parseTopic),
    storagePolicy,
    createdAt: number(item, 'createdAt'),
  }
}

/** Whether its deletion has not begun. */
export function isOpen({ closedAt }: Item): boolean {
  return closedAt === undefined
}
