import { type Journal, openJournal } from '../journal.ts'
import { filterMatches, limits } from './limits.ts'

/** What a topic keeps for those who subscribe later. */
export interface RetainedMessage {
  readonly topic: string
  readonly payload: Buffer
  readonly qos: 0 | 1
  /** Milliseconds since the epoch; absent: it does not expire. */
  readonly expiresAt?: number
}

type Entry =
  | { readonly retained: Omit<RetainedMessage, 'payload'> & { readonly payload: string } }
  | { readonly cleared: string }

const LINES_BEFORE_REWRITE = 10_000

/**
 * The retained messages of the account: one per topic, kept over a restart, and never handed out once
 * it has expired.
 */
export class RetainedMessages {
  readonly #messages = new Map<string, RetainedMessage>()
  /** When a topic's was changed last, for the quota; only those of this second count. */
  readonly #changedAt = new Map<string, number>()
  readonly #journal: Journal<Entry>
  readonly #now: () => number

  /** Throws one sentence when the state file is damaged. */
  constructor(stateFile: string, now: () => number) {
    this.#now = now
    this.#journal = openJournal<Entry>({
      file: stateFile,
      replay: (entry) => this.#apply(entry),
      snapshot: () => this.#snapshot(),
      compactAfter: LINES_BEFORE_REWRITE,
    })
  }

  /** Whether the topic may be changed now; counts as a change if so (quota: one a second and topic). */
  takeTurn(topic: string): boolean {
    const now = this.#now()
    const isOver = (at: number) => now - at >= limits.retainedIntervalMs
    if (!isOver(this.#changedAt.get(topic) ?? Number.NEGATIVE_INFINITY)) return false
    if (this.#changedAt.size > LINES_BEFORE_REWRITE)
      for (const [name, at] of this.#changedAt) if (isOver(at)) this.#changedAt.delete(name)
    this.#changedAt.set(topic, now)
    return true
  }

  /** Replaces what the topic keeps; an empty payload removes it [MQTT-3.3.1-10]. */
  put(message: RetainedMessage): void {
    const { topic, payload } = message
    const entry =
      payload.length === 0
        ? { cleared: topic }
        : { retained: { ...message, payload: payload.toString('base64') } }
    this.#apply(entry)
    this.#journal.append(entry)
  }

  /** What those who subscribe to this filter now are sent. */
  matching(filter: string): RetainedMessage[] {
    const found = /[+#]/.test(filter)
      ? [...this.#messages.values()].filter(({ topic }) => filterMatches(filter, topic))
      : [this.#messages.get(filter)]
    return found.filter(
      (message) => message !== undefined && this.#isAlive(message),
    ) as RetainedMessage[]
  }

  close(): void {
    this.#journal.close()
  }

  #isAlive({ expiresAt }: RetainedMessage): boolean {
    return expiresAt === undefined || this.#now() < expiresAt
  }

  #apply(entry: Entry): void {
    if ('cleared' in entry) this.#messages.delete(entry.cleared)
    else if ('retained' in entry) {
      const { payload, ...others } = entry.retained
      this.#messages.set(others.topic, { ...others, payload: Buffer.from(payload, 'base64') })
    } else throw new Error(`"${Object.keys(entry)}" is no kind of entry.`)
  }

  *#snapshot(): Iterable<Entry> {
    for (const message of this.#messages.values())
      if (this.#isAlive(message))
        yield { retained: { ...message, payload: message.payload.toString('base64') } }
      else this.#messages.delete(message.topic)
  }
}
