import { readFileSync } from 'node:fs'
import { CONFIRMATION_SECONDS } from '@heliograph/aws/clients'
import {
  BUSY_ATTEMPTS,
  backOffSeconds,
  FIRST_SILENCE_MS,
  LONGEST_SILENCE_MS,
  MAX_RECEIVES,
  SLOT_RETRY_SECONDS,
} from '@heliograph/protocol/retry'
import { describe, expect, test } from 'vitest'

const words = ['no', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten']
const word = (number: number) => words[number] ?? String(number)

/** Minutes from a silence until the last attempt at the slot is over, at most. */
function minutesOfAttempts(): number {
  const receives = Array.from({ length: MAX_RECEIVES - 1 }, (_, index) => index + 1)
  const pauses = receives.reduce((sum, receive) => sum + backOffSeconds(receive, 1), 0)
  return Math.round((SLOT_RETRY_SECONDS + pauses + MAX_RECEIVES * CONFIRMATION_SECONDS) / 60)
}

const page = (name: string) =>
  readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8').replace(/\s+/g, ' ')

describe('the retry policy is what the pages say', () => {
  const slot = `${word(MAX_RECEIVES)} times within ${word(minutesOfAttempts())} minutes`
  test.each([
    ['delivery.md', `its slot is tried again after ${SLOT_RETRY_SECONDS} s`],
    ['delivery.md', `after ${SLOT_RETRY_SECONDS} s, then backing off, ${slot}`],
    [
      'delivery.md',
      `For ${FIRST_SILENCE_MS / 1000} s after a missed PUBACK (twice as long after each further one, up to ${LONGEST_SILENCE_MS / 1000} s)`,
    ],
    ['delivery.md', `is tried ${word(BUSY_ATTEMPTS)} times`],
    ['delivery.md', `or the queue a message (${word(MAX_RECEIVES)})`],
    ['device-sdk.md', `after ${SLOT_RETRY_SECONDS} s, up to ${slot}`],
    ['runbook.md', `send an accepted notification ${word(MAX_RECEIVES)} times`],
  ])('%s: %s', (name, sentence) => {
    expect(page(name)).toContain(sentence)
  })
})
