import { describe, expect, test } from 'vitest'
import { checkPayload, formatted, templateFor } from '../src/pages/send/payload.ts'
import { wordsOf } from '../src/parts/outcomes.ts'
import { addressOf, partsOf, withQuery } from '../src/routing/address.ts'
import { figure, percent, plural } from '../src/words/numbers.ts'
import { clockText, distance, duration, zoneText } from '../src/words/times.ts'

describe('times', () => {
  test.each([
    [0, '0 ms'],
    [999, '999 ms'],
    [1_234, '1.2 s'],
    [61_000, '1 min 1 s'],
    [7_200_000, '2 h'],
    [187_200_000, '2 d 4 h'],
    [-1_500, '−1.5 s'],
  ])('%d ms is %s', (ms, text) => expect(duration(ms)).toBe(text))

  test('stand in the clock of their reader', () => {
    const at = Date.UTC(2026, 10, 26, 23, 30, 5, 7)
    expect(clockText(at, 0)).toBe('2026-11-26 23:30:05.007')
    expect(clockText(at, 60)).toBe('2026-11-27 00:30:05.007')
    expect(clockText(at, -210)).toBe('2026-11-26 20:00:05.007')
    expect(clockText(Number.NaN, 0)).toBe('no valid time')
    expect([0, 60, -210].map(zoneText)).toEqual(['UTC', 'UTC+1', 'UTC−3:30'])
  })

  test('are near or far', () => {
    expect(distance(1_000, 2_000)).toBe('now')
    expect(distance(0, 180_000)).toBe('3 min ago')
    expect(distance(172_800_000, 0)).toBe('in 2 d')
  })
})

test('numbers', () => {
  expect(figure(12_345)).toBe('12,345')
  expect(figure(1_234_567)).toBe('1.2M')
  expect(plural(1, 'device')).toBe('1 device')
  expect(plural(1_000, 'device')).toBe('1,000 devices')
  expect([percent(0, 0), percent(1, 1_000), percent(1, 3)]).toEqual(['0 %', '< 1 %', '33 %'])
})

test('an outcome that this version does not know shows by its name', () => {
  expect(wordsOf('delivered').tone).toBe('good')
  expect(wordsOf('toString').title).toBe('toString')
})

describe('addresses', () => {
  test('take any text', () => {
    const evil = '../../api?x=1#"<script>'
    const address = addressOf(['devices', evil], { topic: ['a&b', ''] })
    expect(address).toBe(`/devices/${encodeURIComponent(evil)}?topic=a%26b`)
    expect(partsOf(new URL(address, 'http://localhost').pathname)).toEqual(['devices', evil])
  })

  test('that are malformed are no view', () => expect(partsOf('/devices/%zz')).toBeUndefined())

  test('keep what else was chosen', () => {
    const query = new URLSearchParams('since=3600&topic=a&topic=b')
    expect(withQuery('/', query, { topic: undefined })).toBe('/?since=3600')
    expect(withQuery('/', query, { since: '' })).toBe('/?topic=a&topic=b')
  })
})

describe('a payload', () => {
  test('is counted in bytes, against the limit of its push type', () => {
    expect(checkPayload('{"a":"é"}', 'alert')).toEqual({ bytes: 10, most: 4_096 })
    expect(checkPayload('{}', 'voip').most).toBe(5_120)
    expect(checkPayload('{}', undefined).most).toBe(4_096)
    const large = JSON.stringify({ a: 'x'.repeat(4_089) })
    expect(checkPayload(large, 'alert').fault).toContain('1 byte over')
    expect(checkPayload(large, 'voip').fault).toBeUndefined()
  })

  test.each([
    ['', 'PayloadEmpty'],
    ['[]', 'JSON object'],
    ['null', 'JSON object'],
    ['{"a":1,}', 'not JSON'],
  ])('%j is refused', (text, words) => expect(checkPayload(text, 'alert').fault).toContain(words))

  test('can be formatted where it is JSON', () => {
    expect(formatted('{"a":1}')).toBe('{\n  "a": 1\n}')
    expect(formatted('{')).toBeUndefined()
  })

  test.each(['', 'alert', 'background', 'voip', 'liveactivity'])('begins well for "%s"', (type) =>
    expect(checkPayload(templateFor(type), type).fault).toBeUndefined(),
  )
})
