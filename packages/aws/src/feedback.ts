import { type DynamoDBClient, QueryCommand } from '@aws-sdk/client-dynamodb'
import type { Clock, Feedback, FeedbackRow, Ids } from '@heliograph/core/ports'
import { parseDeviceToken, parseNotificationId, parseSeq } from '@heliograph/protocol/identifiers'
import { FEEDBACK_DAYS } from '@heliograph/protocol/limits'
import { type Item, n, number, parsed, s } from './attributes.ts'
import { table } from './table.ts'

/** The sort key of the items that record what has been written, under `written#<cause>`. */
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

  const { get, put } = table(client, tableName)
  const keep = (item: Item) => put({ ...item, expiresAt: expiresAt() })

  return {
    async write(topic, cause, entry) {
      if (await get(markKey(cause))) return
      await keep({
        topic: s(topic),
        entry: s(ids.seq(clock.now())),
        timestamp: n(entry.timestamp),
        reason: s(entry.reason),
        ...(entry.reason === 'Unregistered' ? { token: s(entry.token) } : { id: s(entry.id) }),
      })
      await keep(markKey(cause))
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

/**
 * Rows of lost notifications written by an earlier version also contain a token, which is not read.
 */
function rowOf(item: Item): FeedbackRow {
  const entry = parsed(item, 'entry', parseSeq)
  const timestamp = number(item, 'timestamp')
  const reason = parsed(item, 'reason', reasonOf)
  return reason === 'Unregistered'
    ? { entry, timestamp, reason, token: parsed(item, 'token', parseDeviceToken) }
    : { entry, timestamp, reason, id: parsed(item, 'id', parseNotificationId) }
}

const reasons = [
  'Unregistered',
  'Expired',
  'Undeliverable',
] as const satisfies readonly FeedbackRow['reason'][]

function reasonOf(value: string): FeedbackRow['reason'] | undefined {
  return reasons.find((reason) => reason === value)
}
