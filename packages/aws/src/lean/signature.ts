import { createHmac, hash } from 'node:crypto'
import type { Credentials } from '../environment-credentials.ts'

/** A request as Signature Version 4 signs it. */
export interface SignedRequest {
  readonly method: string
  /** Percent-encoded, with the query, whose parameters are in the order of their names. */
  readonly path: string
  /** All of them are signed; their names are in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Uint8Array
}

export interface SigningScope {
  readonly service: string
  readonly region: string
}

/**
 * The request's headers with those that sign it. Only what the lean clients send: one value for each header,
 * a path that is normal, and a body that is hashed (AWS: "Create a signed AWS API request").
 */
export function signed(
  request: SignedRequest,
  { region, service }: SigningScope,
  { accessKeyId, secretAccessKey, sessionToken }: Credentials,
  now: Date,
): Record<string, string> {
  const time = `${now.toISOString().replace(/[-:]/g, '').slice(0, 15)}Z`
  const day = time.slice(0, 8)
  const headers = {
    ...request.headers,
    'x-amz-date': time,
    ...(sessionToken ? { 'x-amz-security-token': sessionToken } : {}),
  }
  const sorted = Object.entries(headers).sort(([a], [b]) => (a < b ? -1 : 1))
  const names = sorted.map(([name]) => name).join(';')
  const [path = '', query = ''] = request.path.split('?')
  const canonical = [
    request.method,
    // once more: every service except S3 encodes the already encoded path again
    path.split('/').map(encoded).join('/'),
    query,
    ...sorted.map(([name, value]) => `${name}:${value.trim().replace(/ +/g, ' ')}`),
    '',
    names,
    hash('sha256', request.body),
  ].join('\n')
  const scope = `${day}/${region}/${service}/aws4_request`
  const text = ['AWS4-HMAC-SHA256', time, scope, hash('sha256', canonical)].join('\n')
  const key = [day, region, service, 'aws4_request'].reduce<string | Buffer>(
    hmac,
    `AWS4${secretAccessKey}`,
  )
  const authorization = `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${hmac(key, text).toString('hex')}`
  return { ...headers, authorization }
}

/** Percent-encoding of RFC 3986, as SigV4 wants it: all but its unreserved characters. */
export function encoded(text: string): string {
  const hex = (character: string) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`
  return encodeURIComponent(text).replace(/[!'()*]/g, hex)
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}
