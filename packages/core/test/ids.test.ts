import { expect, test } from 'vitest'
import { now } from '../../../test/contract/samples.ts'
import { idsFrom, timedUuid } from '../src/ids.ts'

/** Bytes that count up, and how many were asked for each time. */
function counting() {
  const asked: number[] = []
  let next = 0
  const bytes = (length: number) => {
    asked.push(length)
    return Uint8Array.from({ length }, () => next++ & 255)
  }
  return { asked, random: { bytes, uuid: () => 'a uuid' } }
}

test('UUIDs and bytes come from the source', () => {
  const ids = idsFrom(counting().random)
  expect(ids.uuid()).toBe('a uuid')
  expect(ids.bytes(3)).toEqual(Uint8Array.of(0, 1, 2))
})

test('a seq sorts by its time, and within a millisecond by the order of the calls', () => {
  const { seq } = idsFrom(counting().random)
  const made = [seq(now), seq(now), seq(now - 1), seq(now + 1)]
  expect(made[0]).toMatch(/^[0-9A-HJKMNP-TV-Z]{26}$/)
  expect([...made].sort()).toEqual(made)
  expect(new Set(made).size).toBe(4)
})

test('the random part of a seq is made of every byte once, many of which are read together', () => {
  const { asked, random } = counting()
  const { seq } = idsFrom(random)
  // 16 digits, the last one first, each the upper five bits of the next byte: 64 of them take 1,024 bytes
  const parts = Array.from({ length: 65 }, (_, index) => seq(now + index).slice(10))
  expect(asked).toEqual([0, 1_024, 1_024])
  expect(parts[0]).toBe('1111111100000000')
  expect(parts[1]).toBe('3333333322222222')
  expect(parts[15]).toBe('ZZZZZZZZYYYYYYYY')
  expect(parts.slice(0, 16)).toEqual(parts.slice(16, 32))
  expect(parts[64]).toBe(parts[0])
})

test.each([
  [1_795_444_921_898, '01a208db-562a-7'],
  [1, '00000000-0001-7'],
])('a UUID of version 7 begins with its milliseconds: %i', (time, begin) => {
  const uuid = timedUuid(time, '12345678-9abc-4def-8123-456789abcdef')
  expect(uuid).toBe(`${begin}def-8123-456789abcdef`)
})
