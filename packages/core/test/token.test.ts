import { randomBytes, randomFillSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import {
  type DeviceId,
  type DeviceToken,
  parseDeviceToken,
  type TokenKeyId,
  type Topic,
} from '@heliograph/protocol/identifiers'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { deviceIdFromBytes } from '../src/device-id.ts'
import type { TokenKey } from '../src/ports.ts'
import { isForTopic, openToken, primaryKey, sealToken, tokensSince } from '../src/token/token.ts'

interface Vectors {
  readonly key: string
  readonly valid: readonly { deviceId: string; topic: string; token: string }[]
  readonly malformed: readonly { breaks: string; case: string; token: string }[]
  readonly forged: readonly { breaks: string; case: string; token: string }[]
}

const file = new URL('../../../test/vectors/tokens.json', import.meta.url)
const vectors = JSON.parse(readFileSync(file, 'utf8')) as Vectors

function tokenKey(key: Uint8Array, extra: Partial<TokenKey> = {}): TokenKey {
  const id = '01KABCDEFGHJKMNPQRSTVWXYZ0' as TokenKeyId
  return { id, state: 'primary', createdAt: 0, key, ...extra }
}

const key = tokenKey(Buffer.from(vectors.key, 'hex'))
const other = tokenKey(randomBytes(64))
const deviceIds = fc.uint8Array({ minLength: 10, maxLength: 10 }).map(deviceIdFromBytes)
const topics = fc.stringMatching(
  /^[A-Za-z0-9][A-Za-z0-9._-]{0,60}[A-Za-z0-9]$/,
) as fc.Arbitrary<Topic>

/** As accept reads a token from a path: undefined is BadDeviceToken, whatever the cause. */
function open(text: string, keys: readonly TokenKey[] = [key]) {
  const token = parseDeviceToken(text)
  return token && openToken(keys, token)
}

describe('token vectors', () => {
  it.each(vectors.valid)('$deviceId with $topic', ({ deviceId, topic, token }) => {
    expect(sealToken(key, deviceId as DeviceId, topic as Topic)).toBe(token)
    const opened = open(token.toUpperCase())
    expect(opened?.deviceId).toBe(deviceId)
    expect(opened && isForTopic(opened, topic as Topic)).toBe(true)
  })

  it.each(vectors.malformed)('$breaks broken: $case', ({ token }) => {
    expect(parseDeviceToken(token)).toBeUndefined()
  })

  it.each(vectors.forged)('$breaks broken: $case', ({ token }) => {
    expect(parseDeviceToken(token)).toBeDefined()
    expect(open(token)).toBeUndefined()
  })
})

describe('a device token', () => {
  it('opens to the device and topic it was sealed for, and stays the same', () => {
    fc.assert(
      fc.property(deviceIds, topics, (deviceId, topic) => {
        const token = sealToken(key, deviceId, topic)
        const opened = open(token)
        expect(token).toMatch(/^[0-9a-f]{64}$/)
        expect(sealToken(key, deviceId, topic)).toBe(token)
        expect(opened?.deviceId).toBe(deviceId)
        expect(opened && isForTopic(opened, topic)).toBe(true)
      }),
      { numRuns: 300 },
    )
  })

  it('is for no other topic and opens under no other key', () => {
    fc.assert(
      fc.property(deviceIds, topics, topics, (deviceId, topic, another) => {
        fc.pre(topic !== another)
        const token = sealToken(key, deviceId, topic)
        const opened = open(token)
        expect(opened && isForTopic(opened, another)).toBe(false)
        expect(open(token, [other])).toBeUndefined()
      }),
      { numRuns: 300 },
    )
  })

  it('opens under whichever live key made it', () => {
    const token = sealToken(other, 'zzzzzzzzzzzzzzzz' as DeviceId, 'com.example.app' as Topic)
    expect(open(token, [key, other])?.key).toBe(other)
    expect(open(token, [])).toBeUndefined()
  })

  it('is not one with any one bit changed', () => {
    const token = vectors.valid[0]?.token ?? ''
    for (let bit = 0; bit < 256; bit += 1) {
      const bytes = Buffer.from(token, 'hex')
      bytes.writeUInt8(bytes.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
      expect(open(bytes.toString('hex')), `bit ${bit}`).toBeUndefined()
    }
  })

  it('is not one when cut anywhere', () => {
    const token = vectors.valid[0]?.token ?? ''
    for (let length = 0; length < token.length; length += 1) {
      expect(open(token.slice(0, length))).toBeUndefined()
      expect(open(token.slice(0, length).padEnd(64, '0'))).toBeUndefined()
    }
  })

  /** RANDOM_TOKENS=1000000 for the long run; the chance of a hit is 2^-128 each. */
  it('is not one when it is 32 random bytes', { timeout: 600_000 }, () => {
    const runs = Number(process.env.RANDOM_TOKENS ?? 20_000)
    const bytes = Buffer.alloc(32)
    for (let run = 0; run < runs; run += 1) {
      const token = randomFillSync(bytes).toString('hex') as DeviceToken
      if (openToken([key], token)) throw new Error(`a random token opens: ${token}`)
    }
  })

  it('is not one when it is any text', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(open(text)).toBeUndefined()
      }),
    )
  })
})

