import { expect, test } from 'vitest'
import { Settling } from '../src/pipeline/settling.ts'

const after = (...times: readonly [ms: number, count: number][]) => {
  const settling = new Settling()
  for (const [ms, count] of times) for (let n = 0; n < count; n += 1) settling.note(ms)
  return settling.graceMs
}

test('at first, and where devices answer at once, it pays to wait for 4 ms', () => {
  expect(new Settling().graceMs).toBe(4)
  expect(after([0.2, 1_000])).toBe(4)
})

test('where it takes longer, for three times as long as it takes', () => {
  expect(after([5, 1_000])).toBeCloseTo(15, 1)
  expect(after([10, 1_000])).toBeCloseTo(30, 1)
})

test('where waiting longer than 32 ms would be needed, for 4 ms again', () => {
  expect(after([11, 1_000])).toBe(4)
  expect(after([80, 1_000])).toBe(4)
})

test('a few who never answer do not change it for all others', () => {
  expect(after([1, 1_000], [30_000, 2])).toBeLessThan(8)
  expect(after([5, 1_000], [30_000, 2])).toBeGreaterThan(15)
  expect(after([30_000, 1_000], [1, 500])).toBe(4)
})
