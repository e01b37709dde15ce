import { hash } from 'node:crypto'
import { deflateRawSync, inflateRawSync } from 'node:zlib'
import { type DynamoDBClient, QueryCommand } from '@aws-sdk/client-dynamodb'
import { type Outcome, parseOutcomes, serializeOutcomes } from '@heliograph/core/outcome'
import type { Clock, Receipts } from '@heliograph/core/ports'
import { MAX_NAMESAKES } from '@heliograph/protocol/limits'
import { b, type Item, n, number, s, text } from './attributes.ts'
import { queryAll } from './query.ts'
import { table } from './table.ts'

/** Outcomes of one row, which has about 30 bytes for each; an item may have 400 kB. */
const MOST_OUTCOMES = 2_000
/** Rows that are written at the same time. */
const WIDTH = 50
/** Bytes that a row may unpack to; `MOST_OUTCOMES` need less. */
const MOST_BYTES = 4_000_000

/** Buckets of one id; all others are of a second. */
const BY_ID = 'id#'

const isBytes = (item: Item): boolean => item.outcomes?.B !== undefined

/**
 * The receipts table: key (bucketId, chunk). DynamoDB charges writes by the kB, and an outcome is
 * much smaller, so a row contains, packed, the outcomes of all notifications that were accepted in
 * the same second and arrived in the same batch. An id that this service generated contains its
 * second (a version 7 UUID), so no index is needed; for any other `apns-id`, a row `id#<apns-id>`
 * leads to the `apns-unique-id`.
 */
export function receipts(
  client: DynamoDBClient,
  tableName: string,
  clock: Clock,
  keptSeconds: number,
): Receipts {
  const { put } = table(client, tableName)
  return {
    ...receiptReader(client, tableName, clock),

    async write(outcomes) {
      const expiresAt = n(Math.floor(clock.now() / 1000) + keptSeconds)
      const rows = [...chunksOf(outcomes), ...pointersOf(outcomes)]
      for (let at = 0; at < rows.length; at += WIDTH)
        await Promise.all(rows.slice(at, at + WIDTH).map((row) => put({ ...row, expiresAt })))
    },
  }
}

/** For callers that only read. */
export function receiptReader(
  client: DynamoDBClient,
  tableName: string,
  clock: Clock,
): Pick<Receipts, 'find'> {
  const isLive = (item: Item) => number(item, 'expiresAt') * 1000 > clock.now()

  /** What leads to notifications is read in part: a provider may use one id for any number. */
  async function rowsOf(bucket: string): Promise<Item[]> {
    const query = ofBucket(tableName, bucket)
    if (!bucket.startsWith(BY_ID)) return (await queryAll(client, query)).filter(isLive)
    const newest = { ...query, Limit: MAX_NAMESAKES, ScanIndexForward: false }
    const { Items: items = [] } = await client.send(new QueryCommand(newest))
    return items.filter(isLive)
  }

  return {
    async find(given) {
      const id = given.toLowerCase()
      const pointers = (await rowsOf(BY_ID + id)).filter((item) => !isBytes(item))
      const uniqueIds = [id, ...pointers.map((item) => text(item, 'chunk'))]
      const rows = await Promise.all([...new Set(uniqueIds.map(bucketOf))].map(rowsOf))
      const isMeant = (outcome: Outcome) =>
        outcome.id.toLowerCase() === id || outcome.uniqueId === id
      return withoutCopies(rows.flat().flatMap(unpack).filter(isMeant))
    },
  }
}

function ofBucket(tableName: string, bucket: string) {
  return {
    TableName: tableName,
    KeyConditionExpression: 'bucketId = :bucket',
    ExpressionAttributeValues: { ':bucket': s(bucket) },
  }
}

/** The second in a version 7 UUID (RFC 9562 §5.7). Providers choose others, and an earlier version of this service made others. */
function bucketOf(id: string): string {
  if (id[14] !== '7') return BY_ID + id
  const milliseconds = Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)
  return `second#${Math.floor(milliseconds / 1000)}`
}

function chunksOf(outcomes: readonly Outcome[]): Item[] {
  const buckets = new Map<string, Outcome[]>()
  for (const outcome of outcomes) {
    const bucket = bucketOf(outcome.uniqueId)
    const own = buckets.get(bucket)
    if (own) own.push(outcome)
    else buckets.set(bucket, [outcome])
  }
  return [...buckets].flatMap(([bucket, own]) => {
    const items: Item[] = []
    for (let at = 0; at < own.length; at += MOST_OUTCOMES)
      items.push(pack(bucket, own.slice(at, at + MOST_OUTCOMES)))
    return items
  })
}

/** Named by its contents, so that the same written again is one row. */
function pack(bucket: string, outcomes: readonly Outcome[]): Item {
  const packed = deflateRawSync(serializeOutcomes(outcomes))
  const chunk = hash('sha256', packed, 'hex').slice(0, 22)
  return { bucketId: s(bucket), chunk: s(chunk), outcomes: b(packed) }
}

function unpack(item: Item): readonly Outcome[] {
  const packed = item.outcomes?.B
  if (!packed) return []
  const json = inflateRawSync(packed, { maxOutputLength: MOST_BYTES }).toString()
  const outcomes = parseOutcomes(json)
  if (!outcomes) throw new Error('a row of the receipts table is malformed')
  return outcomes
}

/** For the ids that do not lead to a bucket by themselves. */
function pointersOf(outcomes: readonly Outcome[]): Item[] {
  const chosen = outcomes.filter(
    ({ id, uniqueId }) => bucketOf(id.toLowerCase()) !== bucketOf(uniqueId),
  )
  const pointers = new Map(
    chosen.map(({ id, uniqueId }) => [
      `${id.toLowerCase()} ${uniqueId}`,
      { bucketId: s(BY_ID + id.toLowerCase()), chunk: s(uniqueId) },
    ]),
  )
  return [...pointers.values()]
}

/** What was written twice in different company is in two rows. */
function withoutCopies(outcomes: readonly Outcome[]): Outcome[] {
  return [...new Map(outcomes.map((outcome) => [JSON.stringify(outcome), outcome])).values()]
}
