import type { Level, Operation } from './dynalite.ts'
import type { Change } from './stream.ts'

/**
 * The stream records that some consumer has not yet processed. An entry is written in the same
 * atomic batch as its item, so neither a restart nor a kill loses one; it is removed once every
 * known consumer has passed it, or after 24 hours as in DynamoDB.
 */

export interface Entry {
  readonly sequence: number
  readonly change: Change
}

/** ddb:Streams: records are kept for 24 hours. */
const retentionMs = 24 * 60 * 60 * 1000

interface TableJournal {
  next: number
  /** Sequences given out whose batch is not yet on disk, ascending. */
  readonly open: Set<number>
  /** The last sequence each consumer has dealt with. */
  readonly positions: Map<string, number>
  readonly waiting: Set<() => void>
  trimmed: number
}

export class Journal {
  readonly #db: Level
  readonly #now: () => number
  readonly #tables = new Map<string, TableJournal>()

  constructor(db: Level, now: () => number) {
    this.#db = db
    this.#now = now
  }

  /** Takes up what an earlier run left. */
  async load(table: string): Promise<void> {
    const positions = new Map<string, number>()
    const prefix = positionPrefix(table)
    for await (const [key, value] of this.#db.iterator(rangeOf(prefix))) {
      positions.set(key.slice(prefix.length), value as number)
    }
    const [last] = await this.#db
      .iterator({ ...rangeOf(entryPrefix(table)), reverse: true, limit: 1 })
      .all()
    const lastEntry = last === undefined ? 0 : sequenceOf(last[0])
    const next = Math.max(lastEntry, ...positions.values()) + 1
    this.#tables.set(table, { next, open: new Set(), positions, waiting: new Set(), trimmed: 0 })
    await this.#dropOld(table)
  }

  /** Forgets a table and its entries. */
  async drop(table: string): Promise<void> {
    this.#tables.delete(table)
    await this.#db.clear(rangeOf(entryPrefix(table)))
    await this.#db.clear(rangeOf(positionPrefix(table)))
  }

  /** The batch operation that notes a change; `written` must follow when the batch has ended. */
  append(table: string, change: Change): { operation: Operation; written(): void } {
    const journal = this.#of(table)
    const sequence = journal.next
    journal.next += 1
    journal.open.add(sequence)
    return {
      operation: { type: 'put', key: entryKey(table, sequence), value: change },
      written: () => {
        journal.open.delete(sequence)
        this.wake(table)
      },
    }
  }

  /**
   * How far a consumer has come; one that is new starts before the oldest entry, or after the newest. From
   * here on it is known: nothing is dropped that it has not passed, also after a restart.
   */
  async position(
    table: string,
    consumer: string,
    start: 'TRIM_HORIZON' | 'LATEST',
  ): Promise<number> {
    const journal = this.#of(table)
    const known = journal.positions.get(consumer)
    if (known !== undefined) return known
    const position = start === 'LATEST' ? journal.next - 1 : 0
    journal.positions.set(consumer, position)
    await this.#db.put(positionPrefix(table) + consumer, position)
    return position
  }

  /** The entries after `position`, oldest first; never one with an unwritten one before it. */
  async read(table: string, position: number, limit: number): Promise<Entry[]> {
    const journal = this.#of(table)
    const [firstOpen = journal.next] = journal.open
    if (firstOpen <= position + 1) return []
    const range = { gt: entryKey(table, position), lt: entryKey(table, firstOpen), limit }
    const rows = await this.#db.iterator(range).all()
    return rows.map(([key, value]) => ({ sequence: sequenceOf(key), change: value as Change }))
  }

  /** Moves a consumer on and drops what no consumer needs any more. */
  async acknowledge(table: string, consumer: string, sequence: number): Promise<void> {
    const journal = this.#of(table)
    journal.positions.set(consumer, sequence)
    await this.#db.put(positionPrefix(table) + consumer, sequence)
    const passed = Math.min(...journal.positions.values())
    if (passed > journal.trimmed) await this.#trim(table, journal, passed)
  }

  /** Resolves at the next write to the table, or when `wake` is called. */
  change(table: string): Promise<void> {
    return new Promise((resolve) => this.#of(table).waiting.add(resolve))
  }

  wake(table: string): void {
    const waiting = this.#tables.get(table)?.waiting
    if (waiting === undefined || waiting.size === 0) return
    const resolves = [...waiting]
    waiting.clear()
    for (const resolve of resolves) resolve()
  }

  async #trim(table: string, journal: TableJournal, passed: number): Promise<void> {
    const range = { gt: entryKey(table, journal.trimmed), lte: entryKey(table, passed) }
    journal.trimmed = passed
    await this.#db.clear(range)
  }

  async #dropOld(table: string): Promise<void> {
    const oldest = this.#now() - retentionMs
    for await (const [key, value] of this.#db.iterator(rangeOf(entryPrefix(table)))) {
      if ((value as Change).at >= oldest) return
      await this.#db.del(key)
    }
  }

  #of(table: string): TableJournal {
    const journal = this.#tables.get(table)
    if (journal === undefined) throw new Error(`The table ${table} has no stream.`)
    return journal
  }
}

function entryPrefix(table: string): string {
  return `stream-${table}~`
}

function positionPrefix(table: string): string {
  return `position-${table}~`
}

function entryKey(table: string, sequence: number): string {
  return entryPrefix(table) + String(sequence).padStart(16, '0')
}

function sequenceOf(key: string): number {
  return Number(key.slice(key.indexOf('~') + 1))
}

function rangeOf(prefix: string): { gte: string; lt: string } {
  return { gte: prefix, lt: `${prefix}\uffff` }
}
