import { createRequire } from 'node:module'

/**
 * dynalite without its HTTP server: the endpoint has read and routed the request already, and only
 * below the server can a write, its stream record and its expiry entry be one atomic batch. These are
 * inner modules of dynalite 4.0.0, which package.json pins.
 */

export type AttributeValue = Readonly<Record<string, unknown>>
/** An item or a key in DynamoDB's wire form: `{ name: { S: 'x' } }`. */
export type AttributeMap = Readonly<Record<string, AttributeValue>>
export type Json = Record<string, unknown>

export type Callback<T = void> = (error?: Error | null, value?: T) => void

export type Release = <A extends unknown[]>(
  done?: (...results: A) => void,
) => (...results: A) => void

/** One table's items, by dynalite's encoding of the key. */
export interface ItemDb {
  get(key: string, done: Callback<AttributeMap>): void
  put(key: string, item: AttributeMap, done: Callback): void
  del(key: string, done: Callback): void
  lock(key: string, work: (release: Release) => void): void
}

export type Operation =
  | { readonly type: 'put'; readonly key: string; readonly value: unknown }
  | { readonly type: 'del'; readonly key: string }

export interface Range {
  readonly gt?: string
  readonly gte?: string
  readonly lt?: string
  readonly lte?: string
  readonly limit?: number
  readonly reverse?: boolean
}

/** The LevelDB that holds everything: values are JSON, keys carry a prefix that ends in `~`. */
export interface Level {
  batch(operations: readonly Operation[]): Promise<void>
  put(key: string, value: unknown): Promise<void>
  del(key: string): Promise<void>
  clear(range: Range): Promise<void>
  /** Undefined when there is no such key. */
  getSync(key: string): unknown
  iterator(range: Range): AsyncIterable<[string, unknown]> & { all(): Promise<[string, unknown][]> }
  open(): Promise<void>
  close(): Promise<void>
}

/** What dynalite keeps of a table. */
export interface TableRecord {
  readonly TableName: string
  readonly TableStatus: string
  readonly KeySchema: readonly { AttributeName: string; KeyType: string }[]
  readonly AttributeDefinitions: readonly { AttributeName: string; AttributeType: string }[]
  readonly GlobalSecondaryIndexes?: readonly IndexRecord[]
  readonly LocalSecondaryIndexes?: readonly IndexRecord[]
}

export interface IndexRecord {
  readonly IndexName: string
  readonly KeySchema: readonly { AttributeName: string; KeyType: string }[]
  readonly Projection: unknown
}

export interface Store {
  readonly db: Level
  readonly tableDb: { awsAccountId: string; awsRegion: string }
  getItemDb(name: string): ItemDb
  getTable(
    name: string,
    checkStatus: boolean | Callback<TableRecord>,
    done?: Callback<TableRecord>,
  ): void
}

interface StoreOptions {
  readonly path?: string
  readonly createTableMs: number
  readonly deleteTableMs: number
  readonly updateTableMs: number
}

type Action = (store: Store, data: Json, done: Callback<Json>) => void
interface Validation {
  readonly types: object
  readonly custom?: unknown
}
interface Validations {
  checkTypes(data: unknown, types: object): Json
  checkValidations(data: Json, types: object, custom: unknown, store: Store): void
}

const load = createRequire(import.meta.url)
const database = load('dynalite/db') as { create(options: StoreOptions): Store }
const validations = load('dynalite/validations') as Validations

/** The operations that dynalite has, with the work and the checks of each. */
const operations = new Map(
  [
    'BatchGetItem',
    'BatchWriteItem',
    'CreateTable',
    'DeleteItem',
    'DeleteTable',
    'DescribeTable',
    'GetItem',
    'ListTables',
    'ListTagsOfResource',
    'PutItem',
    'Query',
    'Scan',
    'TagResource',
    'UntagResource',
    'UpdateItem',
    'UpdateTable',
  ].map((name) => {
    const file = name.charAt(0).toLowerCase() + name.slice(1)
    const work = load(`dynalite/actions/${file}`) as Action
    const validation = load(`dynalite/validations/${file}`) as Validation
    return [name, { work, ...validation }] as const
  }),
)

/** True for an operation that `perform` can do. */
export function isOperation(name: string): boolean {
  return operations.has(name)
}

/** Opens (or makes) the store; without a path it is in memory. */
export async function openStore(
  path: string | undefined,
  accountId: string,
  region: string,
): Promise<Store> {
  const at = path === undefined ? {} : { path }
  const store = database.create({ ...at, createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 })
  store.tableDb.awsAccountId = accountId
  store.tableDb.awsRegion = region
  await store.db.open()
  return store
}

/**
 * A view of the store that reads items in the calling thread. The asynchronous read costs a trip through
 * the thread pool and three callbacks, several times the read itself.
 */
export function withDirectReads(store: Store): Store {
  const view: Store = Object.create(store)
  const tables = new Map<string, ItemDb>()
  view.getItemDb = (name) => {
    const known = tables.get(name)
    if (known !== undefined) return known
    const direct: ItemDb = Object.create(store.getItemDb(name))
    direct.get = (key, done) =>
      done(null, store.db.getSync(`item-${name}~${key}`) as AttributeMap | undefined)
    tables.set(name, direct)
    return direct
  }
  return view
}

/** An error of DynamoDB's own, as dynalite makes them: its wire form and HTTP status. */
export class DynaliteError extends Error {
  readonly status: number
  readonly body: Json

  constructor(status: number, body: Json) {
    super(String(body.message ?? body.Message ?? body.__type))
    this.name = 'DynaliteError'
    this.status = status
    this.body = body
  }

  /** The error's name without its namespace. */
  get code(): string {
    const type = String(this.body.__type)
    return type.slice(type.indexOf('#') + 1)
  }
}

/** Does one operation on `store`, which may be a view of the real one; rejects with `DynaliteError`. */
export function perform(store: Store, name: string, input: unknown): Promise<Json> {
  return new Promise((resolve, reject) => {
    const operation = operations.get(name)
    if (operation === undefined) throw new Error(`dynalite has no operation ${name}.`)
    try {
      const data = validations.checkTypes(input, operation.types)
      validations.checkValidations(data, operation.types, operation.custom, store)
      operation.work(store, data, (error, output) =>
        error ? reject(ownError(error)) : resolve(output ?? {}),
      )
    } catch (error) {
      reject(ownError(error))
    }
  })
}

function ownError(error: unknown): unknown {
  const { statusCode, body } = error as { statusCode?: number; body?: Json }
  return statusCode === undefined || body === undefined
    ? error
    : new DynaliteError(statusCode, body)
}
