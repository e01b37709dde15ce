import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { ProviderKeyId, TeamId, Topic } from '@heliograph/protocol/identifiers'
import { isRejection } from '@heliograph/protocol/rejection'
import fc from 'fast-check'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { makeToken, type TokenShape } from '../../../tools/conformance/bearer.ts'
import type { ProviderKey } from '../src/ports.ts'
import { networkOf } from '../src/trust/network.ts'
import { readProviderToken, TOKEN_LIFETIME_MS } from '../src/trust/provider-token.ts'
import { RememberedTokens } from '../src/trust/remembered-tokens.ts'
import { CHECKS_PER_SECOND, type TokenTrust, tokenTrust } from '../src/trust/token-trust.ts'

interface Vector {
  readonly case: string
  readonly token: string
}

interface Vectors {
  readonly at: string
  readonly key: { readonly keyId: string; readonly teamId: string; readonly publicKey: string }
  readonly valid: readonly Vector[]
  readonly invalid: readonly Vector[]
  readonly expired: readonly Vector[]
}

const file = new URL('../../../test/vectors/provider-tokens.json', import.meta.url)
const vectors = JSON.parse(readFileSync(file, 'utf8')) as Vectors
const AT = Date.parse(vectors.at)
const ADDRESS = '192.0.2.1'

const recorded: ProviderKey = {
  keyId: vectors.key.keyId as ProviderKeyId,
  teamId: vectors.key.teamId as TeamId,
  topics: ['com.example.app' as Topic],
  publicKey: vectors.key.publicKey,
  createdAt: 0,
}

/** A key on record whose private half the tests have. */
function newKey(keyId = 'KEY0000001', privateKey?: KeyObject) {
  const key = privateKey ?? generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  const spki = createPublicKey(key).export({ type: 'spki', format: 'der' })
  const record: ProviderKey = {
    ...recorded,
    keyId: keyId as ProviderKeyId,
    publicKey: spki.toString('base64'),
  }
  const token = (shape: TokenShape = {}, at = AT) =>
    makeToken({ keyId, teamId: record.teamId, key }, at, shape)
  return { record, token, key }
}

let now: number
let keys: Map<ProviderKeyId, ProviderKey>
let reads: ProviderKeyId[]
let trust: TokenTrust

beforeEach(() => {
  now = AT
  reads = []
  keys = new Map([[recorded.keyId, recorded]])
  trust = tokenTrust({
    clock: { now: () => now },
    keys: {
      find: async (keyId) => {
        reads.push(keyId)
        return keys.get(keyId)
      },
    },
  })
})

const put = (key: ProviderKey) => keys.set(key.keyId, key)

/** `ok`, or the reason of the refusal. */
async function judged(token: string, address = ADDRESS): Promise<string> {
  const result = await trust.judge(`bearer ${token}`, address)
  return isRejection(result) ? result.reason : 'ok'
}

describe('vectors', () => {
  it.each(vectors.valid)('takes: $case', async ({ token }) => {
    expect(await trust.judge(`bearer ${token}`, ADDRESS)).toBe(recorded)
  })

  it.each(vectors.invalid)('refuses: $case', async ({ token }) => {
    expect(await trust.judge(`bearer ${token}`, ADDRESS)).toMatchObject({
      reason: expect.stringMatching(token.includes('\n') ? /^MissingProv/ : /^InvalidProv/),
      detail: expect.stringMatching(/^[ -~]{10,}$/),
    })
  })

  it.each(vectors.expired)('finds too old or too new: $case', async ({ token }) => {
    expect(await judged(token)).toBe('ExpiredProviderToken')
  })
})

describe('the header', () => {
  it.each([
    undefined,
    '',
    'bearer',
    'bearer ',
    'Basic eDp5',
    'bearer a b',
    'bearer a, bearer b',
    'xbearer a',
  ])('has no bearer token: %s', async (authorization) => {
    expect(await trust.judge(authorization, ADDRESS)).toMatchObject({
      reason: 'MissingProviderToken',
    })
  })

  it.each(['bearer', 'Bearer', 'BEARER'])('says %s', async (scheme) => {
    const { token } = vectors.valid[0] as Vector
    expect(await trust.judge(`${scheme}  ${token}`, ADDRESS)).toBe(recorded)
  })
})

