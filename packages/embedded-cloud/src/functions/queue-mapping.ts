import { setTimeout as wait } from 'node:timers/promises'
import type { Json, JsonObject } from '../assembly/json.ts'
import { messageOf } from '../cloud-start-error.ts'
import type { QueueRecord, Sqs } from '../sqs/sqs.ts'
import {
  type MappingHost,
  type MappingSettings,
  type RunningMapping,
  readBatchResult,
} from './mapping.ts'

export interface QueueMappingHost extends MappingHost {
  readonly sqs: Pick<Sqs, 'receive' | 'delete'>
}

/** The most that one receive call of SQS gives. */
const perReceive = 10
/** Seconds of a long poll. */
const pollSeconds = 20
/** Milliseconds between polls after an error of the queue itself. */
const errorPauseMs = 500
/**
 * Milliseconds after which another batch is taken although every execution environment has one.
 * Until then, messages wait in the queue, where they become one larger batch, rather than in front
 * of the function.
 */
const stuckMs = 250

/**
 * Feeds a function from a queue as Lambda's pollers do: batches, several at a time, deletes what
 * succeeded and leaves the rest to the queue's visibility timeout and redrive policy.
 */
export function startQueueMapping(
  settings: MappingSettings,
  host: QueueMappingHost,
): RunningMapping {
  return new QueueMapping(settings, host)
}

class QueueMapping implements RunningMapping {
  readonly #settings: MappingSettings
  readonly #host: QueueMappingHost
  readonly #slots: number
  readonly #stopping = new AbortController()
  readonly #running = new Set<Promise<void>>()
  readonly #polling: Promise<void>

  constructor(settings: MappingSettings, host: QueueMappingHost) {
    this.#settings = settings
    this.#host = host
    const concurrency = host.functions.concurrencyOf(settings.functionArn)
    this.#slots = Math.max(1, Math.min(settings.maximumConcurrency ?? concurrency, concurrency))
    this.#polling = this.#poll()
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#polling
    await Promise.all(this.#running)
  }

  async #poll(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      if (this.#running.size >= this.#slots) await Promise.race(this.#running)
      else if (this.#hasEnvironment() || (await this.#areStuck())) await this.#next()
    }
  }

  #hasEnvironment(): boolean {
    const { functions } = this.#host
    return this.#running.size < functions.readyConcurrencyOf(this.#settings.functionArn)
  }

  /** Whether no running batch ends for a while. */
  async #areStuck(): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<boolean>((resolve) => {
      timer = setTimeout(resolve, stuckMs, true)
    })
    const ended = [...this.#running].map((batch) => batch.then(() => false))
    const stuck = await Promise.race([...ended, late])
    clearTimeout(timer)
    return stuck
  }

  async #next(): Promise<void> {
    try {
      const records = await this.#receiveBatch()
      if (records.length === 0) return
      const running = this.#process(records).finally(() => this.#running.delete(running))
      this.#running.add(running)
    } catch (error) {
      this.#log(`receiving failed: ${messageOf(error)}`)
      await wait(errorPauseMs)
    }
  }

  /** A batch of up to BatchSize messages; waits MaximumBatchingWindowInSeconds for it to fill. */
  async #receiveBatch(): Promise<QueueRecord[]> {
    const batch = await this.#receive(this.#settings.batchSize, pollSeconds)
    if (this.#settings.batchWindowSeconds === 0) return batch
    const until = Date.now() + this.#settings.batchWindowSeconds * 1000
    while (batch.length > 0 && batch.length < this.#settings.batchSize) {
      const seconds = Math.max(0, (until - Date.now()) / 1000)
      const more = await this.#receive(this.#settings.batchSize - batch.length, seconds)
      batch.push(...more)
      if (more.length === 0 && Date.now() >= until) break
      if (this.#stopping.signal.aborted) break
    }
    return batch
  }

  #receive(wanted: number, waitSeconds: number): Promise<QueueRecord[]> {
    const max = Math.min(wanted, perReceive)
    const { signal } = this.#stopping
    return this.#host.sqs.receive(this.#settings.sourceArn, { max, waitSeconds, signal })
  }

  async #process(received: readonly QueueRecord[]): Promise<void> {
    const records = received.filter((record) => this.#passes(record))
    // A message that no filter passes is consumed: Lambda deletes it from the queue.
    const filtered = received.filter((record) => !records.includes(record))
    try {
      this.#delete(filtered)
      if (records.length > 0) this.#delete(await this.#invoke(records))
    } catch (error) {
      this.#log(`batch of ${records.length} failed: ${messageOf(error)}`)
    }
  }

  /** The records that the function has dealt with. */
  async #invoke(records: readonly QueueRecord[]): Promise<readonly QueueRecord[]> {
    const { functionArn, name: source } = this.#settings
    const event = { Records: records }
    const answer = await this.#host.functions.invoke(functionArn, event, { source })
    const identifiers = records.map(({ messageId }) => messageId)
    const failed = readBatchResult(answer, this.#settings, identifiers)
    if (failed === 'all failed') return []
    return records.filter(({ messageId }) => !failed.has(messageId))
  }

  #delete(records: readonly QueueRecord[]): void {
    const { sqs } = this.#host
    for (const { receiptHandle } of records) sqs.delete(this.#settings.sourceArn, receiptHandle)
  }

  #passes(record: QueueRecord): boolean {
    const { filters } = this.#settings
    return filters.length === 0 || filters.some((filter) => filter(filterable(record)))
  }

  #log(line: string): void {
    this.#host.log('mapping', `${this.#settings.name}: ${line}`)
  }
}

/** Filters see a JSON body as its value. */
function filterable(record: QueueRecord): JsonObject {
  return { ...(record as unknown as JsonObject), body: parsed(record.body) }
}

function parsed(body: string): Json {
  try {
    return JSON.parse(body) as Json
  } catch {
    return body
  }
}
