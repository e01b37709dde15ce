import { createHash, createHmac } from 'node:crypto'

export interface SigningIdentity {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

/** A POST to the root of an AWS service that speaks one of the JSON protocols. */
export interface JsonCall {
  readonly url: URL
  readonly region: string
  /** The signing name, for example `logs`. */
  readonly service: string
  /** `X-Amz-Target`. */
  readonly operation: string
  readonly body: string
}

/**
 * The headers of a signed call, for the few services of which this project has no client.
 * Source: AWS, "Create a signed AWS API request" (Signature Version 4).
 */
export function signedHeaders(
  call: JsonCall,
  identity: SigningIdentity,
  now: Date,
): Record<string, string> {
  const time = `${now.toISOString().replace(/[-:]/g, '').slice(0, 15)}Z`
  const headers: Record<string, string> = {
    'content-type': 'application/x-amz-json-1.1',
    host: call.url.host,
    'x-amz-date': time,
    ...(identity.sessionToken && { 'x-amz-security-token': identity.sessionToken }),
    'x-amz-target': call.operation,
  }
  const scope = [time.slice(0, 8), call.region, call.service, 'aws4_request']
  const names = Object.keys(headers).join(';')
  const lines = Object.entries(headers).map(([name, value]) => `${name}:${value}\n`)
  const canonical = ['POST', '/', '', lines.join(''), names, sha256(call.body)].join('\n')
  const toSign = ['AWS4-HMAC-SHA256', time, scope.join('/'), sha256(canonical)].join('\n')
  const key = scope.reduce<string | Buffer>(hmac, `AWS4${identity.secretAccessKey}`)
  const credential = `${identity.accessKeyId}/${scope.join('/')}`
  const signature = hmac(key, toSign).toString('hex')
  const authorization = `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${names}, Signature=${signature}`
  return { ...headers, authorization }
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