describe('the tokens that may be out there', () => {
  const deviceId = '0123456789abcdef' as DeviceId
  const topic = 'com.example.app' as Topic

  it('are those of every key that was primary since the registration', () => {
    const oldest = tokenKey(randomBytes(64), { state: 'accepted', replacedAt: 100 })
    const middle = tokenKey(randomBytes(64), { state: 'accepted', createdAt: 100, replacedAt: 200 })
    const newest = tokenKey(randomBytes(64), { createdAt: 200 })
    const ring = [newest, middle, oldest]
    const sealedBy = (...keys: TokenKey[]) => keys.map((one) => sealToken(one, deviceId, topic))
    expect(tokensSince(ring, 50, deviceId, topic)).toEqual(sealedBy(newest, middle, oldest))
    expect(tokensSince(ring, 100, deviceId, topic)).toEqual(sealedBy(newest, middle, oldest))
    expect(tokensSince(ring, 101, deviceId, topic)).toEqual(sealedBy(newest, middle))
    expect(tokensSince(ring, 300, deviceId, topic)).toEqual(sealedBy(newest))
  })

  it('are made with the primary key, wherever it is', () => {
    const accepted = tokenKey(randomBytes(64), { state: 'accepted' })
    expect(primaryKey([accepted, key])).toBe(key)
    expect(primaryKey([key, accepted])).toBe(key)
  })

  it('need a primary key to make new ones', () => {
    expect(() => primaryKey([tokenKey(randomBytes(64), { state: 'accepted' })])).toThrow(
      'heliograph key rotate',
    )
  })
})

describe('a ring that has opened a token', () => {
  const deviceId = deviceIdFromBytes(randomBytes(10))
  const topic = 'com.example.app' as Topic
  const token = sealToken(key, deviceId, topic)

  it('gives the same again, and another ring knows nothing of it', () => {
    const ring = [key]
    const first = openToken(ring, token)
    expect(first).toMatchObject({ deviceId, key })
    expect(openToken(ring, token)).toBe(first)
    expect(openToken([other], token)).toBeUndefined()
    expect(openToken([], token)).toBeUndefined()
  })

  it('remembers 4,096, then starts anew', () => {
    const ring = [key]
    const first = openToken(ring, token)
    const openOthers = (from: number, to: number) => {
      for (let n = from; n < to; n += 1) {
        const one = deviceIdFromBytes(Buffer.from(n.toString(16).padStart(20, '0'), 'hex'))
        expect(openToken(ring, sealToken(key, one, topic))?.deviceId).toBe(one)
      }
    }
    openOthers(0, 4_095)
    expect(openToken(ring, 'ab'.repeat(32) as DeviceToken)).toBeUndefined()
    expect(openToken(ring, token)).toBe(first)
    openOthers(4_095, 4_096)
    const again = openToken(ring, token)
    expect(again).toEqual(first)
    expect(again).not.toBe(first)
  })
})
