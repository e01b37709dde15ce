import { setTimeout as delay } from 'node:timers/promises'
import type { Entry, Journal } from './journal.ts'
import type { StreamConsumer, StreamListener, StreamRecord } from './stream.ts'

export interface DeliveryOptions {
  readonly journal: Journal
  readonly table: string
  readonly consumer: StreamConsumer
  readonly listener: StreamListener
  /** Makes the record that the listener gets. */
  record(entry: Entry): StreamRecord
  /** Hears of every rejected batch. */
  onError(error: unknown): void
  /** Milliseconds before a rejected batch comes again; default 1000. */
  readonly retryMs?: number
}

/** Hands one consumer the entries of a journal, in order and one batch at a time, until it is stopped. */
export class Delivery {
  readonly #options: DeliveryOptions
  readonly #stop = new AbortController()
  /** Ends when the batch in work at the time of `stop` has ended. */
  readonly ended: Promise<void>

  constructor(options: DeliveryOptions) {
    this.#options = options
    // After a stop the store may be closed already; what was not acknowledged comes again.
    this.ended = this.#run().catch((error) => {
      if (!this.#stop.signal.aborted) options.onError(error)
    })
  }

  stop(): void {
    this.#stop.abort()
    this.#options.journal.wake(this.#options.table)
  }

  async #run(): Promise<void> {
    const { journal, table, consumer } = this.#options
    let position = await journal.position(
      table,
      consumer.name,
      consumer.startingPosition ?? 'TRIM_HORIZON',
    )
    while (!this.#stop.signal.aborted) {
      const changed = journal.change(table)
      const entries = await journal.read(table, position, consumer.batchSize ?? 100)
      const last = entries.at(-1)
      if (last === undefined) {
        await changed
      } else if (await this.#hand(entries.map((entry) => this.#options.record(entry)))) {
        position = last.sequence
        await journal.acknowledge(table, consumer.name, position)
      }
    }
  }

  /** False when the listener rejected the records and they are to come again. */
  async #hand(records: StreamRecord[]): Promise<boolean> {
    try {
      await this.#options.listener(records)
      return true
    } catch (error) {
      this.#options.onError(error)
      await delay(this.#options.retryMs ?? 1000, undefined, { signal: this.#stop.signal }).catch(
        () => undefined,
      )
      return false
    }
  }
}
