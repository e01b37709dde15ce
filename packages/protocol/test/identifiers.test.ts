import { describe, expect, it, test } from 'vitest'
import {
  isChannelId,
  isNewer,
  parseChannelId,
  parseDeviceId,
  parseDeviceToken,
  parseFingerprint,
  parseNotificationId,
  parseSeq,
  parseTokenKeyId,
  parseTopic,
  type Seq,
} from '../src/identifiers.ts'

const ulid = '01J9ZK3V5Q8W0X2Y4A6B8C0D2E'
const uuid = '123e4567-e89b-12d3-a456-426614174000'

const kinds = [
  { name: 'device id', parse: parseDeviceId, right: ['0123456789abcdef', 'zyxwvtsrqpnmkjhg'] },
  { name: 'topic', parse: parseTopic, right: ['a', 'com.example.app', `a${'.'.repeat(253)}a`] },
  { name: 'notification id', parse: parseNotificationId, right: [uuid, uuid.toUpperCase()] },
  { name: 'seq', parse: parseSeq, right: [ulid, '7ZZZZZZZZZZZZZZZZZZZZZZZZZ'] },
  { name: 'fingerprint', parse: parseFingerprint, right: ['0123456789abcdef'.repeat(4)] },
  { name: 'token key id', parse: parseTokenKeyId, right: [ulid] },
  { name: 'channel id', parse: parseChannelId, right: ['aZ09'.repeat(6), '0'.repeat(24)] },
  { name: 'device token', parse: parseDeviceToken, right: ['0123456789abcdef'.repeat(4)] },
]

const wrong = {
  'device id': ['0123456789abcde', '0123456789abcdefg', '0123456789ABCDEF', 'ilou567890abcdef'],
  topic: ['', '.com', 'com.', 'com example', `a${'.'.repeat(254)}a`, 'com/example', 'com.#'],
  'notification id': [uuid.replaceAll('-', ''), `{${uuid}}`, `${uuid}0`, uuid.replace('1', 'g')],
  seq: [`8${ulid.slice(1)}`, ulid.toLowerCase(), ulid.slice(1), `${ulid}0`],
  fingerprint: ['0123456789ABCDEF'.repeat(4), 'ab'.repeat(31), 'ab'.repeat(33)],
  'token key id': [ulid.toLowerCase(), ulid.slice(1), `${ulid}0`, `U${ulid.slice(1)}`],
  'channel id': ['a'.repeat(23), 'a'.repeat(25), `${'a'.repeat(22)}==`, `${'a'.repeat(23)}+`],
  'device token': ['ab'.repeat(31), 'ab'.repeat(33), 'xy'.repeat(32)],
}

describe.each(kinds)('a $name', ({ name, parse, right }) => {
  it('is what has its form', () => {
    for (const text of right) expect(parse(text), text).toBe(text)
  })

  it('is nothing else', () => {
    for (const text of wrong[name as keyof typeof wrong]) expect(parse(text), text).toBeUndefined()
  })

  it('has nothing before it, after it or on a second line', () => {
    for (const text of right)
      for (const more of [` ${text}`, `${text} `, `${text}\n`, `${text}\n${text}`])
        expect(parse(more), more).toBeUndefined()
  })

  it('is a text, not what reads like one', () => {
    const likeOne = { toString: () => right[0] }
    for (const value of [undefined, null, 1, {}, [right[0]], likeOne])
      expect(parse(value)).toBeUndefined()
  })
})

test('the letter case of a device token does not matter: it is always lower', () => {
  expect(parseDeviceToken('ABCDEF0123456789'.repeat(4))).toBe('abcdef0123456789'.repeat(4))
})

test('of two notifications the one accepted later is newer, and none is newer than itself', () => {
  const [early, late] = ['01J9ZK3V5Q0000000000000000', '01J9ZK3V5QZZZZZZZZZZZZZZZZ'] as [Seq, Seq]
  expect(isNewer(late, early)).toBe(true)
  expect(isNewer(early, late)).toBe(false)
  expect(isNewer(early, early)).toBe(false)
})

test('a channel id is told from a filter, which would be every channel', () => {
  expect(isChannelId('aZ09'.repeat(6))).toBe(true)
  for (const text of ['+', '#', `${'a'.repeat(23)}#`, `${'a'.repeat(11)}/${'a'.repeat(12)}`, ''])
    expect(isChannelId(text), text).toBe(false)
})

test('a channel id is base64 of 18 bytes, as clients of Apple’s expect', () => {
  const id = 'aZ09'.repeat(6)
  expect(Buffer.from(id, 'base64')).toHaveLength(18)
  expect(Buffer.from(id, 'base64').toString('base64')).toBe(id)
})
