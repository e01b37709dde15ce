import { randomBytes } from 'node:crypto'
import type { ClientCertificate } from './client-certificate.ts'
import type { GatewayOptions } from './options.ts'
import { joinHeaders, type RequestHead } from './request.ts'
import type { RouteMatch } from './routes.ts'

/** A path and query that API Gateway has decoded; see `parseTarget`. */
export interface Target {
  /** Decoded, and with the stage if the API's stage has a name. */
  readonly rawPath: string
  /** What routes are matched against. */
  readonly routePath: string
  readonly rawQueryString: string
}

/** The event a function gets from an HTTP API ("payload format 2.0"). */
export interface HttpApiEvent {
  readonly version: '2.0'
  readonly routeKey: string
  readonly rawPath: string
  readonly rawQueryString: string
  readonly cookies?: readonly string[]
  readonly headers: Readonly<Record<string, string>>
  readonly queryStringParameters?: Readonly<Record<string, string>>
  readonly pathParameters?: Readonly<Record<string, string>>
  readonly requestContext: RequestContext
  readonly body?: string
  readonly isBase64Encoded: boolean
}

interface RequestContext {
  readonly accountId: string
  readonly apiId: string
  readonly authentication?: { readonly clientCert: ClientCertificate }
  readonly domainName: string
  readonly domainPrefix: string
  readonly http: {
    readonly method: string
    readonly path: string
    readonly protocol: 'HTTP/1.1'
    readonly sourceIp: string
    readonly userAgent: string
  }
  readonly requestId: string
  readonly routeKey: string
  readonly stage: string
  readonly time: string
  readonly timeEpoch: number
}

export type ApiIdentity = Pick<GatewayOptions, 'identity' | 'apiId' | 'domainName' | 'stage'>

/** A request that has found its route. */
export interface RoutedRequest {
  readonly head: RequestHead
  readonly target: Target
  readonly match: RouteMatch
  readonly body: Buffer
  readonly requestId: string
  readonly now: Date
}

/** Builds the event; AWS sends `HTTP/1.1` whatever the client spoke. */
export function buildEvent(api: ApiIdentity, request: RoutedRequest): HttpApiEvent {
  const { head, target, match, body } = request
  const sent = joinHeaders(head)
  const cookies = splitCookies(head)
  const query = parseQuery(target.rawQueryString)
  return {
    version: '2.0',
    routeKey: match.routeKey,
    rawPath: target.rawPath,
    rawQueryString: target.rawQueryString,
    ...(cookies.length > 0 && { cookies }),
    headers: forwardedHeaders(sent, request),
    ...(query !== undefined && { queryStringParameters: query }),
    ...(Object.keys(match.pathParameters).length > 0 && { pathParameters: match.pathParameters }),
    requestContext: buildContext(api, request, sent.get('user-agent') ?? ''),
    ...encodeBody(body, sent),
  }
}

function buildContext(
  api: ApiIdentity,
  { head, target, match, requestId, now }: RoutedRequest,
  userAgent: string,
): RequestContext {
  const { clientCertificate, sourceIp } = head.peer
  const domainName = api.domainName ?? executeApiDomain(api)
  return {
    accountId: api.identity.accountId,
    apiId: api.apiId,
    ...(clientCertificate !== undefined && { authentication: { clientCert: clientCertificate } }),
    domainName,
    domainPrefix: domainName.split('.')[0] ?? '',
    http: {
      method: head.method,
      path: target.rawPath,
      protocol: 'HTTP/1.1',
      sourceIp,
      userAgent,
    },
    requestId,
    routeKey: match.routeKey,
    stage: api.stage,
    time: logTime(now),
    timeEpoch: now.getTime(),
  }
}

function executeApiDomain({ apiId, identity }: ApiIdentity): string {
  return `${apiId}.execute-api.${identity.region}.amazonaws.com`
}

/**
 * Splits and decodes a request target as HTTP APIs were seen to do (live captures of July 2026 in
 * hotsock/voker `vokerhttp/testdata`): the path is percent-decoded, cut at a `?` that this brought to
 * light, and decoded once more; what cannot be decoded is a bad request. The query stays as sent.
 * An endpoint without a custom domain has the stage as first segment of its URLs, unless it is
 * `$default`; a function sees the stage in `rawPath` either way.
 * @returns undefined for a bad request, `'elsewhere'` for a stage that this API does not have.
 */
