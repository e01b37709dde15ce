import type { Log } from '../types.ts'
import { DynaliteError, type Level } from './dynalite.ts'
import { type Due, dueItems } from './expiry.ts'
import { type OperationParts, write } from './operations.ts'

export interface SweeperOptions extends OperationParts {
  readonly db: Level
  readonly log: Log
  /** Milliseconds between two sweeps; default 1000. */
  readonly intervalMs: number | undefined
}

/** Items deleted at a time, and items examined before it is another table's turn. */
const concurrency = 32
const perTable = 1024

/** ddb:time-to-live-ttl-streams: how a stream record distinguishes an expiry from a delete. */
const userIdentity = { type: 'Service', principalId: 'dynamodb.amazonaws.com' } as const

/** Deletes expired items about once a second; DynamoDB itself may take days. */
export class Sweeper {
  readonly #options: SweeperOptions
  readonly #timer: NodeJS.Timeout
  #running: Promise<void> | undefined

  constructor(options: SweeperOptions) {
    this.#options = options
    this.#timer = setInterval(() => this.#tick(), options.intervalMs ?? 1000).unref()
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.#running
  }

  #tick(): void {
    this.#running ??= this.#sweep()
      .catch((error) => this.#options.log('dynamodb', `the expiry sweep failed: ${error}`))
      .finally(() => {
        this.#running = undefined
      })
  }

  async #sweep(): Promise<void> {
    for (const [table, { ttlAttribute }] of [...this.#options.settings.entries()])
      if (ttlAttribute !== undefined) await this.#sweepTable(table, ttlAttribute)
  }

  async #sweepTable(table: string, attribute: string): Promise<void> {
    const now = this.#options.now()
    const due = await dueItems(this.#options.db, table, now, perTable)
    for (let start = 0; start < due.length; start += concurrency) {
      const some = due.slice(start, start + concurrency)
      await Promise.all(some.map((item) => this.#expire(table, attribute, item, now)))
    }
  }

  /** Deletes an item if it is still expired: it may have been rewritten since it was found. */
  async #expire(table: string, attribute: string, due: Due, now: number): Promise<void> {
    const input = {
      TableName: table,
      Key: due.key,
      ConditionExpression: '#expiry < :now',
      ExpressionAttributeNames: { '#expiry': attribute },
      ExpressionAttributeValues: { ':now': { N: String(now / 1000) } },
    }
    try {
      await write(this.#options, 'DeleteItem', input, { userIdentity })
    } catch (error) {
      if (!(error instanceof DynaliteError)) throw error
      // Gone or renewed: only its old entry is left.
      await this.#options.db.del(due.entryKey)
    }
  }
}
