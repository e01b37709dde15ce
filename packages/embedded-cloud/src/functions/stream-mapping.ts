import { setTimeout as wait } from 'node:timers/promises'
import type { Json } from '../assembly/json.ts'
import { messageOf } from '../cloud-start-error.ts'
import type { DynamoDb } from '../dynamodb/dynamodb.ts'
import type { StreamRecord } from '../dynamodb/stream.ts'
import {
  type MappingHost,
  type MappingSettings,
  type RunningMapping,
  readBatchResult,
} from './mapping.ts'

export interface StreamMappingHost extends MappingHost {
  readonly dynamodb: Pick<DynamoDb, 'onStream'>
  sendToQueue(queueArn: string, body: string): Promise<void>
}

/** Milliseconds before a failed batch is tried again; doubles up to the longest. */
const firstRetryMs = 200
const longestRetryMs = 10_000

/**
 * Feeds a function from a table's stream as Lambda's pollers do: in order, a batch that fails is
 * tried again and holds back what follows, until it works or is given up and reported.
 */
export function startStreamMapping(
  settings: MappingSettings,
  host: StreamMappingHost,
): RunningMapping {
  return new StreamMapping(settings, host)
}

class StreamMapping implements RunningMapping {
  readonly #settings: MappingSettings
  readonly #host: StreamMappingHost
  readonly #unsubscribe: () => void
  readonly #stopping = new AbortController()
  #working: Promise<void> = Promise.resolve()

  constructor(settings: MappingSettings, host: StreamMappingHost) {
    this.#settings = settings
    this.#host = host
    const { name, batchSize, startingPosition = 'TRIM_HORIZON' } = settings
    const consumer = { name, batchSize, startingPosition }
    this.#unsubscribe = host.dynamodb.onStream(
      settings.sourceArn,
      (records) => this.#take(records),
      consumer,
    )
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#unsubscribe()
    await this.#working.catch(() => undefined)
  }

  #take(records: readonly StreamRecord[]): Promise<void> {
    const passing = records.filter((record) => this.#passes(record))
    this.#working = this.#deliver(passing, 0)
    return this.#working
  }

  /** Rejects only when the mapping is stopped: the records then come again after the restart. */
  async #deliver(records: readonly StreamRecord[], attempts: number): Promise<void> {
    if (records.length === 0) return
    const left = await this.#attempt(records)
    if (left.length === 0) return
    // Progress was made: the records that are left are a new batch.
    const failures = left.length < records.length ? 0 : attempts + 1
    if (this.#spent(left, failures)) return await this.#giveUp(left)
    await this.#pause(failures)
    if (!this.#settings.bisects || left.length === 1) return await this.#deliver(left, failures)
    const middle = Math.ceil(left.length / 2)
    await this.#deliver(left.slice(0, middle), failures)
    await this.#deliver(left.slice(middle), failures)
  }

  /** Invokes the function; gives the records from the first failed one on. */
  async #attempt(records: readonly StreamRecord[]): Promise<readonly StreamRecord[]> {
    const identifiers = records.map((record) => record.dynamodb.SequenceNumber)
    try {
      const { functionArn, name: source } = this.#settings
      const event = { Records: records }
      const answer = await this.#host.functions.invoke(functionArn, event, { source })
      const failed = readBatchResult(answer, this.#settings, identifiers)
      if (failed === 'all failed') return records
      const first = identifiers.findIndex((identifier) => failed.has(identifier))
      return first < 0 ? [] : records.slice(first)
    } catch (error) {
      this.#log(`batch of ${records.length} failed: ${messageOf(error)}`)
      return records
    }
  }

  #spent(records: readonly StreamRecord[], failures: number): boolean {
    const { maximumRetries = -1, maximumRecordAgeSeconds = -1 } = this.#settings
    const since = records[0]?.dynamodb.ApproximateCreationDateTime ?? 0
    const tooOld =
      maximumRecordAgeSeconds >= 0 && Date.now() / 1000 - since > maximumRecordAgeSeconds
    return tooOld || (maximumRetries >= 0 && failures > maximumRetries)
  }

  async #giveUp(records: readonly StreamRecord[]): Promise<void> {
    this.#log(`${records.length} records given up`)
    const { onFailure } = this.#settings
    if (onFailure) await this.#host.sendToQueue(onFailure, failureRecord(this.#settings, records))
  }

  async #pause(failures: number): Promise<void> {
    const delay = Math.min(longestRetryMs, firstRetryMs * 2 ** Math.min(failures, 10))
    await wait(delay, undefined, { signal: this.#stopping.signal })
  }

  #passes(record: StreamRecord): boolean {
    const { filters } = this.#settings
    return filters.length === 0 || filters.some((filter) => filter(record as unknown as Json))
  }

  #log(line: string): void {
    this.#host.log('mapping', `${this.#settings.name}: ${line}`)
  }
}

/** What an OnFailure destination gets: the position of the records, not their content. */
function failureRecord(settings: MappingSettings, records: readonly StreamRecord[]): string {
  const sequence = (record: StreamRecord | undefined) => record?.dynamodb.SequenceNumber
  return JSON.stringify({
    version: '1.0',
    timestamp: new Date().toISOString(),
    requestContext: {
      functionArn: settings.functionArn,
      condition: 'RetryAttemptsExhausted',
    },
    DDBStreamBatchInfo: {
      streamArn: settings.sourceArn,
      startSequenceNumber: sequence(records[0]),
      endSequenceNumber: sequence(records.at(-1)),
      batchSize: records.length,
    },
  })
}
