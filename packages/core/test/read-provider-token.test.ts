import { describe, expect, it } from 'vitest'
import { readProviderToken } from '../src/trust/provider-token.ts'

const base64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const head = { alg: 'ES256', kid: 'KEY0000001' }
const claims = { iss: 'TEAM000001', iat: 1_700_000_000 }
const raw = Buffer.alloc(64, 7).toString('base64url')
const der = (length: number) =>
  Buffer.concat([Buffer.of(0x30), Buffer.alloc(length - 1, 7)]).toString('base64url')

const tokenOf = (change: { head?: unknown; claims?: unknown; signature?: string } = {}) =>
  [base64(change.head ?? head), base64(change.claims ?? claims), change.signature ?? raw].join('.')

/** What a provider is told, in words. */
const refusal = (about: string) => ({ fault: expect.stringContaining(about) })

describe('a provider token', () => {
  it('names its key, its team and its time, and carries its proof over what was sent', () => {
    const token = tokenOf()
    expect(readProviderToken(token)).toEqual({
      ...{ keyId: 'KEY0000001', teamId: 'TEAM000001', issuedAt: 1_700_000_000_000 },
      proof: {
        signed: Buffer.from(token.slice(0, token.lastIndexOf('.'))),
        signature: Buffer.alloc(64, 7),
        form: 'ieee-p1363',
        hash: 'sha256',
      },
    })
  })

  it.each(['none', 'HS256', 'RS256', 'ES384', 'es256', undefined, 256])(
    'chooses no algorithm: %s is refused before any key is asked for',
    (alg) => {
      expect(readProviderToken(tokenOf({ head: { ...head, alg } }))).toEqual(refusal('alg is not'))
    },
  )

  it.each(['jwk', 'jku', 'x5c', 'x5u', 'crit'])('brings no %s of its own', (name) => {
    expect(readProviderToken(tokenOf({ head: { ...head, [name]: null } }))).toEqual(refusal(name))
  })

  it.each([
    ['one part', 'a'],
    ['four parts', `${tokenOf()}.`],
  ])('does not have %s', (_what, token) => {
    expect(readProviderToken(token)).toEqual(refusal('not a JSON web token'))
  })

  it.each([
    ['a number', { head: 7 }],
    ['null', { head: null as unknown, claims: null }],
    ['a text', { claims: 'claims' }],
  ])('has objects inside, not %s', (_what, change) => {
    const token = [
      base64('head' in change ? change.head : head),
      base64('claims' in change ? change.claims : claims),
      raw,
    ].join('.')
    expect(readProviderToken(token)).toEqual(refusal('not a JSON web token'))
  })

  it.each([`!${base64(head)}`, `${base64(head)}!`, `${base64(head)}===`, ''])(
    'is base64 through and through, unlike %j',
    (part) => {
      expect(readProviderToken([part, base64(claims), raw].join('.'))).toEqual(
        refusal('not a JSON web token'),
      )
    },
  )

  it.each([
    ['kid', { head: { ...head, kid: 'key' } }],
    ['kid', { head: { alg: 'ES256' } }],
    ['iss', { claims: { iat: 1 } }],
  ])('says %s in the form of an id', (_name, change) => {
    expect(readProviderToken(tokenOf(change))).toEqual(refusal('kid and iss'))
  })

  it('has a signature in DER of at most 72 bytes, as two numbers of P-256 take no more', () => {
    expect(readProviderToken(tokenOf({ signature: der(72) }))).toMatchObject({
      proof: { form: 'der' },
    })
    expect(readProviderToken(tokenOf({ signature: der(73) }))).toEqual(refusal('signature'))
  })

  it('has a signature of a wider curve only if the two numbers fit P-256', () => {
    const wide = (...set: number[]) => {
      const bytes = Buffer.alloc(132)
      for (const at of set) bytes[at] = 7
      return tokenOf({ signature: bytes.toString('base64url') })
    }
    expect(readProviderToken(wide(34, 65, 100, 131))).toMatchObject({
      proof: { form: 'ieee-p1363', signature: { length: 64 } },
    })
    for (const at of [0, 1, 33, 66, 67, 99])
      expect(readProviderToken(wide(at)), String(at)).toEqual(refusal('signature'))
  })

  it('without a signature has no proof', () => {
    expect(readProviderToken(`${base64(head)}.${base64(claims)}`)).toEqual(refusal('signature'))
  })

  it('has at most 2,048 characters', () => {
    const padded = (length: number) => {
      const bare = tokenOf({ claims: { ...claims, more: '' } }).length
      // three bytes are four characters
      const more = 'x'.repeat(Math.floor(((length - bare) * 3) / 4))
      return tokenOf({ claims: { ...claims, more } })
    }
    const lengths = [2_044, 2_046, 2_048, 2_050, 2_052].map(padded)
    for (const token of lengths)
      expect('fault' in readProviderToken(token), String(token.length)).toBe(token.length > 2_048)
  })
})
