import type { DeviceId } from '@heliograph/protocol/identifiers'
import { describe, expect, it, test } from 'vitest'
import { newToken, now, topicA } from '../../../test/contract/samples.ts'
import {
  type DeviceRequest,
  isOwnConnection,
  parseDeviceRequest,
  tellError,
  tokensOf,
  topicOf,
} from '../src/devices/device-request.ts'
import type { DeviceRecord } from '../src/ports.ts'

const deviceId = '0123456789abcdef' as DeviceId
const base64 = (text: string) => Buffer.from(text).toString('base64')
const event = (change: Record<string, unknown> = {}) => ({
  deviceId,
  clientId: deviceId,
  receivedAt: now,
  principal: 'a1b2',
  request: base64('{"topic":"com.example.a"}'),
  ...change,
})
const request = (body: DeviceRequest['body']): DeviceRequest => ({
  deviceId,
  receivedAt: now,
  body,
})

describe('the event of a topic rule', () => {
  it('is a request of one device, with the certificate that it is connected with', () => {
    expect(parseDeviceRequest(event())).toEqual({
      deviceId,
      receivedAt: now,
      certificateId: 'a1b2',
      body: { topic: 'com.example.a' },
    })
  })

  it('may come from a rule that names no certificate', () => {
    const { principal: _none, ...rest } = event()
    expect(parseDeviceRequest(rest)).not.toHaveProperty('certificateId')
    expect(parseDeviceRequest(event({ principal: 7 }))).not.toHaveProperty('certificateId')
  })

  it.each([
    ['nothing', undefined],
    ['null', null],
    ['a text', 'event'],
    ['of another client', event({ clientId: 'fedcba9876543210' })],
    ['of no client', event({ clientId: undefined })],
    ['of no device', event({ deviceId: undefined, clientId: undefined })],
    ['of what is not a device id', event({ deviceId: 'probe', clientId: 'probe' })],
    ['without a time', event({ receivedAt: undefined })],
    ['with a time as text', event({ receivedAt: String(now) })],
  ])('is none where it is %s', (_what, value) => {
    expect(parseDeviceRequest(value)).toBeUndefined()
  })

  it.each([
    ['no text', 7],
    ['absent', undefined],
    ['no JSON', base64('topic')],
    ['empty', ''],
    ['null', base64('null')],
    ['a number', base64('7')],
    ['a text in JSON', base64('"topic"')],
    ['a list', base64('[{"topic":"com.example.a"}]')],
  ])('has no body where what the device sent is %s', (_what, sent) => {
    const parsed = parseDeviceRequest(event({ request: sent }))
    expect(parsed).toMatchObject({ deviceId, receivedAt: now })
    expect(parsed?.body).toBeUndefined()
  })

  it('is not read where it is longer than IoT Core lets through', () => {
    const padded = (length: number) => base64('{"a":1}').padEnd(length, ' ')
    expect(parseDeviceRequest(event({ request: padded(262_144) }))?.body).toEqual({ a: 1 })
    expect(parseDeviceRequest(event({ request: padded(262_145) }))?.body).toBeUndefined()
  })
})

describe('a connection', () => {
  const certificate = { certificateId: 'mine', keyHash: '', certificate: '', notAfter: 0 }
  const record: DeviceRecord = {
    ...{ deviceId, activatedAt: 0 },
    certificates: [{ ...certificate, certificateId: 'next' }, certificate],
  }
  const isOwn = (certificateId: string | undefined, found: DeviceRecord | undefined) =>
    isOwnConnection(
      { ...request({}), ...(certificateId !== undefined && { certificateId }) },
      { find: async (id) => (id === deviceId ? found : undefined) },
    )

  it('is the device’s own with any certificate on its record', async () => {
    expect(await isOwn('mine', record)).toBe(true)
    expect(await isOwn('next', record)).toBe(true)
  })

  it.each([
    ['with a certificate that somebody else attached', 'other', record],
    ['with none that the rule names', undefined, record],
    ['of a device that was revoked', 'mine', { ...record, revokedAt: now }],
    ['of a device that is not on record', 'mine', undefined],
    ['of a device without certificates', 'mine', { ...record, certificates: [] }],
  ])('is not its own %s', async (_how, certificateId, found) => {
    expect(await isOwn(certificateId, found)).toBe(false)
  })
})

test('the topic of a request is read from its body, if that has one', () => {
  expect(topicOf(request({ topic: topicA }))).toBe(topicA)
  expect(topicOf(request({ topic: 'no topic!' }))).toBeUndefined()
  expect(topicOf(request(undefined))).toBeUndefined()
})

describe('the tokens of a connect', () => {
  it('come with what each was sent as, cut to the length of a token', () => {
    const token = newToken()
    expect(tokensOf(request({ tokens: [token.toUpperCase(), 'x'.repeat(65), 7] }))).toEqual([
      { text: token.toUpperCase(), token },
      { text: 'x'.repeat(64), token: undefined },
      { text: '', token: undefined },
    ])
    expect(tokensOf(request({ tokens: [] }))).toEqual([])
  })

  it('are at most a thousand', () => {
    expect(tokensOf(request({ tokens: Array(1_000).fill('') }))).toHaveLength(1_000)
    expect(tokensOf(request({ tokens: Array(1_001).fill('') }))).toBeUndefined()
  })

  it.each([[undefined], [{}], [{ tokens: 'ab' }], [{ tokens: { length: 0 } }]])(
    'are not in %j',
    (body) => {
      expect(tokensOf(request(body))).toBeUndefined()
    },
  )
})

describe('an error', () => {
  const told = async (body: DeviceRequest['body']) => {
    const messages: unknown[] = []
    const tell = async (to: DeviceId, topic: string, message: string) => {
      messages.push([to, topic, JSON.parse(message)])
      return 'told' as const
    }
    await tellError({ tell } as never, request(body), 'register', 'UnknownTopic')
    return messages
  }

  it('tells the device which request failed and why, and which topic it was about', async () => {
    const about = { kind: 'register', topic: topicA }
    expect(await told({ topic: topicA })).toEqual([
      [deviceId, 'heliograph/error', { reason: 'UnknownTopic', request: about }],
    ])
  })

  it('repeats nothing that is not a topic', async () => {
    expect(await told({ topic: '<script>' })).toEqual([
      [deviceId, 'heliograph/error', { reason: 'UnknownTopic', request: { kind: 'register' } }],
    ])
  })
})
