import { expect, test } from 'vitest'
import { newToken, notification, now } from '../../../test/contract/samples.ts'
import {
  deviceMessage,
  isExpired,
  parseNotification,
  parseObject,
  serializeNotification,
  tokenFingerprint,
} from '../src/notification.ts'

test('what was written is read again', () => {
  for (const changes of [{}, { collapseId: 'one' }]) {
    const one = notification(changes)
    expect(parseNotification(serializeNotification(one))).toEqual(one)
  }
})

test('a token in the first form is read, and written no more', () => {
  const token = newToken()
  const { tokenFingerprint: _none, ...rest } = notification()
  const read = parseNotification(JSON.stringify({ ...rest, token }))
  expect(read).toEqual({ ...rest, tokenFingerprint: tokenFingerprint(token) })
  expect(read && serializeNotification(read)).not.toContain(token)
})

test('what this service never wrote is not carried on', () => {
  const one = notification()
  const text = JSON.stringify({ ...one, more: 'x', __proto__: null })
  expect(parseNotification(text)).toEqual(one)
})

test.each([undefined, 1, '', 'not hex here', 'abcdef01234', 'abcdef0123456'])(
  'the token fingerprint %j is not one',
  (tokenFingerprint) => {
    expect(parseNotification(JSON.stringify({ ...notification(), tokenFingerprint }))).toBe(
      undefined,
    )
  },
)

test('a fingerprint of a token is 12 hex digits, the same each time, and gives nothing away', () => {
  const [token, other] = [newToken(), newToken()]
  expect(tokenFingerprint(token)).toMatch(/^[0-9a-f]{12}$/)
  expect(tokenFingerprint(token)).toBe(tokenFingerprint(token))
  expect(tokenFingerprint(token)).not.toBe(tokenFingerprint(other))
  expect(token).not.toContain(tokenFingerprint(token))
})

test.each([
  ['a moment before its expiration', now / 1000 + 60, now + 59_999, false],
  ['at its expiration', now / 1000 + 60, now + 60_000, true],
  ['long after it', now / 1000 + 60, now + 1e9, true],
  ['never, where it is for one attempt', 0, now + 1e9, false],
  ['from the beginning, where it was in the past', now / 1000 - 1, now, true],
])('a notification is expired %s', (_when, expiration, at, expired) => {
  expect(isExpired(notification({ expiration }), at)).toBe(expired)
})

test('a device hears what it needs, the payload as it was sent, and no more', () => {
  const payload = '{ "a":1, "a":2, "n":12345678901234567890 }'
  const one = notification({ payload, collapseId: 'chat' })
  const message = deviceMessage(one, true)
  const { id, uniqueId, topic, seq, acceptedAt, expiration, priority, pushType } = one
  expect(message.endsWith(`,"payload":${payload}}`)).toBe(true)
  expect(JSON.parse(message)).toEqual({
    ...{ id, uniqueId, topic, seq, acceptedAt, expiration, priority, pushType },
    stored: true,
    collapseId: 'chat',
    payload: JSON.parse(payload),
  })
  expect(JSON.parse(deviceMessage(notification(), false))).toHaveProperty('stored', false)
  expect(JSON.parse(deviceMessage(notification(), false))).not.toHaveProperty('collapseId')
})

test('what SQS does not carry is escaped, and read again as it was', () => {
  const one = notification({ payload: '{"a":"\ufffe\uffff \ufffe"}' })
  const text = serializeNotification(one)
  expect(text).not.toMatch(/[\ufffe\uffff]/)
  expect(parseNotification(text)).toEqual(one)
})

test('a seal is carried; without one it is empty, as in what was written before there were seals', () => {
  const { seal: _none, ...rest } = notification()
  expect(parseNotification(JSON.stringify({ ...rest, seal: 'abc' }))).toHaveProperty('seal', 'abc')
  for (const text of [JSON.stringify(rest), JSON.stringify({ ...rest, seal: 1 })])
    expect(parseNotification(text)).toHaveProperty('seal', '')
})

test.each([
  ['id', 'x'],
  ['seq', 'x'],
  ['deviceId', 'x'],
  ['topic', '/'],
  ['tokenFingerprint', 123456789012],
  ['pushType', 'x'],
  ['pushType', 1],
  ['priority', 2],
  ['uniqueId', 1],
  ['idFromProvider', 'true'],
  ['acceptedAt', '1'],
  ['acceptedAt', 1.5],
  ['expiration', null],
  ['expiration', 2 ** 53],
  ['payload', { aps: {} }],
  ['collapseId', 1],
  ['perCollapseId', 0],
  ['perCollapseId', '3'],
])('with %s = %j it is no notification', (field, value) => {
  const one = notification()
  expect(parseNotification(JSON.stringify({ ...one, [field]: value }))).toBeUndefined()
})

test.each([
  ...['id', 'seq', 'deviceId', 'topic', 'tokenFingerprint', 'pushType', 'priority'],
  ...['uniqueId', 'idFromProvider', 'acceptedAt', 'expiration', 'payload'],
])('without %s it is no notification', (field) => {
  const text = JSON.stringify({ ...notification(), [field]: undefined })
  expect(parseNotification(text)).toBeUndefined()
})

test.each(['', 'x', 'null', '1', '"x"', '[]', '{'])('%j is no notification', (text) => {
  expect(parseNotification(text)).toBeUndefined()
})

test.each(['', 'x', 'null', '1', '"x"', 'true', '{'])('%j is no object', (text) => {
  expect(parseObject(text)).toBeUndefined()
})
