import type { Environment } from './environment.ts'

/** A row that expires: the name of its table, and its key there. */
export type ExpiringKey = readonly [table: string, ...key: string[]]

type NoteKey = [expiresAtSeconds: number, ...first: ExpiringKey]

/** The other rows that go at the same second; 1 in format 1, which had a note for each row. */
type Note = readonly ExpiringKey[] | 1

/** What is removed silently when it expires: feedback, claims, codes, receipts. */
export interface Expiries {
  /** Notes within a transaction that the row goes at that second. */
  note(expiresAt: number, table: string, key: readonly string[]): void
  /** The same for many rows, in one note. */
  noteAll(expiresAt: number, rows: readonly ExpiringKey[]): void
  /** Removes at most `limit` expired rows, and those that share a note with the last; returns how many. */
  sweep(nowMs: number, limit: number): Promise<number>
}

/**
 * A note does not bind: a row that was written again lives on until its own time, which `isOver` reads
 * from it.
 */
export function expiriesIn(environment: Environment): Expiries {
  const notes = environment.table<Note, NoteKey>('expiries')
  const tableOf = (name: string) =>
    environment.table<{ readonly expiresAt: number }, string | string[]>(name)

  function removeIfOver([table, ...key]: ExpiringKey, now: number): void {
    const place = key.length === 1 ? (key[0] as string) : key
    const found = tableOf(table).get(place)
    if (found && found.expiresAt <= now) tableOf(table).remove(place)
  }

  /** A note that has the same first row is of the same second: it stands for these rows too. */
  function put(expiresAt: number, [first, ...others]: readonly ExpiringKey[]): void {
    if (!first) return
    const key: NoteKey = [expiresAt, ...first]
    const known = notes.get(key)
    notes.put(key, known && known !== 1 ? [...known, ...others] : others)
  }

  /** Notes that are due, until they name `limit` rows. */
  function due(now: number, limit: number): (readonly [NoteKey, readonly ExpiringKey[]])[] {
    const found: [NoteKey, readonly ExpiringKey[]][] = []
    let count = 0
    for (const { key, value } of notes.getRange({ end: [now + 1] as unknown as NoteKey })) {
      if (count >= limit) break
      const [, ...first] = key
      const rows = value === 1 ? [first] : [first, ...value]
      found.push([key, rows])
      count += rows.length
    }
    return found
  }

  return {
    note: (expiresAt, table, key) => put(expiresAt, [[table, ...key]]),
    noteAll: put,

    sweep: (nowMs, limit) =>
      environment.change(() => {
        const now = Math.floor(nowMs / 1000)
        const found = due(now, limit)
        for (const [note, rows] of found) {
          for (const row of rows) removeIfOver(row, now)
          notes.remove(note)
        }
        return found.reduce((count, [, rows]) => count + rows.length, 0)
      }),
  }
}
