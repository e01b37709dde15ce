import { describe, expect, test } from 'vitest'
import {
  BUSY_ATTEMPTS,
  backOffSeconds,
  DELIVER_TIMEOUT_SECONDS,
  FIRST_SILENCE_MS,
  LEFT_TO_NEWEST_MS,
  LONGEST_SILENCE_MS,
  MAX_RECEIVES,
  RECORD_TIMEOUT_SECONDS,
  RECORD_VISIBILITY_SECONDS,
  SLOT_RETRY_SECONDS,
  VISIBILITY_SECONDS,
} from '../src/retry.ts'

describe('the back-off of a queue message', () => {
  test.each([
    [1, 0, 1],
    [1, 0.999, 2],
    [3, 0, 4],
    [3, 0.5, 6],
    [7, 1, 128],
  ])('after receive %i, drawn at %f, is %i s', (receives, chance, expected) => {
    expect(backOffSeconds(receives, chance)).toBe(expected)
  })

  test('after a receive count that makes no sense is that after the first', () => {
    expect(backOffSeconds(-3, 1)).toBe(2)
  })
})

describe('the values fit together', () => {
  test('the silence after an unacknowledged message is over when its slot is tried again', () => {
    expect(FIRST_SILENCE_MS).toBeGreaterThan(0)
    expect(FIRST_SILENCE_MS).toBeLessThan(SLOT_RETRY_SECONDS * 1000)
    expect(LONGEST_SILENCE_MS % FIRST_SILENCE_MS).toBe(0)
  })

  test('a message that its function did not finish comes back after six times its timeout', () => {
    expect(VISIBILITY_SECONDS).toBe(6 * DELIVER_TIMEOUT_SECONDS)
    // and a batch of outcomes may take five minutes to fill
    expect(RECORD_VISIBILITY_SECONDS).toBe(6 * RECORD_TIMEOUT_SECONDS + 300)
  })

  test('a throttled notification goes into its slot before the queue gives it up', () => {
    expect(BUSY_ATTEMPTS).toBeLessThan(MAX_RECEIVES)
  })

  test('the message that others are left to has half of its time before it', () => {
    const rests = Array.from({ length: MAX_RECEIVES - 1 }, (_, at) => backOffSeconds(at + 1, 0))
    // one machine lets nothing rest for longer than a minute
    const shortest = rests.reduce((sum, seconds) => sum + Math.min(seconds, 60), 0)
    expect(1_000 * shortest).toBeGreaterThanOrEqual(2 * LEFT_TO_NEWEST_MS)
  })

  test('SQS permits every delay: 15 minutes for a message, 12 hours of invisibility', () => {
    expect(SLOT_RETRY_SECONDS).toBeLessThanOrEqual(900)
    expect(Math.max(backOffSeconds(MAX_RECEIVES, 1), VISIBILITY_SECONDS)).toBeLessThan(43_200)
  })
})
