import { createHmac, hash as digest, timingSafeEqual } from 'node:crypto'

/**
 * AWS Signature Version 4 as a service checks it: the signature in the Authorization header, over
 * method, path, query, the signed headers and the body. Source: IAM User Guide, "Create a signed AWS
 * API request"; Amazon S3 API Reference, "Authenticating Requests: Using the Authorization Header".
 */

/** What a request says of its signature. */
export interface Claim {
  readonly accessKeyId: string
  /** `yyyymmdd` of the credential scope. */
  readonly day: string
  readonly region: string
  /** The signing name, for example `dynamodb`. */
  readonly service: string
  /** Names of the signed headers, in lower case. */
  readonly signedHeaders: readonly string[]
  /** 64 hex digits. */
  readonly signature: string
}

export interface SignedRequest {
  readonly method: string
  /** Path and query as they came, percent-encoded. */
  readonly url: string
  /** Names in lower case; several of a name joined by commas. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly body: Buffer
}

export interface Secrets {
  readonly secretAccessKey: string
  /** Where there is one the request must carry it. */
  readonly sessionToken?: string
}

/**
 * Why a signature is invalid: `incomplete` does not cover everything that it must; `skewed` is more
 * than 15 minutes off; `token` has another session token; `payload` is for another body; `encoding`
 * consists of separately signed chunks; `mismatch` belongs to another secret or another request.
 */
export type SignatureFlaw = 'incomplete' | 'skewed' | 'token' | 'payload' | 'encoding' | 'mismatch'

const algorithm = 'AWS4-HMAC-SHA256'

/** Milliseconds that a request's time may be away from this machine's. Source: as AWS, 15 minutes. */
export const greatestSkewMs = 15 * 60 * 1000

const form =
  /^AWS4-HMAC-SHA256 +Credential=([^/, ]+)\/(\d{8})\/([^/, ]+)\/([^/, ]+)\/aws4_request, *SignedHeaders=([a-z0-9;._-]+), *Signature=([0-9a-f]{64})$/

/** Reads an Authorization header; undefined when it is not a signature of this kind. */
export function readClaim(authorization: string | undefined): Claim | undefined {
  const found = form.exec(authorization ?? '')
  if (found === null) return undefined
  const [, accessKeyId = '', day = '', region = '', service = '', names = '', signature = ''] =
    found
  return { accessKeyId, day, region, service, signedHeaders: names.split(';'), signature }
}

/** Checks a request against the secrets of its access key; undefined when the signature counts. */
export function flawOf(
  request: SignedRequest,
  claim: Claim,
  secrets: Secrets,
  now: number,
): SignatureFlaw | undefined {
  const time = single(request.headers['x-amz-date'])
  if (!coversEnough(request, claim)) return 'incomplete'
  if (!(Math.abs(timeOf(time) - now) <= greatestSkewMs)) return 'skewed'
  if (!time.startsWith(claim.day)) return 'mismatch'
  const { sessionToken } = secrets
  if (
    sessionToken !== undefined &&
    single(request.headers['x-amz-security-token']) !== sessionToken
  )
    return 'token'
  const payload = payloadOf(request, claim.service)
  if ('flaw' in payload) return payload.flaw
  const expected = signatureOf(request, claim, payload.hash, signingKey(secrets, claim))
  return timingSafeEqual(Buffer.from(expected), Buffer.from(claim.signature))
    ? undefined
    : 'mismatch'
}

/** The host, the time and every other `x-amz-` header; a session token is compared separately. */
function coversEnough({ headers }: SignedRequest, { signedHeaders }: Claim): boolean {
  if (!signedHeaders.includes('host') || !signedHeaders.includes('x-amz-date')) return false
  return Object.keys(headers).every(
    (name) => !/^x-amz-(?!security-token$)/.test(name) || signedHeaders.includes(name),
  )
}

function single(value: string | readonly string[] | undefined): string {
  return typeof value === 'string' ? value : (value?.join(',') ?? '')
}

/** `20150830T123600Z` in milliseconds; NaN for anything else. */
function timeOf(time: string): number {
  const [, y, m, d, hour, minute, second] =
    /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(time) ?? []
  return Date.UTC(Number(y), Number(m) - 1, Number(d), Number(hour), Number(minute), Number(second))
}

