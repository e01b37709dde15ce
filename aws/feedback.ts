import {
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
} from '@aws-sdk/client-dynamodb'
import { FEEDBACK_DAYS } from '../core/feedback.ts'
import type { DeviceToken, NotificationId, Seq } from '../core/identifiers.ts'
import type { Clock, Feedback, FeedbackReason, FeedbackRow, Ids } from '../core/ports.ts'
import { defined, type Item, n, number, optionalText, s, text } from './attributes.ts'

/** The sort key of the items that remember what has been written, under `written#<cause>`. */
const MARK = '-'

/**
 * The feedback table: key (topic, entry), entry = ULID of the moment of writing, TTL 30 days. The
 * mark that makes a write happen once comes after it: a crash in between repeats an entry, and
 * never loses one.
 */
export function feedback(
  client: DynamoDBClient,
  tableName: string,
  clock: Clock,
  ids: Ids,
): Feedback {
  const expiresAt = () => n(Math.floor(clock.now() / 1000) + FEEDBACK_DAYS * 24 * 3600)
  const markKey = (cause: string): Item => ({ topic: s(`written#${cause}`), entry: s(MARK) })

  async function put(item: Item): Promise<void> {
    await client.send(
      new PutItemCommand({ TableName: tableName, Item: { ...item, expiresAt: expiresAt() } }),
    )
  }

  return {
    async write(topic, cause, { token, timestamp, reason, id }) {
      const { Item: written } = await client.send(
        new GetItemCommand({ TableName: tableName, Key: markKey(cause), ConsistentRead: true }),
      )
      if (written) return
      await put({
        topic: s(topic),
        entry: s(ids.seq(clock.now())),
        token: s(token),
        timestamp: n(timestamp),
        reason: s(reason),
        ...(id ? { id: s(id) } : {}),
      })
      await put(markKey(cause))
    },

    async read(topic, after, limit) {
      const { Items: items = [] } = await client.send(
        new QueryCommand({
          TableName: tableName,
          KeyConditionExpression: 'topic = :topic AND entry > :after',
          ExpressionAttributeValues: { ':topic': s(topic), ':after': s(after ?? MARK) },
          ConsistentRead: true,
          Limit: limit,
        }),
      )
      return items.map(rowOf)
    },
  }
}

function rowOf(item: Item): FeedbackRow {
  return defined({
    entry: text(item, 'entry') as Seq,
    token: text(item, 'token') as DeviceToken,
    timestamp: number(item, 'timestamp'),
    reason: text(item, 'reason') as FeedbackReason,
    id: optionalText(item, 'id') as NotificationId | undefined,
  }) as FeedbackRow
}
