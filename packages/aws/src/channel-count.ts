import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { Clock } from '@heliograph/core/ports'
import type { ChannelId, Topic } from '@heliograph/protocol/identifiers'
import { type Item, n, number, s } from './attributes.ts'
import { queryAll } from './query.ts'
import { table } from './table.ts'

/** The sort key of the item that counts a topic's channels; it sorts before every channel. */
const COUNT = '#'

/** So long after the last creation or deletion none of them is in between its two changes. */
const QUIET_MS = 60_000

/** How many channels a topic has. */
export interface ChannelCount {
  /** Counts one more, before it is there; false if the topic has no room. */
  take(topic: Topic): Promise<boolean>
  giveBack(topic: Topic): Promise<void>
  /** A deletion has begun, which will give back. */
  noteChange(topic: Topic): Promise<void>
}

export function channelKey(topic: Topic, channel: ChannelId | typeof COUNT): Item {
  return { topic: s(topic), channel: s(channel) }
}

/** The key and `closedAt` of each of a topic's channels, read consistently. */
export function channelRows(
  client: DynamoDBClient,
  tableName: string,
  topic: Topic,
): Promise<Item[]> {
  return queryAll(client, {
    TableName: tableName,
    KeyConditionExpression: 'topic = :topic AND channel > :count',
    ProjectionExpression: 'channel, closedAt',
    ExpressionAttributeValues: { ':topic': s(topic), ':count': s(COUNT) },
    ConsistentRead: true,
  })
}

/**
 * One item per topic. A crash between the two changes of a creation or a deletion counts one channel
 * too many, so a full topic is counted afresh, once a minute at most and while nothing changes.
 */
export function channelCount(
  client: DynamoDBClient,
  tableName: string,
  clock: Clock,
  most: number,
): ChannelCount {
  const { update, updateIf } = table(client, tableName)
  const keyOf = (topic: Topic) => channelKey(topic, COUNT)

  async function add(topic: Topic): Promise<boolean> {
    const added = await updateIf(keyOf(topic), {
      UpdateExpression: 'ADD held :one SET changedAt = :now',
      ConditionExpression: 'attribute_not_exists(held) OR held < :most',
      ExpressionAttributeValues: { ':one': n(1), ':most': n(most), ':now': n(clock.now()) },
    })
    return added !== undefined
  }

  /** Says whether it corrected the count. */
  async function recount(topic: Topic): Promise<boolean> {
    const now = clock.now()
    const seen = await updateIf(keyOf(topic), {
      UpdateExpression: 'SET countedAt = :now',
      ConditionExpression:
        'changedAt <= :longAgo AND (attribute_not_exists(countedAt) OR countedAt <= :longAgo)',
      ExpressionAttributeValues: { ':now': n(now), ':longAgo': n(now - QUIET_MS) },
    })
    if (!seen) return false
    const counted = (await channelRows(client, tableName, topic)).length
    if (counted >= number(seen, 'held')) return false
    const corrected = await updateIf(keyOf(topic), {
      UpdateExpression: 'SET held = :counted',
      ConditionExpression: 'changedAt = :changedAt',
      ExpressionAttributeValues: {
        ':counted': n(counted),
        ':changedAt': n(number(seen, 'changedAt')),
      },
    })
    return corrected !== undefined
  }

  return {
    take: async (topic) => (await add(topic)) || ((await recount(topic)) && (await add(topic))),

    async giveBack(topic) {
      await updateIf(keyOf(topic), {
        UpdateExpression: 'ADD held :less',
        ConditionExpression: 'held > :none',
        ExpressionAttributeValues: { ':less': n(-1), ':none': n(0) },
      })
    },

    async noteChange(topic) {
      await update(keyOf(topic), {
        UpdateExpression: 'SET changedAt = :now',
        ExpressionAttributeValues: { ':now': n(clock.now()) },
      })
    },
  }
}
