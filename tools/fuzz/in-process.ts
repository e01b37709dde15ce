import type { Log } from '@heliograph/aws/log'
import { acceptHandler } from '../../lambdas/accept/handler.ts'
import type { HttpEvent } from '../../lambdas/http.ts'
import { resultsIn } from '../conformance/judge.ts'
import type { Seen } from '../conformance/wire.ts'
import { random } from '../simulate/random.ts'
import { APP, certificates, Desk, OTHER_DEVICE, VOIP } from './desk.ts'
import { type FuzzRequest, type Ground, generate } from './generate.ts'
import { verdict } from './verdict.ts'

export interface FuzzReport {
  readonly requests: number
  /** How often each answer came. */
  readonly answers: ReadonlyMap<string, number>
  /** The first request that was answered wrongly, and how. */
  readonly failure?: Failure
}

export interface Failure {
  readonly index: number
  readonly request: FuzzRequest
  readonly faults: readonly string[]
}

/** Enough to send the request again by hand. */
export function describeFailure({ index, request, faults }: Failure): string {
  const body = request.body.toString('base64')
  return `request ${index}: ${faults.join(', ')}\n${JSON.stringify({ ...request, body })}`
}

const silent: Log = { info() {}, warn() {}, error() {} }

/** Requests into the accept function itself, over ports in memory. */
export async function fuzzInProcess(
  seed: number,
  requests: number,
  onProgress: (done: number) => void = () => {},
): Promise<FuzzReport> {
  const desk = makeDesk()
  const handler = acceptHandler(desk.ports, silent)
  const chance = random(seed)
  const ground = groundOf(desk)
  const answers = new Map<string, number>()
  for (let index = 0; index < requests; index += 1) {
    const request = generate(chance, ground)
    desk.forget()
    const seen = seenOf(await handler(eventOf(request)))
    const queued = desk.allQueued
    const { name, faults } = verdict(request, seen, queued.at(-1)?.payload)
    if (queued.length !== acceptedIn(seen)) faults.push('queue and answer disagree')
    answers.set(name, (answers.get(name) ?? 0) + 1)
    if (faults.length > 0)
      return { requests: index + 1, answers, failure: { index, request, faults } }
    if (index % 10_000 === 0) onProgress(index)
  }
  return { requests, answers }
}

/** How many notifications an answer takes over. */
function acceptedIn(seen: Seen): number {
  if (seen.status !== 200) return 0
  return seen.body === '' ? 1 : resultsIn(seen).filter((one) => one === 'accepted').length
}

function makeDesk(): Desk {
  const desk = new Desk()
  desk.register(VOIP)
  for (const topic of [APP, VOIP])
    desk.register(topic, { live: false, unregisteredAt: 1_795_444_921_898 }, OTHER_DEVICE)
  return desk
}

function groundOf(desk: Desk): Ground {
  const tokens = new Map<string, string>()
  for (const topic of [APP, VOIP]) {
    tokens.set(`live ${topic}`, desk.token(topic))
    tokens.set(`dead ${topic}`, desk.token(topic, undefined, OTHER_DEVICE))
  }
  return {
    topics: [APP, VOIP],
    token: (state, topic) => tokens.get(`${state} ${topic}`) ?? '',
  }
}

/** As API Gateway hands it over: names joined, the path decoded, text as text. */
function eventOf({ method, path, fields, body, certificate }: FuzzRequest): HttpEvent {
  const headers: Record<string, string> = { 'content-length': String(body.length) }
  for (const [name, value] of fields) {
    const bytes = Buffer.from(value, 'utf8').toString('latin1')
    headers[name] = headers[name] === undefined ? bytes : `${headers[name]},${bytes}`
  }
  const asText = headers['content-type'] === 'application/json'
  return {
    rawPath: decode(path),
    headers,
    body: body.toString(asText ? 'utf8' : 'base64'),
    isBase64Encoded: !asText,
    requestContext: {
      http: { method },
      authentication: { clientCert: { clientCertPem: certificates[certificate] } },
    },
  }
}

function decode(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}

type Result = Awaited<ReturnType<ReturnType<typeof acceptHandler>>>

function seenOf({ statusCode = 0, headers = {}, body = '' }: Result) {
  const texts = Object.entries(headers).map(([name, value]) => [name, String(value)])
  return {
    status: statusCode,
    headers: Object.fromEntries(texts) as Record<string, string>,
    body,
    chunks: body === '' ? 0 : 1,
    endedByHeaders: body === '',
    tookMs: 0,
  }
}
