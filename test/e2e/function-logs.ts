import { setTimeout as wait } from 'node:timers/promises'
import { type SigningIdentity, signedHeaders } from './sigv4.ts'

export interface FunctionLogsOptions {
  /** Of CloudWatch Logs. */
  readonly endpoint: string
  readonly region: string
  identity(): Promise<SigningIdentity>
  readonly groups: readonly string[]
  /** Milliseconds between two looks; AWS allows about ten calls a second and account. */
  readonly everyMs: number
}

/** Follows log groups from now on; `close` resolves when it no longer looks. */
export function followLogs(
  options: FunctionLogsOptions,
  onLine: (group: string, line: string) => void,
): { close(): Promise<void> } {
  const stop = new AbortController()
  const followers = options.groups.map((group) => new Follower(group, options, onLine))
  const followed = (async () => {
    while (!stop.signal.aborted) {
      // a look that fails is made good by the next one
      await Promise.all(followers.map((follower) => follower.look().catch(() => {})))
      await wait(options.everyMs, undefined, { signal: stop.signal }).catch(() => {})
    }
  })()
  return {
    close: async () => {
      stop.abort()
      await followed
    },
  }
}

interface LogEvent {
  readonly logStreamName?: string
  readonly timestamp: number
  readonly message: string
}

/** Events of the last seconds come late, so each look goes back a little and drops what it knows. */
const overlapMs = 15_000

class Follower {
  readonly #group: string
  readonly #options: FunctionLogsOptions
  readonly #onLine: (group: string, line: string) => void
  readonly #seen = new Map<string, number>()
  #from = Date.now()

  constructor(
    group: string,
    options: FunctionLogsOptions,
    onLine: (group: string, line: string) => void,
  ) {
    this.#group = group
    this.#options = options
    this.#onLine = onLine
  }

  async look(): Promise<void> {
    const started = Date.now()
    let nextToken: string | undefined
    do {
      const page = await this.#page(nextToken)
      for (const event of page.events ?? []) this.#hear(event)
      nextToken = page.nextToken
    } while (nextToken)
    this.#from = Math.max(this.#from, started - overlapMs)
    for (const [key, timestamp] of this.#seen) if (timestamp < this.#from) this.#seen.delete(key)
  }

  #hear({ logStreamName = '', timestamp, message }: LogEvent): void {
    const key = `${logStreamName} ${timestamp} ${message}`
    if (this.#seen.has(key)) return
    this.#seen.set(key, timestamp)
    this.#onLine(this.#group, message.trimEnd())
  }

  async #page(nextToken: string | undefined) {
    const { endpoint, region, identity } = this.#options
    const request = { logGroupName: this.#group, startTime: this.#from, nextToken }
    const call = {
      url: new URL(endpoint),
      region,
      service: 'logs',
      operation: 'Logs_20140328.FilterLogEvents',
      body: JSON.stringify(request),
    }
    const headers = signedHeaders(call, await identity(), new Date())
    const answer = await fetch(call.url, { method: 'POST', headers, body: call.body })
    if (!answer.ok) throw new Error(`CloudWatch Logs answers ${answer.status} for ${this.#group}`)
    return (await answer.json()) as { events?: LogEvent[]; nextToken?: string }
  }
}
