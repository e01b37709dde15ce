import type { Environment } from './environment.ts'

/** Something kept until a time, by the name of its table and its key there. */
type ExpiryKey = [expiresAtSeconds: number, table: string, ...key: string[]]

/** What is removed silently when it expires: feedback, claims, codes. */
export interface Expiries {
  /** Notes within a transaction that the row goes at that second. */
  note(expiresAt: number, table: string, key: readonly string[]): void
  /** Removes at most `limit` expired rows; returns how many. */
  sweep(nowMs: number, limit: number): Promise<number>
}

/**
 * A note does not bind: a row that was written again lives on until its own time, which `isOver` reads
 * from it.
 */
export function expiriesIn(environment: Environment): Expiries {
  const notes = environment.table<number, ExpiryKey>('expiries')
  const row = (table: string) =>
    environment.table<{ readonly expiresAt: number }, string | string[]>(table)
  return {
    note(expiresAt, table, key) {
      notes.put([expiresAt, table, ...key], 1)
    },

    sweep: (nowMs, limit) =>
      environment.change(() => {
        const now = Math.floor(nowMs / 1000)
        const end = [now + 1] as unknown as ExpiryKey
        const due = [...notes.getKeys({ end, limit })]
        for (const note of due) {
          const [, name, ...key] = note
          const place = key.length === 1 ? (key[0] as string) : key
          const found = row(name).get(place)
          if (found && found.expiresAt <= now) row(name).remove(place)
          notes.remove(note)
        }
        return due.length
      }),
  }
}
