import type { Done, Gone } from './entries.ts'
import { type ChunkState, openIn } from './journal.ts'
import { outcomeOf, type Result } from './multicast.ts'
import type { Chunk } from './token-file.ts'

/** In place of a reason: the recipient's request was not sent, or found no way to the service. */
export const NOT_SENT = 'NotSent'

/** Whether a result of these may hide an acceptance: a 5xx says that something broke, not where. */
const isDoubtful = ({ status }: Result) => status >= 500

export interface PlanOptions {
  readonly now: number
  readonly repeatWithinMs: number
  /** Resends doubtful ones, no matter how old. */
  readonly again: boolean
}

const notSent = (places: readonly number[]) => places.map((place) => [place, NOT_SENT] as const)

/** The recipients of one chunk that are to be sent to, and what happens to each; by their places in it. */
export class Recipients {
  readonly #chunk: Chunk
  /** With the last reason of each. */
  readonly #pending: Map<number, string>
  /** Accepted, perhaps. */
  readonly #doubtful: Set<number>
  /** Those that may not be repeated any more. */
  readonly #abandoned: number[] = []
  #since: number | undefined
  readonly #ends: Record<string, number> = {}
  readonly #gone: Gone[] = []

  private constructor(
    chunk: Chunk,
    sure: Iterable<readonly [number, string]>,
    doubt: readonly number[],
    since?: number,
  ) {
    this.#chunk = chunk
    this.#pending = new Map([...sure, ...notSent(doubt)])
    this.#doubtful = new Set(doubt)
    this.#since = since
  }

  /** What is left to do of a chunk. */
  static of(chunk: Chunk, state: ChunkState | undefined, options: PlanOptions): Recipients {
    const all = chunk.tokens.map((_, place) => [place, NOT_SENT] as const)
    if (!state) return new Recipients(chunk, all, [])
    const { sure, doubt, since } = openIn(state, chunk.tokens.length)
    if (options.again) return new Recipients(chunk, [...sure, ...notSent(doubt)], [])
    const recipients = new Recipients(chunk, sure, doubt, since)
    recipients.giveUpOld(options.now, options.repeatWithinMs)
    return recipients
  }

  get count(): number {
    return this.#pending.size
  }

  get places(): readonly number[] {
    return [...this.#pending.keys()]
  }

  tokens(places: readonly number[]): readonly string[] {
    return places.map((place) => this.#chunk.tokens[place] as string)
  }

  /** Records what the service said of each; returns how many are done. */
  settle(
    places: readonly number[],
    results: readonly Result[],
    sentAt: number,
    now: number,
  ): number {
    const before = this.#pending.size
    for (const [at, place] of places.entries())
      this.#settleOne(place, results[at] as Result, sentAt, now)
    if (this.#doubtful.size === 0 && this.#abandoned.length === 0) this.#since = undefined
    return before - this.#pending.size
  }

  #settleOne(place: number, result: Result, sentAt: number, now: number): void {
    const outcome = outcomeOf(result)
    const reason = result.reason ?? 'accepted'
    if (outcome === 'later') {
      this.#postpone(place, result, sentAt)
      return
    }
    this.#pending.delete(place)
    this.#doubtful.delete(place)
    this.#ends[reason] = (this.#ends[reason] ?? 0) + 1
    if (outcome === 'dead' || outcome === 'bad')
      this.#gone.push([this.#chunk.tokens[place] as string, reason, result.timestamp ?? now])
  }

  /** Records that the request failed for now, or may have failed. */
  postpone(places: readonly number[], result: Result, sentAt: number): void {
    for (const place of places) this.#postpone(place, result, sentAt)
  }

  #postpone(place: number, result: Result, sentAt: number): void {
    this.#pending.set(place, result.reason ?? NOT_SENT)
    if (!isDoubtful(result)) return
    this.#doubtful.add(place)
    this.#since = Math.min(this.#since ?? sentAt, sentAt)
  }

  /**
   * Gives up doubtful ones that were first sent so long ago that a repeat could arrive as a second
   * notification.
   */
  giveUpOld(now: number, repeatWithinMs: number): void {
    const since = this.#since
    // a clock that was put back proves nothing
    if (since === undefined || (now >= since && now - since < repeatWithinMs)) return
    for (const place of this.#doubtful) this.#pending.delete(place)
    this.#abandoned.push(...this.#doubtful)
    this.#doubtful.clear()
  }

  /** What goes into the journal. */
  done(now: number): Done {
    const doubt = [...this.#abandoned, ...this.#doubtful].sort((a, b) => a - b)
    const later: Record<string, number[]> = {}
    for (const [place, reason] of this.#pending)
      if (!this.#doubtful.has(place)) {
        const places = later[reason] ?? []
        later[reason] = places
        places.push(place)
      }
    const since = doubt.length > 0 && this.#since !== undefined ? { since: this.#since } : {}
    return {
      done: this.#chunk.number,
      at: now,
      ends: this.#ends,
      gone: this.#gone,
      later,
      doubt,
      ...since,
    }
  }
}
