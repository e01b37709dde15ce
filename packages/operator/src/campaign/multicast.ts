import { type Reason, rejections } from '@heliograph/protocol/rejection'
import { Failure } from '../failure.ts'
import type { Edge, EdgeAnswer } from '../operations/edge.ts'

/** What the service says of one device token. */
export interface Result {
  readonly status: number
  readonly reason?: string
  /** With 410: since when the token is dead; milliseconds since the epoch. */
  readonly timestamp?: number
}

export type Outcome = 'accepted' | 'dead' | 'bad' | 'later' | 'refused'

/** What happens to a token with this result. */
export function outcomeOf({ status, reason }: Result): Outcome {
  if (status === 200) return 'accepted'
  if (status === 410) return 'dead'
  const retry = reason === undefined ? undefined : rejections[reason as Reason]?.retry
  if (status === 429 || status >= 500 || retry === 'new-connection') return 'later'
  return retry === 'never' && reason !== 'PayloadTooLarge' ? 'bad' : 'refused'
}

/** An answer to a request for many devices. */
export type Answer =
  | { readonly kind: 'results'; readonly results: readonly Result[] }
  /** Refused as a whole, for now; after a 5xx it may have been accepted all the same. */
  | {
      readonly kind: 'later'
      readonly result: Result
      readonly why: string
      readonly retryAfterMs?: number | undefined
    }

/** One request for many devices (docs/provider-api.md). */
export interface Multicast {
  readonly tokens: readonly string[]
  /** JSON text, sent byte for byte. */
  readonly payload: string
  readonly headers: Readonly<Record<string, string>>
}

/** @throws Failure if the service permanently refuses the request, or does not answer. */
export async function sendMulticast(
  edge: Edge,
  { tokens, payload, headers }: Multicast,
  nowMs: number,
): Promise<Answer> {
  const answer = await edge.request({
    method: 'POST',
    path: '/3/devices',
    headers,
    body: `{"tokens":${JSON.stringify(tokens)},"payload":${payload}}`,
  })
  if (answer.status === 200) return { kind: 'results', results: resultsIn(answer, tokens.length) }
  const result = { status: answer.status, ...reasonIn(answer) }
  if (outcomeOf(result) !== 'later') throw refusal(answer, result.reason)
  const retryAfterMs = readRetryAfter(answer.headers['retry-after'], nowMs)
  return {
    kind: 'later',
    result,
    why: `the service answers ${wordsOf(answer, result.reason)}`,
    retryAfterMs,
  }
}

function refusal(answer: EdgeAnswer, reason: string | undefined): Failure {
  const older =
    reason === 'BadPath' ? ': it takes only one device per request; deploy it again' : ''
  return new Failure(
    'refused',
    `the service refuses the request: ${wordsOf(answer, reason)}${older}`,
  )
}

function wordsOf({ status, headers }: EdgeAnswer, reason = ''): string {
  const detail = headers['heliograph-detail']
  return [`${status} ${reason}`.trim(), ...(detail ? [detail] : [])].join(', ')
}

function reasonIn({ body }: EdgeAnswer): { readonly reason?: string } {
  try {
    const { reason } = JSON.parse(body) as { readonly reason?: unknown }
    return typeof reason === 'string' ? { reason } : {}
  } catch {
    // a front end's own answer
    return {}
  }
}

function resultsIn({ body }: EdgeAnswer, count: number): readonly Result[] {
  try {
    const { results } = JSON.parse(body) as { readonly results?: unknown }
    if (Array.isArray(results) && results.length === count && results.every(isResult))
      return results
  } catch {
    // falls through
  }
  throw new Failure(
    'failed',
    `the edge did not answer with a result for each token: ${body.slice(0, 80)}`,
  )
}

function isResult(value: unknown): value is Result {
  const { status, reason, timestamp } = (value ?? {}) as Record<string, unknown>
  return (
    typeof status === 'number' &&
    (reason === undefined ? status === 200 : typeof reason === 'string') &&
    (timestamp === undefined || typeof timestamp === 'number')
  )
}

/** Seconds, or a date (RFC 9110 section 10.2.3), as milliseconds from now. */
function readRetryAfter(value: string | undefined, nowMs: number): number | undefined {
  if (value === undefined) return undefined
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1_000
  const at = Date.parse(value)
  return Number.isNaN(at) ? undefined : Math.max(0, at - nowMs)
}
