import type { PushType } from '@heliograph/protocol/push-type'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readPayload } from '../src/send/payload.ts'

const read = (body: string | Uint8Array, type: PushType = 'alert') =>
  readPayload(typeof body === 'string' ? Buffer.from(body) : body, type)
const ofSize = (bytes: number) => `{"a":"${'x'.repeat(bytes - 8)}"}`

describe('size', () => {
  it.each([
    ['alert', 4096],
    ['background', 4096],
    ['liveactivity', 4096],
    ['voip', 5120],
  ] as const)('%s: %d bytes and no more', (type, limit) => {
    expect(read(ofSize(limit), type)).toEqual({ payload: ofSize(limit) })
    expect(read(ofSize(limit + 1), type)).toMatchObject({
      reason: 'PayloadTooLarge',
      detail: `the payload has ${limit + 1} bytes, over ${limit}`,
    })
  })

  it('is that of the bytes, not of the characters', () => {
    expect(read(`{"a":"${'é'.repeat(2044)}"}`)).toHaveProperty('payload')
    expect(read(`{"a":"${'é'.repeat(2045)}"}`)).toMatchObject({ reason: 'PayloadTooLarge' })
  })
})

it('returns any JSON object unchanged, character for character', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue()), (value) => {
      const text = JSON.stringify(value)
      if (Buffer.byteLength(text) <= 4096) expect(read(text)).toEqual({ payload: text })
    }),
  )
})

it.each([
  '{}',
  ' {\r\n}\t',
  '{"a":1,"a":2}',
  '{"n":1e400,"m":123456789012345678901}',
  '{"t":"\\ud800\\u0000"}',
  '{"t":"\u2028\ufeff\uffff"}',
  `{"a":${'[['.repeat(1000)}${']]'.repeat(1000)}}`,
])('takes %s as it is', (text) => {
  expect(read(text)).toEqual({ payload: text })
})

it.each([
  '',
  ' ',
  'null',
  '1',
  '"x"',
  'true',
  '[]',
  '[{}]',
  '{',
  '{}}',
  "{'a':1}",
  '{a:1}',
  '{"a":1,}',
  '\ufeff{}',
  `{"a":${'['.repeat(4000)}`,
])('refuses %s', (text) => {
  expect(read(text)).toMatchObject({ reason: 'PayloadEmpty' })
})

it('refuses what is not UTF-8, and what a front door could not read as such', () => {
  for (const bytes of [
    [0x7b, 0xff, 0x7d],
    [0xed, 0xa0, 0x80],
    [0xc0, 0xaf],
    [0xfe, 0xff],
  ])
    expect(read(Uint8Array.from(bytes))).toMatchObject({ detail: expect.stringContaining('UTF-8') })
  expect(readPayload('not-utf8', 'alert')).toMatchObject({
    reason: 'PayloadEmpty',
    detail: expect.stringContaining('UTF-8'),
  })
})

it('answers every sequence of bytes, and quickly', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      const result = read(bytes)
      expect('payload' in result || result.reason === 'PayloadEmpty').toBe(true)
    }),
  )
})
