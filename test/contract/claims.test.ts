import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { NotificationId } from '../../core/identifiers.ts'
import { newToken, notification, SetClock, seqAt } from './samples.ts'
import { type Target, targets } from './target.ts'

describe.each(targets)('claims: %s', (_name, open) => {
  let target: Target
  const clock = new SetClock()
  beforeAll(async () => {
    target = await open(clock)
  })
  afterAll(() => target.close())

  test('the first claim holds, for its holder too when it asks again', async () => {
    const { id, token, seq } = notification()
    const other = seqAt(clock.time + 1)
    expect(await target.claims.claim(id, token, seq)).toBe(seq)
    expect(await target.claims.claim(id, token, other)).toBe(seq)
    expect(await target.claims.claim(id, token, seq)).toBe(seq)
  })

  test('the letter case of an id makes no difference, another token does', async () => {
    const { id, token, seq } = notification()
    const other = seqAt(clock.time + 1)
    await target.claims.claim(id, token, seq)
    expect(await target.claims.claim(id.toUpperCase() as NotificationId, token, other)).toBe(seq)
    expect(await target.claims.claim(id, newToken(), other)).toBe(other)
  })

  test('a claim ends after ten minutes', async () => {
    const { id, token, seq } = notification()
    const other = seqAt(clock.time + 1)
    await target.claims.claim(id, token, seq)
    clock.time += 599_000
    expect(await target.claims.claim(id, token, other)).toBe(seq)
    clock.time += 1_000
    expect(await target.claims.claim(id, token, other)).toBe(other)
  })

  test('of claims at the same time one holds, and all hear which', async () => {
    const { id, token } = notification()
    const asked = Array.from({ length: 10 }, (_, index) => seqAt(clock.time + index))
    const held = await Promise.all(asked.map((seq) => target.claims.claim(id, token, seq)))
    expect(new Set(held).size).toBe(1)
    expect(asked).toContain(held[0])
  })
})
