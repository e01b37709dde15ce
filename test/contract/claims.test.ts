import type { NotificationId, Topic } from '@heliograph/protocol/identifiers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newDevice, notification, SetClock, seqAt } from './samples.ts'
import { type Target, targets } from './target.ts'

describe.each(targets)('claims: %s', (_name, open) => {
  let target: Target
  const clock = new SetClock()
  beforeAll(async () => {
    target = await open(clock)
  })
  afterAll(() => target.close())

  test('the first claim holds, for its holder too when it asks again', async () => {
    const first = notification()
    const { seq } = first
    const other = seqAt(clock.time + 1)
    expect(await target.claims.claim({ ...first, seq })).toBe(seq)
    expect(await target.claims.claim({ ...first, seq: other })).toBe(seq)
    expect(await target.claims.claim({ ...first, seq })).toBe(seq)
  })

  test('the letter case of an id makes no difference, another device or topic does', async () => {
    const first = notification()
    const { id, seq } = first
    const other = seqAt(clock.time + 1)
    await target.claims.claim({ ...first, seq })
    const upper = { ...first, id: id.toUpperCase() as NotificationId, seq: other }
    expect(await target.claims.claim(upper)).toBe(seq)
    const elsewhere = [{ deviceId: newDevice() }, { topic: 'com.example.other' as Topic }]
    for (const change of elsewhere)
      expect(await target.claims.claim({ ...first, ...change, seq: other })).toBe(other)
  })

  test('a claim ends after ten minutes', async () => {
    const first = notification()
    const { seq } = first
    const other = seqAt(clock.time + 1)
    await target.claims.claim({ ...first, seq })
    clock.time += 599_000
    expect(await target.claims.claim({ ...first, seq: other })).toBe(seq)
    clock.time += 1_000
    expect(await target.claims.claim({ ...first, seq: other })).toBe(other)
  })

  test('of claims at the same time one holds, and all hear which', async () => {
    const first = notification()
    const asked = Array.from({ length: 10 }, (_, index) => seqAt(clock.time + index))
    const held = await Promise.all(asked.map((seq) => target.claims.claim({ ...first, seq })))
    expect(new Set(held).size).toBe(1)
    expect(asked).toContain(held[0])
  })
})
