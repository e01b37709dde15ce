import type { Answer } from '@heliograph/core/send/answer'
import type { ProviderRequest } from '@heliograph/core/send/provider-request'
import type { ServerLimits } from './limits.ts'

/** The requester: everything that is the same for all requests of a connection. */
export interface Peer {
  readonly address: string
  /** PEM of the client certificate, whoever issued it: the rules check it. */
  readonly certificate: string | undefined
}

/** The other end of a connection. */
export interface Client {
  /** Whether it has had an answer that only one of ours gets. */
  readonly isKnown: boolean
  peer(): Peer
  welcome(): void
}

/** A request before its body. */
export interface Head {
  readonly method: string
  /** Path and query as sent. */
  readonly target: string
  /** Names in lower case, repeated ones joined by commas. */
  readonly headers: Readonly<Record<string, string>>
  /** Of method, target and headers together. */
  readonly bytes: number
}

export interface Exchanges {
  readonly limits: ServerLimits
  /** Bytes of bodies that are held, with what their pieces take. */
  held: number
  /** Requests under way. */
  open: number
  /** How many of them come from unknown clients. */
  ofNewcomers: number
  readonly answer: (request: ProviderRequest) => Promise<Answer>
  /** An answer that needs no rule, by its status. */
  readonly edge: (status: number, head: Head) => Answer
  /** Of a request that was refused. */
  readonly refused: (head: Head, answer: Answer) => void
  readonly failed: (fault: unknown) => void
  /** Of every answer: its status and how long the request took, milliseconds. */
  readonly answered: (status: number, tookMs: number) => void
}

/** The head of a request as name, value, name, value …: as both of Node's servers have it. */
export function readHead(method: string, target: string, raw: readonly string[]): Head {
  const headers: Record<string, string> = Object.create(null)
  let bytes = method.length + target.length
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = (raw[at] as string).toLowerCase()
    if (name.charCodeAt(0) === COLON) continue
    const value = raw[at + 1] as string
    bytes += name.length + value.length
    const before = headers[name]
    headers[name] = before === undefined ? value : `${before},${value}`
  }
  return { method, target, headers, bytes }
}

const COLON = 58

/** Overhead of a piece of a body, which may have a single byte. */
export const PIECE_BYTES = 128

/** Counts a request until the returned function is called. */
export function begin({ isKnown }: Client, at: Exchanges): () => void {
  const newcomers = isKnown ? 0 : 1
  at.open += 1
  at.ofNewcomers += newcomers
  return () => {
    at.open -= 1
    at.ofNewcomers -= newcomers
  }
}

/** Why a request is refused before its body is read, as a status. */
export function refuseHead(
  { bytes, headers }: Head,
  { isKnown }: Client,
  at: Exchanges,
): number | undefined {
  const { inFlight } = at.limits
  if (at.open > inFlight || isTooMuch(at)) return 503
  // strangers leave half of the room to those who are known
  if (!isKnown && at.ofNewcomers > inFlight / 2) return 503
  if (bytes > at.limits.headBytes) return 431
  return Number(headers['content-length'] ?? 0) > at.limits.readBytes ? 413 : undefined
}

/** Whether bodies hold all the memory that they may: asked at every piece of one. */
export function isTooMuch({ held, limits }: Exchanges): boolean {
  return held > limits.bufferedBytes
}

/** Without the query. */
export function pathOf(target: string): string {
  const mark = target.indexOf('?')
  return mark < 0 ? target : target.slice(0, mark)
}

/**
 * The request as the rules take it, or undefined if its path cannot be decoded. If there is a
 * certificate, it is the credential; otherwise it may be a provider token.
 */
function providerRequest(
  { method, target, headers }: Head,
  body: Uint8Array,
  { address, certificate }: Peer,
): ProviderRequest | undefined {
  const local = target.startsWith('/') ? target : target.replace(/^https?:\/\/[^/?#]*/i, '')
  const path = decodePath(pathOf(local))
  if (path === undefined) return undefined
  const query = queryOf(local)
  return certificate === undefined
    ? { method, path, headers, query, body, clientCertificate: undefined, tokenSource: address }
    : { method, path, headers, query, body, clientCertificate: certificate }
}

function decodePath(path: string): string | undefined {
  if (!path.includes('%')) return path
  try {
    return decodeURIComponent(path)
  } catch {
    return undefined
  }
}

const noQuery = {}

function queryOf(target: string): ProviderRequest['query'] {
  const mark = target.indexOf('?')
  return mark < 0 ? noQuery : Object.fromEntries(new URLSearchParams(target.slice(mark + 1)))
}

/** Works one whole request; never rejects. */
export async function answerRequest(
  head: Head,
  body: Uint8Array,
  client: Client,
  at: Exchanges,
): Promise<Answer> {
  const request = providerRequest(head, body, client.peer())
  if (!request) return at.edge(400, head)
  try {
    const answer = await at.answer(request)
    if (isForOurs(answer)) client.welcome()
    return answer
  } catch (fault) {
    at.failed(fault)
    return at.edge(503, head)
  }
}

/**
 * Answers that only a caller with a credential and a token, or with a code, can get; 410 confirms
 * that the token was valid.
 */
function isForOurs({ status }: Answer): boolean {
  return status < 300 || status === 410
}

/** Notes an answer for the log and the metrics. */
export function note(head: Head, answer: Answer, since: number, at: Exchanges): void {
  at.answered(answer.status, performance.now() - since)
  if (answer.status >= 400) at.refused(head, answer)
}
