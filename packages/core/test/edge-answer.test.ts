import { describe, expect, it } from 'vitest'
import { edgeAnswer } from '../src/edge/edge-answer.ts'

const UUID = '123e4567-e89b-12d3-a456-4266554400a0'

const TOKEN = 'ab'.repeat(32)
type Head = Parameters<typeof edgeAnswer>[1]

function reasonFor(status: number, change: Partial<Head> = {}): unknown {
  const head = { method: 'POST', path: `/3/device/${TOKEN}`, headers: {}, ...change }
  const answer = edgeAnswer(status, head, () => UUID)
  expect(answer.headers['apns-id']).toBe(UUID.toUpperCase())
  expect(answer.headers['heliograph-detail']).toBeTruthy()
  return [answer.status, (JSON.parse(answer.body ?? '') as { reason: unknown }).reason]
}

it.each([
  [408, 400, 'IdleTimeout'],
  [413, 413, 'PayloadTooLarge'],
  [429, 429, 'TooManyRequests'],
  [500, 500, 'InternalServerError'],
  [502, 500, 'InternalServerError'],
  [503, 503, 'ServiceUnavailable'],
])('%d becomes %d %s', (seen, status, reason) => {
  expect(reasonFor(seen)).toEqual([status, reason])
  // a function that fails on GET /3/feedback has not got the wrong method
  if (seen >= 429) expect(reasonFor(seen, { method: 'GET' })).toEqual([status, reason])
})

it('echoes the id of the request', () => {
  const head = { method: 'POST', path: '/', headers: { 'apns-id': UUID } }
  expect(edgeAnswer(429, head, () => 'never').headers['apns-id']).toBe(UUID)
})

describe('a path that cannot be decoded', () => {
  it.each([
    ['GET', '/%zz', 405, 'MethodNotAllowed'],
    ['POST', '/%zz', 404, 'BadPath'],
    ['POST', '/3/device/%zz', 400, 'BadDeviceToken'],
  ])('%s %s', (method, path, status, reason) => {
    expect(reasonFor(400, { method, path })).toEqual([status, reason])
  })
})

describe('a head that is too large', () => {
  const long = 'x'.repeat(11_000)
  it.each<[string, Partial<Head>, number, string]>([
    ['method', { method: 'GET' }, 405, 'MethodNotAllowed'],
    ['path', { path: `/${long}` }, 404, 'BadPath'],
    ['token', { path: `/3/device/${long}` }, 400, 'BadDeviceToken'],
    ['id', { headers: { 'apns-id': long } }, 400, 'BadMessageId'],
    ['topic', { headers: { 'apns-topic': long } }, 400, 'BadTopic'],
    ['push type', { headers: { 'apns-push-type': long } }, 400, 'InvalidPushType'],
    ['priority', { headers: { 'apns-priority': long } }, 400, 'BadPriority'],
    ['expiration', { headers: { 'apns-expiration': long } }, 400, 'BadExpirationDate'],
    ['collapse id', { headers: { 'apns-collapse-id': long } }, 400, 'BadCollapseId'],
    ['repeated', { headers: { 'apns-topic': `a,${long}` } }, 400, 'DuplicateHeaders'],
    ['of no meaning', { headers: { 'x-y': long } }, 413, 'PayloadTooLarge'],
    [
      'of no meaning, on a suffixed topic left out',
      { headers: { 'apns-push-type': 'voip', 'x-y': long } },
      413,
      'PayloadTooLarge',
    ],
  ])('in its %s', (_what, change, status, reason) => {
    expect(reasonFor(431, change)).toEqual([status, reason])
  })
})

const CHANNELS = '/1/apps/com.example.app/channels'
const ALL = '/1/apps/com.example.app/all-channels'
const PUBLISH = '/4/broadcasts/apps/com.example.app'

describe('a call about channels whose path cannot be decoded or has no route', () => {
  it.each([
    ['GET', '/1/apps/%zz/channels', 404, 'BadPath'],
    ['POST', '/4/broadcasts/apps/%zz', 404, 'BadPath'],
    ['GET', '/1/apps/%zz', 404, 'BadPath'],
    ['PUT', '/1/apps/%zz/channels', 405, 'MethodNotAllowed'],
  ])('%s %s', (method, path, status, reason) => {
    expect(reasonFor(400, { method, path })).toEqual([status, reason])
  })
})

describe('a call about channels whose head is too large', () => {
  const long = 'x'.repeat(11_000)
  const id = 'a'.repeat(24)
  const whole = { 'apns-push-type': 'liveactivity', 'apns-channel-id': id }
  it.each<[string, string, string, Record<string, string>, number, string]>([
    ['path', 'GET', `/1/apps/${long}`, {}, 404, 'BadPath'],
    ['method', 'PUT', CHANNELS, { 'x-y': long }, 405, 'MethodNotAllowed'],
    ['bundle id', 'GET', `/1/apps/${long}/channels`, {}, 403, 'TopicMismatch'],
    ['request id', 'GET', ALL, { 'apns-request-id': long }, 400, 'BadRequestParams'],
    ['repeated', 'GET', ALL, { 'apns-request-id': `a,${long}` }, 400, 'DuplicateHeaders'],
    ['channel id', 'GET', CHANNELS, { 'apns-channel-id': long }, 400, 'BadChannelId'],
    ['channel id', 'DELETE', CHANNELS, { 'apns-channel-id': long }, 400, 'BadChannelId'],
    ['channel id', 'POST', PUBLISH, { ...whole, 'apns-channel-id': long }, 400, 'BadChannelId'],
    ['push type', 'POST', PUBLISH, { ...whole, 'apns-push-type': long }, 400, 'InvalidPushType'],
    ['id', 'POST', PUBLISH, { ...whole, 'apns-id': long }, 400, 'BadMessageId'],
    ['no meaning', 'POST', PUBLISH, { ...whole, 'x-y': long }, 413, 'PayloadTooLarge'],
    ['no meaning', 'GET', CHANNELS, { ...whole, 'x-y': long }, 413, 'PayloadTooLarge'],
    ['no meaning', 'GET', ALL, { 'apns-channel-id': long }, 413, 'PayloadTooLarge'],
    ['no meaning', 'POST', CHANNELS, { 'x-y': long }, 413, 'PayloadTooLarge'],
  ])('%s: %s', (_what, method, path, headers, status, reason) => {
    expect(reasonFor(431, { method, path, headers })).toEqual([status, reason])
  })
})

describe('the id of a call about channels', () => {
  const requestId = '01234567-89ab-cdef-0123-456789abcdef'
  const requestIdOf = (status: number, path: string, header?: string) =>
    edgeAnswer(status, { method: 'POST', path, headers: { 'apns-request-id': header } }, () => UUID)
      .headers['apns-request-id']

  it.each([400, 408, 413, 429, 431, 500, 503])('is in its %d', (status) => {
    for (const path of [PUBLISH, CHANNELS, ALL, '/1/apps/']) {
      expect(requestIdOf(status, path, requestId)).toBe(requestId)
      expect(requestIdOf(status, path, 'none')).toBe(UUID.toUpperCase())
      expect(requestIdOf(status, path)).toBe(UUID.toUpperCase())
    }
  })

  it('is in the answer of no other', () => {
    expect(requestIdOf(503, `/3/device/${TOKEN}`, requestId)).toBeUndefined()
  })
})