/** The hash that the signature covers; only S3 lets a client leave the body out or sign it in pieces. */
function payloadOf(
  { headers, body }: SignedRequest,
  service: string,
): { hash: string } | { flaw: SignatureFlaw } {
  if (service !== 's3') return { hash: sha256(body) }
  const said = single(headers['x-amz-content-sha256'])
  if (said === 'UNSIGNED-PAYLOAD' || said === 'STREAMING-UNSIGNED-PAYLOAD-TRAILER')
    return { hash: said }
  if (said === '') return { flaw: 'incomplete' }
  if (said.startsWith('STREAMING-')) return { flaw: 'encoding' }
  return said === sha256(body) ? { hash: said } : { flaw: 'payload' }
}

function signatureOf(request: SignedRequest, claim: Claim, hash: string, key: Buffer): string {
  const scope = `${claim.day}/${claim.region}/${claim.service}/aws4_request`
  const time = single(request.headers['x-amz-date'])
  const text = `${algorithm}\n${time}\n${scope}\n${sha256(canonicalRequest(request, claim, hash))}`
  return createHmac('sha256', key).update(text).digest('hex')
}

/** Exported for the vectors. */
function canonicalRequest(
  { method, url, headers }: SignedRequest,
  { service, signedHeaders }: Pick<Claim, 'service' | 'signedHeaders'>,
  hash: string,
): string {
  const mark = url.indexOf('?')
  const path = mark === -1 ? url : url.slice(0, mark)
  const query = mark === -1 ? '' : canonicalQuery(url.slice(mark + 1))
  let lines = ''
  for (const name of signedHeaders)
    lines += `${name}:${single(headers[name]).trim().replace(/ +/g, ' ')}\n`
  return `${method}\n${canonicalPath(path, service)}\n${query}\n${lines}\n${signedHeaders.join(';')}\n${hash}`
}

/** S3 takes the path as it is, encoded once; the others resolve its dots and encode it again. */
function canonicalPath(path: string, service: string): string {
  if (path === '/') return path
  if (service === 's3') return path.split('/').map(reencoded).join('/')
  const kept: string[] = []
  for (const segment of path.split('/')) {
    if (segment === '..') kept.pop()
    else if (segment !== '' && segment !== '.') kept.push(encoded(segment))
  }
  return `/${kept.join('/')}${kept.length > 0 && path.endsWith('/') ? '/' : ''}`
}

function canonicalQuery(query: string): string {
  if (query === '') return ''
  const pairs = query.split('&').map((pair) => {
    const equals = pair.indexOf('=')
    return equals === -1
      ? ([reencoded(pair), ''] as const)
      : ([reencoded(pair.slice(0, equals)), reencoded(pair.slice(equals + 1))] as const)
  })
  pairs.sort(([a, x], [b, y]) => compare(a, b) || compare(x, y))
  return pairs.map(([name, value]) => `${name}=${value}`).join('&')
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b)
}

/** Percent-encoding of RFC 3986, however the sender encoded it; what cannot be decoded stays. */
function reencoded(text: string): string {
  try {
    return encoded(decodeURIComponent(text))
  } catch {
    return text
  }
}

function encoded(text: string): string {
  const hex = (character: string) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`
  return encodeURIComponent(text).replace(/[!'()*]/g, hex)
}

function sha256(content: string | Buffer): string {
  return digest('sha256', content)
}

/** Signing keys count for a day and a service; deriving one takes four HMACs, so they are kept. */
const signingKeys = new Map<string, Buffer>()
const mostSigningKeys = 1000

function signingKey({ secretAccessKey }: Secrets, { day, region, service }: Claim): Buffer {
  const name = `${secretAccessKey}/${day}/${region}/${service}`
  const known = signingKeys.get(name)
  if (known !== undefined) return known
  const parts = [day, region, service, 'aws4_request']
  const derived = parts.reduce<Buffer>(
    (key, part) => createHmac('sha256', key).update(part).digest(),
    Buffer.from(`AWS4${secretAccessKey}`),
  )
  if (signingKeys.size >= mostSigningKeys) signingKeys.clear()
  signingKeys.set(name, derived)
  return derived
}
