import type { AttributeMap, Level, Operation } from './dynalite.ts'
import { pick } from './stream.ts'

/**
 * Time to live. Every item that has an expiry has an entry under `ttl-<table>~<expiry>~<key>`, written
 * in the same batch as the item, so a sweep reads what is due and not the whole table.
 */

/** ddb:howitworks-ttl: what expired more than five years ago is never deleted. */
const oldestSeconds = 5 * 365 * 24 * 60 * 60

export interface Due {
  readonly entryKey: string
  readonly key: AttributeMap
}

/** The expiry of an item in whole seconds since 1970; undefined when it has no expiry that counts. */
function expiryOf(item: AttributeMap | undefined, attribute: string): number | undefined {
  const number = item?.[attribute]?.N
  if (typeof number !== 'string') return undefined
  const seconds = Math.floor(Number(number))
  return seconds > 0 && seconds < 1e12 ? seconds : undefined
}

/** What a write must do to the expiry entries. */
export function expiryOperations(
  table: string,
  attribute: string,
  keyNames: readonly string[],
  storeKey: string,
  before: AttributeMap | undefined,
  after: AttributeMap | undefined,
): Operation[] {
  const old = expiryOf(before, attribute)
  const next = expiryOf(after, attribute)
  if (old === next) return []
  const operations: Operation[] = []
  if (old !== undefined) operations.push({ type: 'del', key: entryKey(table, old, storeKey) })
  if (next !== undefined && after !== undefined) {
    const key = entryKey(table, next, storeKey)
    operations.push({ type: 'put', key, value: pick(after, keyNames) })
  }
  return operations
}

/** Items whose expiry lies before `nowMs`, the earliest first. */
export async function dueItems(
  db: Level,
  table: string,
  nowMs: number,
  limit: number,
): Promise<Due[]> {
  const now = nowMs / 1000
  const gte = entryKey(table, Math.max(0, Math.ceil(now - oldestSeconds)), '')
  const lt = entryKey(table, Math.ceil(now), '')
  const rows = await db.iterator({ gte, lt, limit }).all()
  return rows.map(([key, value]) => ({ entryKey: key, key: value as AttributeMap }))
}

/** Makes the entries of a table that had items before its time to live was switched on. */
export async function indexExpiries(
  db: Level,
  table: string,
  attribute: string,
  keyNames: readonly string[],
): Promise<void> {
  const prefix = `item-${table}~`
  let operations: Operation[] = []
  for await (const [key, item] of db.iterator({ gte: prefix, lt: `${prefix}\uffff` })) {
    const storeKey = key.slice(prefix.length)
    const after = item as AttributeMap
    operations.push(...expiryOperations(table, attribute, keyNames, storeKey, undefined, after))
    if (operations.length < 500) continue
    await db.batch(operations)
    operations = []
  }
  await db.batch(operations)
}

/** Forgets all expiries of a table. */
export function clearExpiries(db: Level, table: string): Promise<void> {
  return db.clear({ gte: `ttl-${table}~`, lt: `ttl-${table}~\uffff` })
}

function entryKey(table: string, seconds: number, storeKey: string): string {
  return `ttl-${table}~${String(seconds).padStart(12, '0')}~${storeKey}`
}