export function parseTarget(
  target: string,
  api: Pick<ApiIdentity, 'stage' | 'domainName'>,
): Target | undefined | 'elsewhere' {
  const origin = originForm(target)
  if (origin === undefined) return undefined
  const mark = origin.indexOf('?')
  const path = decodePath(mark < 0 ? origin : origin.slice(0, mark))
  if (path === undefined) return undefined
  const rawQueryString = mark < 0 ? '' : origin.slice(mark + 1)
  if (api.stage === '$default') return { rawPath: path, routePath: path, rawQueryString }
  const prefix = `/${api.stage}`
  if (api.domainName !== undefined) {
    return { rawPath: prefix + path, routePath: path, rawQueryString }
  }
  if (path !== prefix && !path.startsWith(`${prefix}/`)) return 'elsewhere'
  return { rawPath: path, routePath: path.slice(prefix.length) || '/', rawQueryString }
}

/** RFC 9112 section 3.2.2 obliges a server to take `https://host/path` as well as `/path`. */
function originForm(target: string): string | undefined {
  const local = target.replace(/^https?:\/\/[^/?#]*/i, '')
  return local.startsWith('/') ? local : undefined
}

function decodePath(path: string): string | undefined {
  if (!path.includes('%')) return path
  try {
    const once = decodeURIComponent(path).split('?')[0] ?? ''
    return decodeURIComponent(once)
  } catch {
    return undefined
  }
}

/** Duplicates are joined by commas; `+` is a space. */
function parseQuery(raw: string): Record<string, string> | undefined {
  if (raw === '') return undefined
  const joined = new Map<string, string>()
  for (const [name, value] of new URLSearchParams(raw)) {
    const before = joined.get(name)
    joined.set(name, before === undefined ? value : `${before},${value}`)
  }
  return Object.fromEntries(joined)
}

function splitCookies(head: RequestHead): string[] {
  return head.headers
    .filter(([name]) => name === 'cookie')
    .flatMap(([, value]) => value.split(';'))
    .map((cookie) => cookie.trim())
    .filter((cookie) => cookie !== '')
}

/** Cookies have a field of their own; the rest belong to one connection (RFC 9110 section 7.6.1). */
const notForwarded = new Set([
  'cookie',
  'connection',
  'expect',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

function forwardedHeaders(
  sent: ReadonlyMap<string, string>,
  { head, body, now }: RoutedRequest,
): Record<string, string> {
  const { sourceIp, port } = head.peer
  const before = sent.get('x-forwarded-for')
  const own: [string, string][] = [
    ['content-length', String(body.length)],
    ['x-amzn-trace-id', sent.get('x-amzn-trace-id') ?? traceId(now)],
    ['x-forwarded-for', before === undefined ? sourceIp : `${before}, ${sourceIp}`],
    ['x-forwarded-port', String(port)],
    ['x-forwarded-proto', 'https'],
  ]
  const kept = [...sent].filter(([name]) => !notForwarded.has(name))
  return Object.fromEntries([...kept, ...own])
}

function traceId(now: Date): string {
  const seconds = Math.floor(now.getTime() / 1000).toString(16)
  return `Root=1-${seconds}-${takeRandom(12).toString('hex')}`
}

/** 16 characters that end in `=`, as API Gateway's. */
export function newRequestId(): string {
  return takeRandom(11).toString('base64')
}

const random = { pool: Buffer.alloc(0), used: 0 }

/** One call of the system's generator for many ids: it was a fifth of the cost of a request. */
function takeRandom(bytes: number): Buffer {
  if (random.used + bytes > random.pool.length) {
    random.pool = randomBytes(4096)
    random.used = 0
  }
  random.used += bytes
  return random.pool.subarray(random.used - bytes, random.used)
}

/** The content types that were seen to arrive as text (ministackorg/ministack pull request 766). */
const textTypes = /^(?:text\/[^;]*|application\/(?:json|xml|javascript))\s*(?:;|$)/i

function encodeBody(
  body: Buffer,
  headers: ReadonlyMap<string, string>,
): Pick<HttpApiEvent, 'body' | 'isBase64Encoded'> {
  if (body.length === 0) return { isBase64Encoded: false }
  const text = textTypes.test(headers.get('content-type') ?? '') && !headers.has('content-encoding')
  return { body: body.toString(text ? 'utf8' : 'base64'), isBase64Encoded: !text }
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** The Common Log Format's time, in UTC: `12/Mar/2020:19:03:58 +0000`. */
function logTime(now: Date): string {
  const iso = now.toISOString()
  const month = months[now.getUTCMonth()] ?? ''
  return `${iso.slice(8, 10)}/${month}/${iso.slice(0, 4)}:${iso.slice(11, 19)} +0000`
}
