import { slotName } from '@heliograph/core/delivery/slot-name'
import type { Notification } from '@heliograph/core/notification'
import type { Topic } from '@heliograph/protocol/identifiers'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  FORGED_SEAL,
  later,
  newDevice,
  notification,
  now,
  SetClock,
  topicA,
  topicB,
} from './samples.ts'
import { type Target, targets } from './target.ts'

const inOrder = (all: readonly Notification[]) => [...all].sort((a, b) => (a.seq < b.seq ? -1 : 1))

describe.each(targets)('pending notifications: %s', (_name, open) => {
  let target: Target
  beforeAll(async () => {
    target = await open(new SetClock())
  })
  afterAll(() => target.close())

  test('an empty slot takes a notification and gives it back as it was', async () => {
    const one = notification({
      collapseId: 'scores',
      payload: '{"text":"\\u0000 \ufffe ü 😀","big":12345678901234567890}',
    })
    expect(await target.pending.put(one, now)).toEqual({ kept: true })
    expect(await target.pending.find(one.deviceId, one.topic)).toEqual(one)
  })

  test('a newer one replaces an older one and says which', async () => {
    const older = notification()
    const newer = later(older)
    await target.pending.put(older, now)
    expect(await target.pending.put(newer, now)).toEqual({ kept: true, replaced: older })
    expect(await target.pending.find(older.deviceId, older.topic)).toEqual(newer)
  })

  test('an older one does not replace a newer one', async () => {
    const older = notification()
    const newer = later(older)
    await target.pending.put(newer, now)
    expect(await target.pending.put(older, now)).toEqual({ kept: false })
    expect(await target.pending.find(older.deviceId, older.topic)).toEqual(newer)
  })

  test('the same one again is kept and replaces nothing', async () => {
    const one = notification()
    await target.pending.put(one, now)
    expect(await target.pending.put(one, now)).toEqual({ kept: true })
  })

  test('a newer one that has expired counts as absent', async () => {
    const older = notification()
    const expired = later(older, 1, { expiration: now / 1000 + 10 })
    await target.pending.put(expired, now)
    expect(await target.pending.put(older, now + 9_999)).toEqual({ kept: false })
    expect(await target.pending.put(older, now + 10_000)).toEqual({ kept: true, replaced: expired })
  })

  test('an expired one is still found: the reader decides', async () => {
    const expired = notification({ expiration: now / 1000 - 1 })
    await target.pending.put(expired, now)
    expect(await target.pending.find(expired.deviceId, expired.topic)).toEqual(expired)
  })

  describe('a row that accept has not made counts as absent', () => {
    beforeEach((context) => context.skip(!target.forgeSlot, 'nobody else writes this store'))

    const forge = (one: Notification) => target.forgeSlot?.(one)
    const forged = { seal: FORGED_SEAL, payload: '{"aps":{"alert":"forged"}}' }

    test.each([
      ['newer', 1],
      ['older', -1],
      ['of the same seq', 0],
    ])(
      'one that is %s keeps no notification out, and is not said to be replaced',
      async (_what, ms) => {
        const one = notification()
        await forge({ ...later(one, ms, forged), ...(ms === 0 && { seq: one.seq }) })
        expect(await target.pending.put(one, now)).toEqual({ kept: true })
        expect(await target.pending.find(one.deviceId, one.topic)).toEqual(one)
      },
    )

    test('it is neither found nor listed', async () => {
      const one = notification(forged)
      await forge(one)
      expect(await target.pending.find(one.deviceId, one.topic)).toBeUndefined()
      expect(await target.pending.list(one.deviceId)).toEqual([])
    })

    test('a newer one that is genuine still stays, after a forged one was there', async () => {
      const older = notification()
      const newer = later(older)
      await forge(later(older, 5, forged))
      expect(await target.pending.put(newer, now)).toEqual({ kept: true })
      expect(await target.pending.put(older, now)).toEqual({ kept: false })
      expect(await target.pending.find(older.deviceId, older.topic)).toEqual(newer)
    })

    test('of puts at the same time over a forged one the newest stays', async () => {
      const first = notification()
      const all = [first, ...Array.from({ length: 4 }, (_, index) => later(first, index + 1))]
      await forge(later(first, 1_000, forged))
      await Promise.all(all.map((one) => target.pending.put(one, now)))
      expect(await target.pending.find(first.deviceId, first.topic)).toEqual(all.at(-1))
    })
  })

  test('of puts at the same time the newest stays, and each other one is replaced or refused', async () => {
    const first = notification()
    const all = [first, ...Array.from({ length: 15 }, (_, index) => later(first, index + 1))]
    const mixed = [...all].sort((a, b) => (a.id < b.id ? -1 : 1))
    const results = await Promise.all(mixed.map((one) => target.pending.put(one, now)))
    expect(await target.pending.find(first.deviceId, first.topic)).toEqual(all.at(-1))
    const ended = mixed.flatMap((one, index) => {
      const result = results[index]
      if (!result?.kept) return [one.id]
      return result.replaced ? [result.replaced.id] : []
    })
    const others = all.slice(0, -1).map(({ id }) => id)
    expect(ended.sort()).toEqual(others.sort())
  })

  test('a slot is removed only while it holds that seq, and only one caller hears so', async () => {
    const older = notification()
    const newer = later(older)
    const { deviceId, topic } = older
    await target.pending.put(newer, now)
    expect(await target.pending.remove(deviceId, topic, older.seq)).toBe(false)
    const removals = Array.from({ length: 5 }, () =>
      target.pending.remove(deviceId, topic, newer.seq),
    )
    expect((await Promise.all(removals)).filter(Boolean)).toHaveLength(1)
    expect(await target.pending.find(deviceId, topic)).toBeUndefined()
  })

  test('a slot that was never used cannot be removed', async () => {
    const { deviceId, topic, seq } = notification()
    expect(await target.pending.remove(deviceId, topic, seq)).toBe(false)
  })

  test('a device has one slot per topic, and sees its own only', async () => {
    const deviceId = newDevice()
    const inA = notification({ deviceId, topic: topicA })
    const inB = notification({ deviceId, topic: topicB })
    for (const one of [inA, inB, notification()]) await target.pending.put(one, now)
    expect(await target.pending.list(deviceId)).toEqual([inA, inB])
    expect(await target.pending.list(newDevice())).toEqual([])
  })

  describe('of a topic that keeps the newest of each collapse id', () => {
    const inLine = { perCollapseId: 4 }

    test('each collapse id has a slot, and so has each notification without one', async () => {
      const deviceId = newDevice()
      const plain = notification({ deviceId, ...inLine })
      const all = [
        plain,
        later(plain, 1, inLine),
        later(plain, 2, { ...inLine, collapseId: 'score' }),
        later(plain, 3, { ...inLine, collapseId: 'seq:*/+#\u00fc' }),
        later(plain, 4),
      ]
      for (const one of all) expect(await target.pending.put(one, now)).toEqual({ kept: true })
      for (const one of all) expect(await target.pending.find(deviceId, slotName(one))).toEqual(one)
      expect(inOrder(await target.pending.list(deviceId))).toEqual(all)
      expect(inOrder(await target.pending.listOf(deviceId, plain.topic))).toEqual(all)
    })

    test('in each the newest wins', async () => {
      const older = notification({ ...inLine, collapseId: 'score' })
      const newer = later(older, 1, { ...inLine, collapseId: 'score' })
      await target.pending.put(older, now)
      expect(await target.pending.put(newer, now)).toEqual({ kept: true, replaced: older })
      expect(await target.pending.put(older, now)).toEqual({ kept: false })
      expect(await target.pending.listOf(older.deviceId, older.topic)).toEqual([newer])
    })

    test('one slot is removed by itself, only while it holds that seq', async () => {
      const first = notification(inLine)
      const second = later(first, 1, inLine)
      for (const one of [first, second]) await target.pending.put(one, now)
      const { deviceId, topic } = first
      expect(await target.pending.remove(deviceId, slotName(first), second.seq)).toBe(false)
      expect(await target.pending.remove(deviceId, slotName(first), first.seq)).toBe(true)
      expect(await target.pending.listOf(deviceId, topic)).toEqual([second])
    })

    test('topics whose names begin alike do not see each other', async () => {
      const deviceId = newDevice()
      const topics = ['com.example.app', 'com.example.app-x', 'com.example.app.voip'] as Topic[]
      const all = topics.map((topic) => notification({ deviceId, topic, ...inLine }))
      for (const one of all) await target.pending.put(one, now)
      for (const [at, topic] of topics.entries())
        expect(await target.pending.listOf(deviceId, topic)).toEqual([all[at]])
    })

    test('puts at the same time all have their slots, and the newest of a collapse id stays', async () => {
      const first = notification(inLine)
      const all = Array.from({ length: 12 }, (_, ms) =>
        later(first, ms, { ...inLine, ...(ms % 2 === 0 && { collapseId: 'even' }) }),
      )
      await Promise.all(all.map((one) => target.pending.put(one, now)))
      const kept = all.filter((_, ms) => ms % 2 === 1 || ms === 10)
      expect(inOrder(await target.pending.listOf(first.deviceId, first.topic))).toEqual(kept)
    })

    test('a row that accept has not made is in no slot of the topic', async (context) => {
      context.skip(!target.forgeSlot, 'nobody else writes this store')
      const one = notification({ ...inLine, collapseId: 'score' })
      const forged = { ...later(one, 5, one), seal: FORGED_SEAL, payload: '{"aps":{}}' }
      await target.forgeSlot?.(forged)
      expect(await target.pending.listOf(one.deviceId, one.topic)).toEqual([])
      expect(await target.pending.put(one, now)).toEqual({ kept: true })
      expect(await target.pending.listOf(one.deviceId, one.topic)).toEqual([one])
    })
  })

  test('a device with more slots than one page of DynamoDB sees them all', async () => {
    const deviceId = newDevice()
    const payload = JSON.stringify({ filler: 'x'.repeat(4_000) })
    const slots = Array.from({ length: 300 }, (_, index) =>
      notification({ deviceId, topic: `com.example.app${index}` as typeof topicA, payload }),
    )
    await Promise.all(slots.map((slot) => target.pending.put(slot, now)))
    expect(await target.pending.list(deviceId)).toHaveLength(300)
  })
})
