import type { AttributeMap, Callback, ItemDb, Operation, Release, Store } from './dynalite.ts'
import { expiryOperations } from './expiry.ts'
import type { Journal } from './journal.ts'
import { changeOf, type UserIdentity } from './stream.ts'
import type { TableSettings, TableSettingsStore } from './table-settings.ts'

export interface ObservedParts {
  readonly settings: TableSettingsStore
  readonly journal: Journal
  now(): number
}

export interface Observation {
  /** Stands in the stream records of this write. */
  readonly userIdentity?: UserIdentity
  /** Hears the item that the write's condition is checked against. */
  onRead?(item: AttributeMap | undefined): void
}

/**
 * A view of the store for one write request. It puts the stream record and the expiry entry of a
 * write into one batch with the item, under the lock that dynalite holds on the item's key.
 */
export function observedStore(store: Store, parts: ObservedParts, observation: Observation): Store {
  const view: Store = Object.create(store)
  view.getItemDb = (table) => new ObservedItemDb(store, table, parts, observation)
  return view
}

/** dynalite asks for one of these for every item it writes. */
class ObservedItemDb implements ItemDb {
  readonly #store: Store
  readonly #items: ItemDb
  readonly #table: string
  readonly #parts: ObservedParts
  readonly #observation: Observation
  #before: AttributeMap | undefined

  constructor(store: Store, table: string, parts: ObservedParts, observation: Observation) {
    this.#store = store
    this.#items = store.getItemDb(table)
    this.#table = table
    this.#parts = parts
    this.#observation = observation
  }

  lock(key: string, work: (release: Release) => void): void {
    this.#items.lock(key, work)
  }

  get(key: string, done: Callback<AttributeMap>): void {
    this.#items.get(key, (error, item) => {
      this.#before = item
      this.#observation.onRead?.(item)
      done(error, item)
    })
  }

  put(key: string, item: AttributeMap, done: Callback): void {
    const settings = this.#parts.settings.get(this.#table)
    const operation = { type: 'put', key: this.#fullKey(key), value: item } as const
    if (isObserved(settings)) this.#write(operation, key, item, settings, done)
    else this.#items.put(key, item, done)
  }

  del(key: string, done: Callback): void {
    const settings = this.#parts.settings.get(this.#table)
    const operation = { type: 'del', key: this.#fullKey(key) } as const
    if (isObserved(settings)) this.#write(operation, key, undefined, settings, done)
    else this.#items.del(key, done)
  }

  #write(
    operation: Operation,
    key: string,
    after: AttributeMap | undefined,
    settings: TableSettings,
    done: Callback,
  ): void {
    const operations = [operation, ...this.#expiryOperations(key, after, settings)]
    const entry = this.#journalEntry(after, settings)
    if (entry !== undefined) operations.push(entry.operation)
    this.#store.db
      .batch(operations)
      .finally(() => entry?.written())
      .then(() => done(null), done)
  }

  #expiryOperations(
    key: string,
    after: AttributeMap | undefined,
    { ttlAttribute, keyNames }: TableSettings,
  ): Operation[] {
    if (ttlAttribute === undefined) return []
    return expiryOperations(this.#table, ttlAttribute, keyNames, key, this.#before, after)
  }

  #journalEntry(after: AttributeMap | undefined, { stream, keyNames }: TableSettings) {
    if (stream === undefined) return undefined
    const { now, journal } = this.#parts
    const { userIdentity } = this.#observation
    const change = changeOf(this.#before, after, keyNames, stream.viewType, now(), userIdentity)
    return change === undefined ? undefined : journal.append(this.#table, change)
  }

  #fullKey(key: string): string {
    return `item-${this.#table}~${key}`
  }
}

function isObserved(settings: TableSettings | undefined): settings is TableSettings {
  return settings?.stream !== undefined || settings?.ttlAttribute !== undefined
}