describe('damaged tokens', () => {
  const { token: good } = vectors.valid[0] as Vector

  it('are harmless wherever a character has changed', async () => {
    const change = fc.tuple(fc.nat(good.length - 1), fc.string({ minLength: 1, maxLength: 1 }))
    await fc.assert(
      fc.asyncProperty(change, async ([at, character]) => {
        const token = good.slice(0, at) + character + good.slice(at + 1)
        trust = tokenTrust({ clock: { now: () => now }, keys: { find: async () => recorded } })
        const result = await judged(token)
        // the last character has bits that base64 does not use, and the two alphabets are one
        const same = Buffer.from(token.split('.')[2] ?? '', 'base64')
        const isSame =
          token.slice(0, good.lastIndexOf('.')) === good.slice(0, good.lastIndexOf('.')) &&
          same.equals(Buffer.from(good.split('.')[2] ?? '', 'base64'))
        expect(result === 'ok').toBe(isSame)
      }),
    )
  })

  it('and any text never throw', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 3_000 }), (text) => {
        expect(readProviderToken(text)).toHaveProperty('fault')
      }),
    )
  })
})

describe('a key', () => {
  it('that is revoked vouches for nothing, not even for a token that was good', async () => {
    const { token } = vectors.valid[0] as Vector
    expect(await judged(token)).toBe('ok')
    put({ ...recorded, revokedAt: now })
    expect(await trust.judge(`bearer ${token}`, ADDRESS)).toMatchObject({
      reason: 'InvalidProviderToken',
      detail: `key ${recorded.keyId} has been revoked`,
    })
    expect(await judged((vectors.valid[1] as Vector).token)).toBe('InvalidProviderToken')
  })

  it('that has gone, or become another under its id, vouches for no token of the old one', async () => {
    const old = newKey()
    put(old.record)
    const token = old.token()
    expect(await judged(token)).toBe('ok')
    put(newKey().record)
    expect(await judged(token)).toBe('InvalidProviderToken')
    put(old.record)
    expect(await judged(token)).toBe('ok')
    keys.clear()
    expect(await judged(token)).toBe('InvalidProviderToken')
  })

  it('of another curve on record is a fault, and no answer', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'secp256k1' })
    const other = newKey('KEY0000002', privateKey)
    put(other.record)
    await expect(trust.judge(`bearer ${other.token()}`, ADDRESS)).rejects.toThrow(/not a P-256 key/)
  })

  it('that cannot be read is a fault, also for a remembered token', async () => {
    const { token } = vectors.valid[0] as Vector
    expect(await judged(token)).toBe('ok')
    vi.spyOn(keys, 'get').mockImplementation(() => {
      throw new Error('the table does not answer')
    })
    await expect(trust.judge(`bearer ${token}`, ADDRESS)).rejects.toThrow('does not answer')
  })
})

describe('a token that was good', () => {
  it('expires to the millisecond, remembered or not', async () => {
    const { token } = vectors.valid[0] as Vector
    for (const [at, reason] of [
      [AT, 'ok'],
      [AT + TOKEN_LIFETIME_MS, 'ok'],
      [AT + TOKEN_LIFETIME_MS + 1, 'ExpiredProviderToken'],
      [AT, 'ok'],
      [AT - TOKEN_LIFETIME_MS - 1, 'ExpiredProviderToken'],
    ] as const) {
      now = at
      expect(await judged(token)).toBe(reason)
    }
  })

  it('is told that it has expired, however often it comes', async () => {
    const { token } = vectors.valid[0] as Vector
    expect(await judged(token)).toBe('ok')
    now = AT + TOKEN_LIFETIME_MS + 1
    for (let n = 0; n < CHECKS_PER_SECOND.ofKey * 20; n += 1)
      expect(await judged(token)).toBe('ExpiredProviderToken')
  })

  it('is checked once: its proof is not asked for again', async () => {
    const old = newKey()
    put(old.record)
    const token = old.token()
    for (let n = 0; n < CHECKS_PER_SECOND.ofKey * 20; n += 1) expect(await judged(token)).toBe('ok')
    expect(reads).toHaveLength(CHECKS_PER_SECOND.ofKey * 20)
  })
})

