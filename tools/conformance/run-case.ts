import type { ClientHttp2Session } from 'node:http2'
import { setTimeout as wait } from 'node:timers/promises'
import type { Case, CaseRequest } from './case.ts'
import { placeholders } from './case.ts'
import { presented } from './credentials.ts'
import { judge, resultsIn } from './judge.ts'
import type { Sessions, Setting, TokenKind } from './setting.ts'
import { expectedSummary, type Outgoing, type Seen, type Silence, send, summary } from './wire.ts'

export interface Result {
  readonly id: string
  readonly expected: string
  readonly seen: string
  /** What is wrong with it. */
  readonly faults: readonly string[]
  /** Why the case could not be run against this target. */
  readonly skipped?: string
}

interface Runnable extends Case {
  readonly request: CaseRequest
}

export function isRunnable(one: Case): one is Runnable {
  return one.request !== undefined && typeof one.expect !== 'string'
}

/** Runs one case against a target over HTTP/2. */
export async function runCase(
  one: Runnable,
  setting: Setting,
  sessions: Sessions,
): Promise<Result> {
  const { id, expect } = one
  const expected = expectedSummary(expect)
  if (typeof expect === 'string') throw new Error(`${id} is a behavior, not a request`)
  const { tokens } = setting
  if (one.kind === 'provider-token' && !tokens)
    return skipped(id, expected, 'no domain for provider tokens')
  const { certificate, authorization } = presented(one.auth, tokens)
  const pair = certificate && (await setting.certificate(certificate))
  if (certificate && !pair) return skipped(id, expected, `no certificate "${certificate}"`)
  const path = await withTokens(one.request.path, one, setting)
  const body = await withTokens(one.request.body, one, setting)
  if (path === undefined || body === undefined)
    return skipped(id, expected, 'no device token in that state')
  const url = certificate ? setting.url : (tokens?.url ?? setting.url)
  const session = sessions.of(certificate ?? `none ${id}`, pair, url)
  const request = outgoing({ ...one.request, path, body }, url, authorization)
  const seen = await sendUntilDead(one, session, request)
  const answers = certificate !== undefined || tokens !== undefined
  return { id, expected, seen: summary(seen), faults: faultsOf(one, seen, request, answers) }
}

/** A service may believe for some seconds that a token is alive (docs/provider-api.md). */
const DEATH_WITHIN_MS = 10_000

async function sendUntilDead(
  { given }: Runnable,
  session: ClientHttp2Session,
  request: Outgoing,
): Promise<Seen | Silence> {
  const deadline = Date.now() + (given?.includes('token "dead"') ? DEATH_WITHIN_MS : 0)
  for (;;) {
    const seen = await send(session, request)
    if ('silence' in seen || !isAccepted(seen) || Date.now() >= deadline) return seen
    await wait(100)
  }
}

/** Of a request to many devices, for all of them. */
function isAccepted(seen: Seen): boolean {
  return seen.status === 200 && resultsIn(seen).every((result) => result === 'accepted')
}

function skipped(id: string, expected: string, why: string): Result {
  return { id, expected, seen: 'not run', faults: [], skipped: `the target has ${why}` }
}

/** Where client certificates are demanded, a refused handshake is the answer to a client without one. */
function faultsOf(
  { expect }: Runnable,
  seen: Seen | Silence,
  { fields }: Outgoing,
  mustAnswer: boolean,
): string[] {
  if ('silence' in seen) return mustAnswer ? [seen.silence] : []
  if (typeof expect === 'string') return []
  const ids = fields.filter(([name]) => name === 'apns-id').map(([, value]) => value)
  return judge(expect, seen, ids.length === 1 ? ids[0] : undefined)
}

/** Puts the target's own tokens in the place of the file's. */
async function withTokens(
  text: string,
  { request, given }: Runnable,
  setting: Setting,
): Promise<string | undefined> {
  const topic = request.headers['apns-topic'] ?? setting.topic
  const kind: TokenKind = given?.includes('expired') ? 'expired' : 'dead'
  const own = given?.includes('registered for that topic') ? topic : setting.topic
  const withLive = await replace(text, placeholders.live, () => setting.token('live', own))
  return withLive && replace(withLive, placeholders.dead, () => setting.token(kind, setting.topic))
}

async function replace(
  path: string,
  placeholder: string,
  make: () => Promise<string | undefined>,
): Promise<string | undefined> {
  // cut-down placeholders stand for cut-down tokens
  const start = placeholder.slice(0, 60)
  const upper = path.includes(start.toUpperCase())
  if (!upper && !path.includes(start)) return path
  const token = await make()
  if (!token) return undefined
  const part = new RegExp(`${start}[0-9a-f]*`, 'i').exec(path)?.[0] ?? ''
  const own = token.padEnd(part.length, '0').slice(0, part.length)
  return path.replaceAll(part, upper ? own.toUpperCase() : own)
}

function outgoing(request: CaseRequest, url: string, authorization: string | undefined): Outgoing {
  const { host, hostname } = new URL(url)
  const raw = request.rawHeaders ?? []
  const replaced = new Set(raw.map(([name]) => name))
  const fields = Object.entries(request.headers).filter(([name]) => !replaced.has(name))
  return {
    method: request.method,
    path: request.path,
    fields: [
      ...fields.map(([name, value]): [string, string] => [name, timed(value)]),
      ...raw,
      ...(authorization === undefined ? [] : [['authorization', authorization] as const]),
    ],
    body: bodyOf(request),
    ...(request.pseudo === 'authority-without-port' && { authority: hostname }),
    ...(request.pseudo === 'host-only' && { host }),
  }
}

function timed(value: string): string {
  const after = /^now\+(\d+)$/.exec(value)?.[1]
  return after ? String(Math.floor(Date.now() / 1000) + Number(after)) : value
}

function bodyOf({ body, bodyBytes, bodyHex }: CaseRequest): Buffer {
  if (bodyHex !== undefined) return Buffer.from(bodyHex, 'hex')
  if (bodyBytes === undefined) return Buffer.from(body, 'utf8')
  const frame = '{"aps":{"alert":""}}'
  return Buffer.from(frame.replace('""', `"${'x'.repeat(bodyBytes - frame.length)}"`))
}
