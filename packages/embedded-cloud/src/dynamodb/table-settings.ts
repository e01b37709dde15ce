import type { Level } from './dynalite.ts'

/** What the embedded cloud knows of a table beyond dynalite; kept in the same store. */
export interface TableSettings {
  /** Names of the key attributes, hash key first. */
  readonly keyNames: readonly string[]
  /** Name of the attribute that holds the expiry in seconds since 1970; absent = time to live is off. */
  readonly ttlAttribute?: string
  readonly stream?: StreamSettings
}

export interface StreamSettings {
  readonly viewType: string
  /** The time the stream was made; the last part of its ARN. */
  readonly label: string
}

const prefix = 'settings~'

/** The settings of all tables, in memory and on disk. */
export class TableSettingsStore {
  readonly #db: Level
  readonly #tables = new Map<string, TableSettings>()

  constructor(db: Level) {
    this.#db = db
  }

  async load(): Promise<void> {
    const range = { gte: prefix, lt: `${prefix}\uffff` }
    for await (const [key, value] of this.#db.iterator(range)) {
      this.#tables.set(key.slice(prefix.length), value as TableSettings)
    }
  }

  get(table: string): TableSettings | undefined {
    return this.#tables.get(table)
  }

  entries(): Iterable<[string, TableSettings]> {
    return this.#tables.entries()
  }

  async set(table: string, settings: TableSettings): Promise<void> {
    await this.#db.put(prefix + table, settings)
    this.#tables.set(table, settings)
  }

  async delete(table: string): Promise<void> {
    this.#tables.delete(table)
    await this.#db.del(prefix + table)
  }
}
