import { AwsError } from '../answer.ts'
import type { CloudIdentity } from '../types.ts'
import { type AttributeMap, DynaliteError, isOperation, type Json, perform } from './dynalite.ts'
import type { Journal } from './journal.ts'
import { type Observation, observedStore } from './observed-store.ts'
import { tableName } from './permissions.ts'
import type { TableSettingsStore } from './table-settings.ts'
import type { Tables } from './tables.ts'

export interface OperationParts {
  readonly tables: Tables
  readonly settings: TableSettingsStore
  readonly journal: Journal
  readonly identity: CloudIdentity
  now(): number
}

type Operation = (parts: OperationParts, input: Json) => Promise<Json>

/** What dynalite does not do at all, or not as DynamoDB does; everything else goes to it unchanged. */
const own: Readonly<Record<string, Operation>> = {
  CreateTable: createTable,
  DeleteTable: ({ tables }, input) => tables.delete(String(input.TableName)),
  DescribeTable: describeTable,
  UpdateTable: updateTable,
  DescribeTimeToLive: describeTimeToLive,
  UpdateTimeToLive: updateTimeToLive,
  PutItem: (parts, input) => write(parts, 'PutItem', input),
  UpdateItem: (parts, input) => write(parts, 'UpdateItem', input),
  DeleteItem: (parts, input) => write(parts, 'DeleteItem', input),
  BatchWriteItem: (parts, input) => write(parts, 'BatchWriteItem', input),
}

/** Does one operation of the DynamoDB API; rejects with `AwsError` or `DynaliteError`. */
export async function operate(parts: OperationParts, name: string, input: Json): Promise<Json> {
  const plain = withTableNames(input)
  const ours = own[name]
  if (ours !== undefined) return ours(parts, plain)
  if (isOperation(name)) return perform(parts.tables.itemStore, name, plain)
  throw new AwsError(
    'UnknownOperationException',
    `The embedded DynamoDB does not have the operation ${name}.`,
  )
}

/** The API takes ARNs in place of table names; dynalite does not. */
function withTableNames(input: Json): Json {
  const { TableName } = input
  if (typeof TableName !== 'string' || !TableName.startsWith('arn:')) return input
  return { ...input, TableName: tableName(TableName) }
}

/** A write of items, with its stream records and expiry entries. */
export async function write(
  parts: OperationParts,
  name: string,
  input: Json,
  observation: Omit<Observation, 'onRead'> = {},
): Promise<Json> {
  let seen: AttributeMap | undefined
  const returnsOld = input.ReturnValuesOnConditionCheckFailure === 'ALL_OLD'
  const onRead = (item: AttributeMap | undefined): void => {
    seen = item
  }
  const observed = returnsOld ? { ...observation, onRead } : observation
  try {
    return await perform(observedStore(parts.tables.itemStore, parts, observed), name, input)
  } catch (error) {
    if (seen === undefined || !isConditionFailure(error)) throw error
    throw new DynaliteError(error.status, { ...error.body, Item: seen })
  }
}

function isConditionFailure(error: unknown): error is DynaliteError {
  return error instanceof DynaliteError && error.code === 'ConditionalCheckFailedException'
}

async function createTable({ tables }: OperationParts, input: Json): Promise<Json> {
  const output = await tables.create(input)
  await tables.setStream(String(input.TableName), viewTypeOf(input))
  return output
}

async function updateTable({ tables }: OperationParts, input: Json): Promise<Json> {
  const name = String(input.TableName)
  const { StreamSpecification, ...rest } = input
  if (StreamSpecification === undefined) return tables.change('UpdateTable', input)
  await tables.setStream(name, viewTypeOf(input))
  if (Object.keys(rest).length > 1) return tables.change('UpdateTable', rest)
  return { TableDescription: await tables.record(name) }
}

function viewTypeOf({ StreamSpecification }: Json): string | undefined {
  const specification = StreamSpecification as
    | { StreamEnabled?: boolean; StreamViewType?: string }
    | undefined
  return specification?.StreamEnabled ? specification.StreamViewType : undefined
}

async function describeTable({ tables, settings }: OperationParts, input: Json): Promise<Json> {
  const name = String(input.TableName)
  const { Table } = await perform(tables.itemStore, 'DescribeTable', input)
  const stream = settings.get(name)?.stream
  if (stream === undefined) return { Table }
  return {
    Table: {
      ...(Table as Json),
      StreamSpecification: { StreamEnabled: true, StreamViewType: stream.viewType },
      LatestStreamLabel: stream.label,
      LatestStreamArn: tables.arnOf(name, stream),
    },
  }
}

async function describeTimeToLive({ tables }: OperationParts, input: Json): Promise<Json> {
  const { ttlAttribute } = tables.settingsOf(String(input.TableName))
  const TimeToLiveDescription =
    ttlAttribute === undefined
      ? { TimeToLiveStatus: 'DISABLED' }
      : { TimeToLiveStatus: 'ENABLED', AttributeName: ttlAttribute }
  return { TimeToLiveDescription }
}

async function updateTimeToLive({ tables }: OperationParts, input: Json): Promise<Json> {
  const name = String(input.TableName)
  const wanted = input.TimeToLiveSpecification as
    | { Enabled?: boolean; AttributeName?: string }
    | undefined
  if (typeof wanted?.Enabled !== 'boolean' || !wanted.AttributeName)
    throw invalid('TimeToLiveSpecification must have Enabled and AttributeName')
  const { ttlAttribute } = tables.settingsOf(name)
  if (wanted.Enabled === (ttlAttribute !== undefined))
    throw invalid(`TimeToLive is already ${wanted.Enabled ? 'enabled' : 'disabled'}`)
  await tables.setTimeToLive(name, wanted.Enabled ? wanted.AttributeName : undefined)
  return { TimeToLiveSpecification: wanted }
}

function invalid(message: string): AwsError {
  return new AwsError('ValidationException', message)
}
