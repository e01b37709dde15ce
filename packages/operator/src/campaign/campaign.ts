import { Failure } from '../failure.ts'
import type { Edge } from '../operations/edge.ts'
import type { Journal } from './journal.ts'
import { type Answer, sendMulticast } from './multicast.ts'
import { Interrupted, Pace, type PaceParts, type Patience } from './pace.ts'
import { NOT_SENT, Recipients } from './recipients.ts'
import type { Chunk, TokenFile } from './token-file.ts'

export interface CampaignParts extends PaceParts {
  readonly edge: Edge
  readonly file: Pick<TokenFile, 'chunks'>
  readonly journal: Journal
  /** JSON text. */
  readonly payload: string
  /** Requests at the same time. */
  readonly inFlight: number
  /** Resends doubtful ones, no matter how old. */
  readonly again: boolean
  /** Called with how many more recipients are done. */
  readonly onProgress: (more: number) => void
}

/**
 * Sends to every device in a file that is not yet done according to the journal. Each request
 * carries the campaign's id, so that a repeated request is the same notification for each device.
 *
 * @returns whether it was completed; false if the user ended it.
 * @throws Failure if the service refuses the campaign, or is down for too long. The journal contains what was done before.
 */
export async function runCampaign(parts: CampaignParts): Promise<boolean> {
  return new Campaign(parts).run()
}

/** Errors that mean that nothing can have reached the service. */
const NO_CONNECTION = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH']

class Campaign {
  readonly #parts: CampaignParts
  readonly #pace: Pace
  readonly #chunks: AsyncGenerator<Chunk>
  readonly #headers: Readonly<Record<string, string>>
  #heard = false
  #interrupted = false
  #fault: unknown

  constructor(parts: CampaignParts) {
    this.#parts = parts
    this.#pace = new Pace(parts)
    const { id, headers, perRequest } = parts.journal.terms
    this.#chunks = parts.file.chunks(perRequest)
    this.#headers = { ...headers, 'apns-id': id }
  }

  async run(): Promise<boolean> {
    await Promise.all(Array.from({ length: this.#parts.inFlight }, () => this.#lane()))
    if (this.#fault !== undefined) throw this.#fault
    return !this.#interrupted
  }

  /** One request after the other; the first fault of a lane ends the others after the request they are at. */
  async #lane(): Promise<void> {
    try {
      for (let next = await this.#next(); next; next = await this.#next()) await this.#work(next)
    } catch (fault) {
      if (fault instanceof Interrupted) this.#interrupted = true
      else this.#fault ??= fault
    }
  }

  async #next(): Promise<Chunk | undefined> {
    if (this.#parts.stop.aborted) throw new Interrupted()
    if (this.#fault !== undefined) return undefined
    const { done, value } = await this.#chunks.next()
    return done ? undefined : value
  }

  async #work(chunk: Chunk): Promise<void> {
    const { journal, now, again, patience } = this.#parts
    const { repeatWithinMs } = patience
    const plan = { now: now(), repeatWithinMs, again }
    const recipients = Recipients.of(chunk, journal.chunk(chunk.number), plan)
    if (recipients.count === 0) return this.#note(chunk, recipients)
    await this.#pace.turn()
    await journal.begin({ begun: chunk.number, at: now() })
    try {
      await this.#sendTo(recipients, patience)
    } finally {
      await journal.finish(recipients.done(now()))
    }
  }

  /** Also records the fate of a chunk during which an earlier run was killed. */
  async #note({ number }: Chunk, recipients: Recipients): Promise<void> {
    const { journal, now } = this.#parts
    if (journal.chunk(number)?.begunAt !== undefined) await journal.finish(recipients.done(now()))
  }

  /** Repeats until every recipient is done, or none of the remaining ones makes progress. */
  async #sendTo(recipients: Recipients, { idleAttempts, repeatWithinMs }: Patience): Promise<void> {
    for (let idle = 0; recipients.count > 0 && idle < idleAttempts; ) {
      if (idle > 0) await this.#pace.pause(this.#pace.backOff(idle))
      await this.#pace.turn()
      if (this.#fault !== undefined) throw new Interrupted()
      recipients.giveUpOld(this.#parts.now(), repeatWithinMs)
      const ended = await this.#attempt(recipients)
      // what waits for the service as a whole is no attempt of these
      if (ended !== undefined) idle = ended > 0 ? 0 : idle + 1
    }
  }

  /** How many have their end after one request; undefined if it was refused as a whole. */
  async #attempt(recipients: Recipients): Promise<number | undefined> {
    const { now, onProgress } = this.#parts
    const places = recipients.places
    const sentAt = now()
    const answer = await this.#ask(recipients, places)
    if (answer.kind === 'results') {
      this.#pace.good()
      const ended = recipients.settle(places, answer.results, sentAt, now())
      onProgress(ended)
      return ended
    }
    recipients.postpone(places, answer.result, sentAt)
    this.#pace.bad(answer.why, answer.retryAfterMs)
    return undefined
  }

  /** A connection that is lost is an answer, too: one that may hide an acceptance. */
  async #ask(recipients: Recipients, places: readonly number[]): Promise<Answer> {
    const { edge, payload, now } = this.#parts
    const sentAt = now()
    const tokens = recipients.tokens(places)
    try {
      const answer = await sendMulticast(edge, { tokens, payload, headers: this.#headers }, sentAt)
      this.#heard = true
      return answer
    } catch (fault) {
      const result = { status: isHarmless(fault) ? 429 : 503, reason: NOT_SENT }
      const why = fault instanceof Error ? fault.message : String(fault)
      const isAway = fault instanceof Failure && fault.kind === 'unreachable'
      // one that was never there is more likely misnamed than away
      if (isAway && this.#heard) return { kind: 'later', result, why }
      recipients.postpone(places, result, sentAt)
      throw fault
    }
  }
}

/** Whether nothing can have been accepted of a request that ended so. */
function isHarmless(fault: unknown): boolean {
  if (!(fault instanceof Failure)) return false
  const { code = '' } = (fault.cause ?? {}) as { readonly code?: string }
  return fault.kind === 'refused' || fault.kind === 'usage' || NO_CONNECTION.includes(code)
}
