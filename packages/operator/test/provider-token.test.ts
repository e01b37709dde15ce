import { generateKeyPairSync, verify } from 'node:crypto'
import type { ProviderKeyId, TeamId } from '@heliograph/protocol/identifiers'
import { describe, expect, it } from 'vitest'
import { providerTokens } from '../src/operations/provider-token.ts'

const MINUTE = 60_000
const [keyId, teamId] = ['ABC123DEFG' as ProviderKeyId, 'DEF123GHIJ' as TeamId]
const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const p8 = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()

const partOf = (token: string, at: number) =>
  JSON.parse(Buffer.from(token.split('.')[at] ?? '', 'base64url').toString()) as unknown

describe('provider tokens', () => {
  it('are JSON web tokens that the public half verifies', () => {
    const authorization = providerTokens(
      { keyId, teamId, p8 },
      () => 1_700_000_000_999,
    ).authorization()
    const [scheme, token = ''] = authorization.split(' ')
    expect(scheme).toBe('bearer')
    expect(partOf(token, 0)).toEqual({ alg: 'ES256', kid: keyId })
    expect(partOf(token, 1)).toEqual({ iss: teamId, iat: 1_700_000_000 })
    const [header, claims, signature = ''] = token.split('.')
    const bytes = Buffer.from(signature, 'base64url')
    expect(bytes).toHaveLength(64)
    const key = { key: publicKey, dsaEncoding: 'ieee-p1363' } as const
    expect(verify('sha256', Buffer.from(`${header}.${claims}`), key, bytes)).toBe(true)
  })

  it('are sent again for fifty minutes, and for no minute more', () => {
    let now = 1_700_000_000_000
    const tokens = providerTokens({ keyId, teamId, p8 }, () => now)
    const first = tokens.authorization()
    now += 50 * MINUTE - 1
    expect(tokens.authorization()).toBe(first)
    now += 1
    const second = tokens.authorization()
    expect(second).not.toBe(first)
    now += 49 * MINUTE
    expect(tokens.authorization()).toBe(second)
  })

  it('are made anew where the clock was put back', () => {
    let now = 1_700_000_000_000
    const tokens = providerTokens({ keyId, teamId, p8 }, () => now)
    const first = tokens.authorization()
    now -= 2 * 60 * MINUTE
    expect(tokens.authorization()).not.toBe(first)
  })

  it.each([
    ['no key', 'hello'],
    ['a public key', publicKey.export({ type: 'spki', format: 'pem' }).toString()],
    [
      'a key of another curve',
      generateKeyPairSync('ec', { namedCurve: 'P-384' })
        .privateKey.export({ type: 'pkcs8', format: 'pem' })
        .toString(),
    ],
  ])('are not made with %s, and the key is not in the message', (_name, text) => {
    const make = () => providerTokens({ keyId, teamId, p8: text }, () => 0)
    expect(make).toThrow('this is not the .p8 file of a provider key')
    expect(make).not.toThrow(text)
  })
})
