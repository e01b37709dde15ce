import { parseSeq, type Seq } from '@heliograph/protocol/identifiers'
import type { FeedbackPage } from '@heliograph/protocol/messages'
import { isRejection, type Rejection, reject } from '@heliograph/protocol/rejection'
import { decodeTime } from 'ulid'
import type { Feedback, FeedbackEntry, FeedbackRow, Ids } from '../ports.ts'
import { resolveTopic } from '../trust/authenticated-provider.ts'
import { type Answer, jsonAnswer, rejectionAnswer } from './answer.ts'
import { type AuthenticatePorts, authenticate } from './authenticate.ts'
import { chooseId, type ProviderRequest } from './provider-request.ts'

/**
 * How long it may take until an entry that has got its name can be read, including clock skew
 * between writers. Rows younger than this are remembered one by one in the cursor.
 */
export const SETTLE_MS = 15_000

const PAGE_ROWS = 500
/** Rows that a cursor remembers; beyond it, young rows wait until they have settled. */
const MAX_SEEN = 150

/**
 * How far a reader has got: everything up to `settled` has been read; of younger rows, only those
 * in `seen`. Rows may become visible out of order within the settling time, so a position alone
 * would skip some.
 */
export interface Cursor {
  readonly settled: Seq | undefined
  readonly seen: readonly string[]
}

export const startOfFeedback: Cursor = { settled: undefined, seen: [] }

export function encodeCursor(cursor: Cursor): string {
  return [cursor.settled ?? '', ...cursor.seen].join('.')
}

export function parseCursor(text: string): Cursor | undefined {
  const [settled = '', ...seen] = text.split('.')
  if (settled !== '' && !parseSeq(settled)) return undefined
  if (seen.length > MAX_SEEN || seen.some((mark) => !/^[0-9A-HJKMNP-TV-Z]{26}$/.test(mark)))
    return undefined
  return { settled: parseSeq(settled), seen }
}

/** The rows to return, and how far the reader has got with them. `rows` are all after `settled`. */
export function nextPage(
  cursor: Cursor,
  rows: readonly FeedbackRow[],
  nowMs: number,
): { readonly page: readonly FeedbackRow[]; readonly next: Cursor } {
  const isSettled = ({ entry }: FeedbackRow) => decodeTime(entry) <= nowMs - SETTLE_MS
  const isFresh = ({ entry }: FeedbackRow) => !cursor.seen.includes(entry)
  const settled = rows.filter(isSettled).at(-1)?.entry ?? cursor.settled
  // a returned row is remembered until it has settled, whatever else appears before it
  const seen = cursor.seen.filter((entry) => settled === undefined || entry > settled)
  const young = rows.filter((row) => !isSettled(row) && isFresh(row))
  const handedOut = young.slice(0, MAX_SEEN - seen.length)
  return {
    page: [...rows.filter((row) => isSettled(row) && isFresh(row)), ...handedOut],
    next: { settled, seen: [...seen, ...handedOut.map(({ entry }) => entry)] },
  }
}

export interface FeedbackPorts extends AuthenticatePorts {
  readonly ids: Ids
  readonly feedback: Pick<Feedback, 'read'>
}

/** `GET /3/feedback?after=<cursor>`: the feedback of the credential's first topic, or of `topic=`, oldest first. */
export async function readFeedback(
  request: ProviderRequest,
  ports: FeedbackPorts,
): Promise<Answer> {
  const id = chooseId(request.headers['apns-id'], () => ports.ids.uuid())
  const result = await read(request, ports)
  return isRejection(result) ? rejectionAnswer(id, result) : jsonAnswer(id, result)
}

async function read(
  request: ProviderRequest,
  ports: FeedbackPorts,
): Promise<FeedbackPage | Rejection> {
  if (request.method !== 'GET') return reject('MethodNotAllowed', `${request.method} is not GET`)
  const provider = await authenticate(request, ports)
  if (isRejection(provider)) return provider
  const asked = request.query.topic ?? request.headers['apns-topic'] ?? provider.topics[0]
  const topic = resolveTopic(provider, asked)
  if (typeof topic !== 'string') return topic
  const cursor = parseCursor(request.query.after ?? '')
  if (!cursor)
    return reject('BadPath', 'after is not a cursor of this service: leave it out to start')
  const rows = await ports.feedback.read(topic, cursor.settled, PAGE_ROWS)
  const { page, next } = nextPage(cursor, rows, ports.clock.now())
  return { feedback: page.map(entryOf), cursor: encodeCursor(next) }
}

function entryOf({ entry: _place, ...entry }: FeedbackRow): FeedbackEntry {
  return entry
}
