import { parseNotificationId } from '@heliograph/protocol/identifiers'

/** The first line of a journal says so. */
export const KIND = 'campaign 1'

/** What identifies a campaign: if anything differs, it is another one. */
export interface Terms {
  /** The `apns-id` of every request of the campaign. */
  readonly id: string
  /** SHA-256 of the token file and of the payload. */
  readonly tokensFile: string
  readonly payload: string
  /** The `apns-` headers but the id. */
  readonly headers: Readonly<Record<string, string>>
  readonly tokens: number
  /** Tokens of a request, which numbers the chunks. */
  readonly perRequest: number
}

export interface Begun {
  readonly begun: number
  /** Milliseconds since the epoch, as all times here. */
  readonly at: number
}

export interface Done extends Open {
  readonly done: number
  readonly at: number
  /** How many ended with which reason, or `accepted`. */
  readonly ends: Readonly<Record<string, number>>
  readonly gone: readonly Gone[]
}

/** Recipients of a chunk, by their places in it, that have no end yet. */
export interface Open {
  /** Those that the service certainly has not accepted, by its last reason. */
  readonly later: Readonly<Record<string, readonly number[]>>
  /** Those that it may have accepted: the answer was lost, or was a 5xx. */
  readonly doubt: readonly number[]
  /** Since when, if there are any. */
  readonly since?: number
}

/** A token that is of no use any more: `[token, reason, timestamp]`. */
export type Gone = readonly [token: string, reason: string, timestamp: number]

type Parsed = Readonly<Record<string, unknown>>

/** The first line of a journal; undefined if it is another file's, or damaged. */
export function parseTerms(value: unknown): Terms | undefined {
  if (!isObject(value) || value.heliograph !== KIND) return undefined
  const { id, tokensFile, payload, headers, tokens, perRequest } = value
  const isWhole =
    parseNotificationId(id) !== undefined &&
    [tokensFile, payload].every((one) => typeof one === 'string') &&
    isObject(headers) &&
    Object.values(headers).every((one) => typeof one === 'string') &&
    [tokens, perRequest].every((one) => isWithin(one, 1, Number.MAX_SAFE_INTEGER))
  return isWhole ? ({ id, tokensFile, payload, headers, tokens, perRequest } as Terms) : undefined
}

/**
 * Any other line of a journal of these terms. What was changed by hand, or cut and mended, must not send to someone a
 * second time: undefined if anything is not as a campaign writes it.
 */
export function parseEntry(value: unknown, terms: Terms): Begun | Done | undefined {
  if (!isObject(value) || !isTime(value.at)) return undefined
  return 'done' in value ? parseDone(value, terms) : parseBegun(value, terms)
}

function parseBegun({ begun, at }: Parsed, terms: Terms): Begun | undefined {
  return isChunk(begun, terms) ? { begun, at: at as number } : undefined
}

function parseDone(value: Parsed, terms: Terms): Done | undefined {
  const { done, ends, gone, later, doubt, since } = value
  if (!isChunk(done, terms)) return undefined
  const length = Math.min(terms.perRequest, terms.tokens - done * terms.perRequest)
  const isPlace = (one: unknown) => isWithin(one, 0, length - 1)
  const arePlaces = (all: unknown) => Array.isArray(all) && all.every(isPlace)
  const isWhole =
    isObject(ends) &&
    Object.values(ends).every((one) => isWithin(one, 1, length)) &&
    isObject(later) &&
    Object.values(later).every(arePlaces) &&
    arePlaces(doubt) &&
    (since === undefined || isTime(since)) &&
    Array.isArray(gone) &&
    gone.every(isGone)
  return isWhole ? (value as unknown as Done) : undefined
}

function isGone(value: unknown): boolean {
  if (!Array.isArray(value) || value.length !== 3) return false
  const [token, reason, timestamp] = value
  return typeof token === 'string' && typeof reason === 'string' && isTime(timestamp)
}

function isChunk(value: unknown, { tokens, perRequest }: Terms): value is number {
  return isWithin(value, 0, Math.ceil(tokens / perRequest) - 1)
}

function isWithin(value: unknown, least: number, most: number): boolean {
  return Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most
}

const isTime = (value: unknown) => Number.isFinite(value) && (value as number) >= 0

function isObject(value: unknown): value is Parsed {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
