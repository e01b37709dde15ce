import { AwsError } from '../answer.ts'
import type { CloudIdentity } from '../types.ts'
import {
  type Callback,
  DynaliteError,
  type IndexRecord,
  type Json,
  perform,
  type Store,
  type TableRecord,
  withDirectReads,
} from './dynalite.ts'
import { clearExpiries, indexExpiries } from './expiry.ts'
import type { Journal } from './journal.ts'
import { tableArn } from './permissions.ts'
import type { StreamSettings, TableSettings, TableSettingsStore } from './table-settings.ts'

/** Properties of AWS::DynamoDB::Table with every intrinsic resolved. */
export interface TableProperties {
  readonly TableName: string
  readonly KeySchema: readonly { AttributeName: string; KeyType: string }[]
  readonly AttributeDefinitions: readonly { AttributeName: string; AttributeType: string }[]
  readonly BillingMode?: string
  readonly ProvisionedThroughput?: object
  readonly GlobalSecondaryIndexes?: readonly object[]
  readonly LocalSecondaryIndexes?: readonly object[]
  readonly StreamSpecification?: { readonly StreamViewType: string }
  readonly TimeToLiveSpecification?: { readonly AttributeName?: string; readonly Enabled: boolean }
}

export interface TablesOptions {
  readonly store: Store
  readonly settings: TableSettingsStore
  readonly journal: Journal
  readonly identity: CloudIdentity
  now(): number
}

/** Makes, changes and removes tables with what dynalite leaves out: streams and time to live. */
export class Tables {
  /** A view of the store for item operations, which reads a table's record once and not every time. */
  readonly itemStore: Store
  readonly #options: TablesOptions
  readonly #records = new Map<string, TableRecord>()

  constructor(options: TablesOptions) {
    this.#options = options
    this.itemStore = withDirectReads(options.store)
    this.itemStore.getTable = (name, checkStatus, done) =>
      typeof checkStatus === 'function'
        ? this.#getTable(name, false, checkStatus)
        : this.#getTable(name, checkStatus, done as Callback<TableRecord>)
  }

  /** Makes a table, or finds the one that an earlier run made and brings its settings up to date. */
  async ensure(properties: TableProperties): Promise<void> {
    const existing = await this.record(properties.TableName)
    if (existing === undefined) await this.create(properties)
    else refuseOtherShape(existing, properties)
    await this.#ensureStream(properties)
    const { AttributeName, Enabled = false } = properties.TimeToLiveSpecification ?? {}
    await this.setTimeToLive(properties.TableName, Enabled ? AttributeName : undefined)
  }

