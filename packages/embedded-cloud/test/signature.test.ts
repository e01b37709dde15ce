import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import {
  type Claim,
  flawOf,
  greatestSkewMs,
  readClaim,
  type Secrets,
  type SignedRequest,
} from '../src/signature.ts'

interface Vector {
  readonly name: string
  readonly method: string
  readonly url: string
  readonly headers: Record<string, string | string[]>
  readonly body: string
  readonly sessionToken?: string
}

const file = JSON.parse(
  readFileSync(new URL('../../../test/vectors/sigv4.json', import.meta.url), 'utf8'),
) as { secretAccessKey: string; now: string; requests: Vector[] }
const now = Date.parse(file.now)

function read(vector: Vector): { request: SignedRequest; claim: Claim; secrets: Secrets } {
  const { authorization, ...headers } = vector.headers
  const claim = readClaim(String(authorization))
  if (claim === undefined) throw new Error(`${vector.name} has no signature`)
  const { sessionToken } = vector
  const secrets = {
    secretAccessKey: file.secretAccessKey,
    ...(sessionToken && { sessionToken }),
  }
  const { method, url } = vector
  return { request: { method, url, headers, body: Buffer.from(vector.body) }, claim, secrets }
}

const named = (name: string) => {
  const vector = file.requests.find((one) => one.name === name)
  if (vector === undefined) throw new Error(`there is no vector ${name}`)
  return read(vector)
}

describe("AWS's own test suite", () => {
  test.each(file.requests)('$name', (vector) => {
    const { request, claim, secrets } = read(vector)
    expect(flawOf(request, claim, secrets, now)).toBeUndefined()
  })

  test.each(file.requests)('$name, changed in one place', (vector) => {
    const { request, claim, secrets } = read(vector)
    const changed: [string, SignedRequest][] = [
      ['method', { ...request, method: 'DELETE' }],
      ['path', { ...request, url: `/x${request.url}` }],
      ['query', { ...request, url: `${request.url}${request.url.includes('?') ? '&' : '?'}x=1` }],
      ['body', { ...request, body: Buffer.concat([request.body, Buffer.from('x')]) }],
      ['host', { ...request, headers: { ...request.headers, host: 'other' } }],
    ]
    for (const [what, other] of changed)
      expect([what, flawOf(other, claim, secrets, now)]).toEqual([what, 'mismatch'])
    const others = { ...secrets, secretAccessKey: 'another' }
    expect(flawOf(request, claim, others, now)).toBe('mismatch')
  })
})

describe('what a signature must cover', () => {
  test.each(['host', 'x-amz-date'])('%s', (name) => {
    const { request, claim, secrets } = named('get-vanilla')
    const less = { ...claim, signedHeaders: claim.signedHeaders.filter((one) => one !== name) }
    expect(flawOf(request, less, secrets, now)).toBe('incomplete')
  })

  test('every other x-amz- header, so that nobody adds one', () => {
    const { request, claim, secrets } = named('get-vanilla')
    const headers = { ...request.headers, 'x-amz-target': 'TrentService.Sign' }
    expect(flawOf({ ...request, headers }, claim, secrets, now)).toBe('incomplete')
  })

  test('the session token of a function', () => {
    const { request, claim, secrets } = named('get-vanilla')
    expect(flawOf(request, claim, { ...secrets, sessionToken: 'other' }, now)).toBe('token')
  })
})

describe('time', () => {
  test.each([
    [greatestSkewMs, undefined],
    [-greatestSkewMs, undefined],
    [greatestSkewMs + 1, 'skewed'],
    [-greatestSkewMs - 1, 'skewed'],
  ])('%d ms away', (ms, flaw) => {
    const { request, claim, secrets } = named('get-vanilla')
    expect(flawOf(request, claim, secrets, now + ms)).toBe(flaw)
  })

  test.each(['', 'now', '20150830T1236Z'])('%j is not one', (time) => {
    const { request, claim, secrets } = named('get-vanilla')
    const headers = { ...request.headers, 'x-amz-date': time }
    expect(flawOf({ ...request, headers }, claim, secrets, now)).toBe('skewed')
  })

  test('and the scope is of the same day', () => {
    const { request, claim, secrets } = named('get-vanilla')
    expect(flawOf(request, { ...claim, day: '20150829' }, secrets, now)).toBe('mismatch')
  })
})

test.each([
  undefined,
  'Bearer x',
  'AWS4-HMAC-SHA256 Credential=a/b/c',
  `AWS4-HMAC-SHA256 Credential=a/20150830/r/s/aws4_request, SignedHeaders=host, Signature=00`,
  `AWS4-HMAC-SHA256 Credential=a/20150830/r/s/other, SignedHeaders=host, Signature=${'0'.repeat(64)}`,
])('%s is no signature', (authorization) => {
  expect(readClaim(authorization)).toBeUndefined()
})
