import type { DeviceToken } from '@heliograph/protocol/identifiers'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { newToken } from '../../../test/contract/samples.ts'
import { rateLimit } from '../src/rate-limit.ts'

const token = newToken()

/** How many of the given times are let through. */
function granted(limit: ReturnType<typeof rateLimit>, times: readonly number[], of = token) {
  return times.filter((at) => limit.take(of, at)).length
}

test('0 is no limit', () => {
  expect(granted(rateLimit(0), Array(100_000).fill(0))).toBe(100_000)
})

test("a burst of ten seconds' worth, then so many a second", () => {
  const limit = rateLimit(5)
  expect(granted(limit, Array(100).fill(1_000))).toBe(50)
  expect(granted(limit, Array(100).fill(2_000))).toBe(5)
  expect(granted(limit, [2_199, 2_200])).toBe(1)
})

test('less than one a second is possible', () => {
  const limit = rateLimit(0.1)
  expect(granted(limit, [0, 1_000, 9_999, 10_000])).toBe(2)
})

test('tokens do not share their allowance', () => {
  const limit = rateLimit(1)
  granted(limit, Array(10).fill(0))
  expect(limit.take(token, 0)).toBe(false)
  expect(limit.take(newToken(), 0)).toBe(true)
})

test('a clock that runs backwards grants nothing, and takes nothing for good', () => {
  const limit = rateLimit(1)
  granted(limit, Array(10).fill(100_000))
  expect(limit.take(token, 0)).toBe(false)
  expect(limit.take(token, 1_000)).toBe(true)
})

test('no more than burst and rate allow, whatever the times', () => {
  const gaps = fc.array(fc.integer({ min: 0, max: 5_000 }), { maxLength: 200 })
  fc.assert(
    fc.property(gaps, fc.integer({ min: 1, max: 20 }), (waits, perSecond) => {
      let at = 0
      const times = waits.map((wait) => {
        at += wait
        return at
      })
      const most = perSecond * 10 + (perSecond * at) / 1_000
      expect(granted(rateLimit(perSecond), times)).toBeLessThanOrEqual(most)
    }),
  )
})

test('memory is bounded: the longest unused is forgotten', () => {
  const limit = rateLimit(1, 2)
  const [a, b, c] = [newToken(), newToken(), newToken()] as [DeviceToken, DeviceToken, DeviceToken]
  granted(limit, Array(10).fill(0), a)
  granted(limit, Array(10).fill(0), b)
  // a is used again, so b goes when c comes
  expect(limit.take(a, 0)).toBe(false)
  limit.take(c, 0)
  expect(limit.take(a, 0)).toBe(false)
  expect(limit.take(b, 0)).toBe(true)
})