  async create(input: object): Promise<Json> {
    const properties = input as TableProperties
    const output = await perform(this.#options.store, 'CreateTable', tableInput(properties))
    const name = properties.TableName
    while ((await this.record(name))?.TableStatus !== 'ACTIVE') await nextTick()
    const keyNames = properties.KeySchema.map((key) => key.AttributeName)
    await this.#options.settings.set(name, { keyNames })
    return output
  }

  async delete(name: string): Promise<Json> {
    const { store, settings, journal } = this.#options
    const output = await perform(store, 'DeleteTable', { TableName: name })
    this.#records.delete(name)
    while ((await this.record(name)) !== undefined) await nextTick()
    await settings.delete(name)
    await journal.drop(name)
    await clearExpiries(store.db, name)
    return output
  }

  /** Runs an operation on a table that dynalite knows, and forgets what was cached about it. */
  async change(operation: string, input: Json): Promise<Json> {
    this.#records.delete(String(input.TableName))
    return perform(this.#options.store, operation, input)
  }

  /** Undefined when there is no such table. */
  async record(name: string): Promise<TableRecord | undefined> {
    try {
      const { Table } = await perform(this.#options.store, 'DescribeTable', { TableName: name })
      return Table as TableRecord
    } catch (error) {
      if (error instanceof DynaliteError && error.code === 'ResourceNotFoundException') return
      throw error
    }
  }

  /** The settings of a table; throws ResourceNotFoundException when there is no such table. */
  settingsOf(name: string): TableSettings {
    const settings = this.#options.settings.get(name)
    if (settings !== undefined) return settings
    throw new AwsError(
      'ResourceNotFoundException',
      `Requested resource not found: Table: ${name} not found`,
    )
  }

  /** Switches time to live on for `attribute`, or off. */
  async setTimeToLive(name: string, attribute: string | undefined): Promise<void> {
    const { ttlAttribute, ...settings } = this.settingsOf(name)
    if (attribute === ttlAttribute) return
    const { db } = this.#options.store
    await clearExpiries(db, name)
    if (attribute === undefined) return this.#options.settings.set(name, settings)
    // Written from now on first, so that no item slips between the two.
    await this.#options.settings.set(name, { ...settings, ttlAttribute: attribute })
    await indexExpiries(db, name, attribute, settings.keyNames)
  }

  /** Switches the stream on with the given images, or off. */
  async setStream(name: string, viewType: string | undefined): Promise<void> {
    const { stream, ...settings } = this.settingsOf(name)
    if (viewType === stream?.viewType) return
    if (stream !== undefined) await this.#options.journal.drop(name)
    if (viewType === undefined) return this.#options.settings.set(name, settings)
    const label = new Date(this.#options.now()).toISOString().slice(0, -1)
    await this.#options.journal.load(name)
    await this.#options.settings.set(name, { ...settings, stream: { viewType, label } })
  }

  /** The ARN of a table's stream; undefined when it has no stream. */
  streamArn(name: string): string | undefined {
    const stream = this.#options.settings.get(name)?.stream
    return stream === undefined ? undefined : this.arnOf(name, stream)
  }

  arnOf(name: string, { label }: StreamSettings): string {
    return `${tableArn(this.#options.identity, name)}/stream/${label}`
  }

  async #ensureStream({ TableName, StreamSpecification }: TableProperties): Promise<void> {
    await this.setStream(TableName, StreamSpecification?.StreamViewType)
  }

  #getTable(name: string, checkStatus: boolean, done: Callback<TableRecord>): void {
    const known = this.#records.get(name)
    if (known !== undefined) {
      done(null, known)
      return
    }
    this.#options.store.getTable(name, checkStatus, (error, table) => {
      if (table?.TableStatus === 'ACTIVE') this.#records.set(name, table)
      done(error, table)
    })
  }
}

function tableInput(properties: TableProperties): Json {
  const { TableName, KeySchema, AttributeDefinitions, BillingMode } = properties
  const { ProvisionedThroughput, GlobalSecondaryIndexes, LocalSecondaryIndexes } = properties
  return {
    TableName,
    KeySchema,
    AttributeDefinitions,
    ...(ProvisionedThroughput === undefined
      ? { BillingMode: BillingMode ?? 'PAY_PER_REQUEST' }
      : { ProvisionedThroughput }),
    ...(GlobalSecondaryIndexes?.length ? { GlobalSecondaryIndexes } : {}),
    ...(LocalSecondaryIndexes?.length ? { LocalSecondaryIndexes } : {}),
  }
}

function refuseOtherShape(existing: TableRecord, wanted: TableProperties): void {
  const shape = shapeOf(existing)
  const other = shapeOf(wanted as unknown as TableRecord)
  if (shape === other) return
  throw new Error(
    `The table ${wanted.TableName} on disk has another shape (${shape}) than the template (${other}); begin with an empty state directory.`,
  )
}

/** Keys and indexes of a table as one comparable line, with the types of the attributes they use. */
function shapeOf(table: TableRecord): string {
  const types = new Map(
    table.AttributeDefinitions.map((each) => [each.AttributeName, each.AttributeType]),
  )
  const keys = (schema: TableRecord['KeySchema']) =>
    schema.map((key) => `${key.AttributeName}:${types.get(key.AttributeName)}`).join(',')
  const indexes = (records: readonly IndexRecord[] | undefined) =>
    (records ?? []).map((index) => `${index.IndexName}(${keys(index.KeySchema)})`)
  const all = [...indexes(table.GlobalSecondaryIndexes), ...indexes(table.LocalSecondaryIndexes)]
  return [keys(table.KeySchema), ...all.sort()].join(' ')
}

function nextTick(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
