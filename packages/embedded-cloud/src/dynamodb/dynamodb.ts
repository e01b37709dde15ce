import type { ServerResponse } from 'node:http'
import {
  AwsError,
  answer,
  answerJson,
  answerJsonError,
  notAuthorized,
  parseInput,
} from '../answer.ts'
import type { CloudIdentity, Log, Service, ServiceRequest } from '../types.ts'
import { Delivery } from './delivery.ts'
import { DynaliteError, type Json, openStore } from './dynalite.ts'
import { Journal } from './journal.ts'
import { type OperationParts, operate } from './operations.ts'
import { permissionsFor, tableArn } from './permissions.ts'
import { type StreamConsumer, type StreamListener, streamRecord } from './stream.ts'
import { Sweeper } from './sweeper.ts'
import { TableSettingsStore } from './table-settings.ts'
import { type TableProperties, Tables } from './tables.ts'

export type { StreamConsumer, StreamListener, StreamRecord } from './stream.ts'
export type { TableProperties } from './tables.ts'

export interface DynamoDbOptions {
  readonly identity: CloudIdentity
  /** Folder of the LevelDB store; absent = in memory. */
  readonly path?: string
  readonly log: Log
  /** Milliseconds since 1970; the clock of the expiry sweep and the stream records. */
  now?(): number
  /** Milliseconds between two expiry sweeps; default 1000. */
  readonly ttlIntervalMs?: number
}

/** dynalite as a service of the embedded cloud, with IAM, streams and time to live. */
export interface DynamoDb {
  readonly service: Service
  /** Makes a table or takes over the one on disk; throws when that has other keys or indexes. */
  createTable(properties: TableProperties): Promise<{ arn: string; streamArn?: string }>
  deleteTable(name: string): Promise<void>
  tableArn(name: string): string
  /** Undefined for a table without a stream. */
  streamArn(name: string): string | undefined
  /**
   * Hands records over in order, one batch at a time; a rejected batch comes again after a second.
   * Returns what ends it. Throws when there is no such stream.
   */
  onStream(streamArn: string, listener: StreamListener, consumer?: StreamConsumer): () => void
  /** Waits up to five seconds for running listeners, then closes the store. */
  close(): Promise<void>
}

const closeGraceMs = 5000

/** Starts DynamoDB; rejects with one sentence when the store on disk cannot be opened. */
export async function startDynamoDb(options: DynamoDbOptions): Promise<DynamoDb> {
  const { identity, log, path } = options
  const now = options.now ?? Date.now
  const store = await openStoreAt(path, identity)
  const settings = new TableSettingsStore(store.db)
  await settings.load()
  const journal = new Journal(store.db, now)
  for (const [name, table] of settings.entries()) if (table.stream) await journal.load(name)
  const tables = new Tables({ store, settings, journal, identity, now })
  const parts: OperationParts = { tables, settings, journal, identity, now }
  const sweeper = new Sweeper({ ...parts, db: store.db, log, intervalMs: options.ttlIntervalMs })
  const deliveries = new Set<Delivery>()

  return {
    service: { signingNames: ['dynamodb'], handle: (...call) => handle(parts, log, ...call) },
    async createTable(properties) {
      await tables.ensure(properties)
      const streamArn = tables.streamArn(properties.TableName)
      const arn = tableArn(identity, properties.TableName)
      return streamArn === undefined ? { arn } : { arn, streamArn }
    },
    async deleteTable(name) {
      await tables.delete(name)
    },
    tableArn: (name) => tableArn(identity, name),
    streamArn: (name) => tables.streamArn(name),
    onStream(streamArn, listener, consumer = { name: 'default' }) {
      const delivery = deliver(parts, log, streamArn, listener, consumer)
      deliveries.add(delivery)
      return () => delivery.stop()
    },
    async close() {
      await sweeper.close()
      for (const delivery of deliveries) delivery.stop()
      await Promise.race([
        Promise.all([...deliveries].map((delivery) => delivery.ended)),
        new Promise((resolve) => setTimeout(resolve, closeGraceMs).unref()),
      ])
      await store.db.close()
    },
  }
}

async function openStoreAt(path: string | undefined, { accountId, region }: CloudIdentity) {
  try {
    return await openStore(path, accountId, region)
  } catch (error) {
    const { cause, message } = error as Error
    const why = cause instanceof Error ? cause.message : message
    throw new Error(
      `The tables under ${path} cannot be opened (${why}); is another process using them? If not, they are damaged: restore or delete that folder.`,
    )
  }
}

function deliver(
  parts: OperationParts,
  log: Log,
  streamArn: string,
  listener: StreamListener,
  consumer: StreamConsumer,
): Delivery {
  const table = /:table\/([^/]+)\/stream\//.exec(streamArn)?.[1] ?? ''
  const stream = parts.settings.get(table)?.stream
  if (stream === undefined || parts.tables.arnOf(table, stream) !== streamArn)
    throw new Error(`There is no stream ${streamArn}.`)
  return new Delivery({
    journal: parts.journal,
    table,
    consumer,
    listener,
    record: ({ sequence, change }) => streamRecord(change, sequence, streamArn, stream),
    onError: (error) =>
      log('dynamodb', `${consumer.name} rejected records of ${table}, they come again: ${error}`),
  })
}

async function handle(
  parts: OperationParts,
  log: Log,
  request: ServiceRequest,
  response: ServerResponse,
): Promise<void> {
  try {
    const target = String(request.headers['x-amz-target'])
    const operation = target.slice(target.indexOf('.') + 1)
    const input = parseInput(request.body)
    authorize(parts, operation, input, request)
    answerJson(response, await operate(parts, operation, input))
  } catch (error) {
    if (error instanceof DynaliteError) return answerDynaliteError(response, error)
    if (error instanceof AwsError) return answerJsonError(response, namespaced(error))
    log('dynamodb', `failed inside dynalite: ${error instanceof Error ? error.stack : error}`)
    answerJsonError(response, new AwsError('InternalServerError', String(error), 500))
  }
}

function authorize(
  { identity }: OperationParts,
  operation: string,
  input: Json,
  { caller }: ServiceRequest,
): void {
  for (const { action, resource } of permissionsFor(operation, input, identity)) {
    if (caller.may(action, resource)) continue
    throw new AwsError('AccessDeniedException', notAuthorized(caller.name, action, resource))
  }
}

function answerDynaliteError(response: ServerResponse, { status, body }: DynaliteError): void {
  answer(response, status, { 'content-type': 'application/x-amz-json-1.0' }, JSON.stringify(body))
}

function namespaced(error: AwsError): AwsError {
  const type = `com.amazonaws.dynamodb.v20120810#${error.code}`
  return new AwsError(type, error.message, error.status, error.details)
}