describe('garbage', () => {
  const garbage = (n: number) => newKey(`X${String(n).padStart(9, '0')}`).token()
  const BURST = { ofKey: CHECKS_PER_SECOND.ofKey * 10, ofNetwork: CHECKS_PER_SECOND.ofNetwork * 10 }

  it('that is not a token costs no look-up', async () => {
    expect(await judged('garbage')).toBe('InvalidProviderToken')
    expect(await judged(`${'x'.repeat(100)}.y.z`)).toBe('InvalidProviderToken')
    expect(reads).toEqual([])
  })

  it('of one network under one name costs so many look-ups, and leaves other names their room', async () => {
    const unknown = vectors.invalid.find((one) => one.case.startsWith('kid that is not on'))
    const { token = '' } = unknown ?? {}
    for (let n = 0; n < BURST.ofKey * 5; n += 1) await judged(token)
    expect(reads).toHaveLength(BURST.ofKey)
    expect(await judged(token)).toBe('TooManyRequests')
    expect(await judged((vectors.valid[0] as Vector).token)).toBe('ok')
  })

  it('of one network under ever new names costs so many look-ups, and other networks keep theirs', async () => {
    const { token } = newKey()
    const [, claims, signature] = token().split('.')
    for (let n = 0; n < BURST.ofNetwork * 2; n += 1) {
      const header = { alg: 'ES256', kid: `X${String(n).padStart(9, '0')}` }
      const named = Buffer.from(JSON.stringify(header)).toString('base64url')
      await judged(`${named}.${claims}.${signature}`, '198.51.100.7')
    }
    expect(reads).toHaveLength(BURST.ofNetwork)
    expect(await judged((vectors.valid[0] as Vector).token, '198.51.100.7')).toBe('TooManyRequests')
    expect(await judged((vectors.valid[0] as Vector).token, ADDRESS)).toBe('ok')
  })

  it('of many networks under the name of a key does not keep its owner out', async () => {
    const { record, token } = newKey()
    put(record)
    const forged = newKey(record.keyId).token()
    for (let n = 0; n < BURST.ofNetwork * 2; n += 1)
      await judged(forged, `198.51.${n >> 8}.${n & 255}`)
    expect(await judged(token())).toBe('ok')
  })

  it('pushes no good token out', async () => {
    const { token } = vectors.valid[0] as Vector
    expect(await judged(token)).toBe('ok')
    for (let n = 0; n < 300; n += 1) await judged(garbage(n), `198.51.100.${n & 255}`)
    // what is remembered needs no permission to be checked
    for (let n = 0; n < 300; n += 1) await judged(garbage(n), ADDRESS)
    expect(await judged(token)).toBe('ok')
  })
})

describe('what is remembered', () => {
  const entry = (keyId: string) => ({
    ...{ keyId: keyId as ProviderKeyId, teamId: recorded.teamId },
    ...{ issuedAt: AT, publicKey: '' },
  })

  it('is so many tokens of a key: whoever makes ever new ones pushes out their own', () => {
    const tokens = new RememberedTokens()
    tokens.keep('good', entry('KEY0000001'))
    for (let n = 0; n < 10_000; n += 1) tokens.keep(`flood ${n}`, entry('KEY0000002'))
    expect(tokens.find('good')).toBeDefined()
    expect(tokens.find('flood 0')).toBeUndefined()
    expect(tokens.find('flood 9899')).toBeUndefined()
    expect(tokens.find('flood 9900')).toBeDefined()
  })

  it('is so many keys, those with the newest tokens', () => {
    const tokens = new RememberedTokens()
    for (let n = 0; n < 201; n += 1) tokens.keep(`token ${n}`, entry(`KEY${n}`))
    expect(tokens.find('token 0')).toBeUndefined()
    expect(tokens.find('token 1')).toBeDefined()
  })

  it('is nothing that was forgotten', () => {
    const tokens = new RememberedTokens()
    tokens.keep('one', entry('KEY0000001'))
    tokens.forget('one')
    tokens.forget('never kept')
    expect(tokens.find('one')).toBeUndefined()
  })
})

describe('a network', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:db8:1:2::6', '2001:db8:1:2'],
    ['2001:db8::6', '2001:db8:0:0'],
    ['2001::2:3:4:5:6:7', '2001:0:2:3'],
    ['::1', '0:0:0:0'],
    ['2001:db8::', '2001:db8:0:0'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:192.0.2.2', '192.0.2.2'],
    ['::ffff:10.20.130.240', '10.20.130.240'],
    ['2001::ffff:192.0.2.1', '2001:0:0:0'],
  ])('%s is of %s', (address, network) => expect(networkOf(address)).toBe(network))
})
