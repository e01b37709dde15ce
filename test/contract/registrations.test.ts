import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newDevice, now, SetClock, topicA, topicB } from './samples.ts'
import { type Target, targets } from './target.ts'

describe.each(targets)('registrations: %s', (_name, open) => {
  let target: Target
  beforeAll(async () => {
    target = await open(new SetClock())
  })
  afterAll(() => target.close())

  test('a first registration is live', async () => {
    const deviceId = newDevice()
    const expected = { deviceId, topic: topicA, live: true, registeredAt: now }
    expect(await target.registrations.find(deviceId, topicA)).toBeUndefined()
    expect(await target.registrations.change(deviceId, topicA, true, now)).toEqual(expected)
    expect(await target.registrations.find(deviceId, topicA)).toEqual(expected)
  })

  test('dead and live again keep the times of the last change each way', async () => {
    const deviceId = newDevice()
    const { change } = target.registrations
    await change(deviceId, topicA, true, now)
    const dead = await change(deviceId, topicA, false, now + 1)
    expect(dead).toMatchObject({ live: false, registeredAt: now, unregisteredAt: now + 1 })
    const again = await change(deviceId, topicA, true, now + 2)
    expect(again).toMatchObject({ live: true, registeredAt: now + 2, unregisteredAt: now + 1 })
  })

  test('registering again while live keeps the first time', async () => {
    const deviceId = newDevice()
    await target.registrations.change(deviceId, topicA, true, now)
    const again = await target.registrations.change(deviceId, topicA, true, now + 5)
    expect(again).toMatchObject({ live: true, registeredAt: now })
  })

  test('unregistering again keeps the first time, which is what a 410 carries', async () => {
    const deviceId = newDevice()
    await target.registrations.change(deviceId, topicA, true, now)
    await target.registrations.change(deviceId, topicA, false, now + 1)
    const again = await target.registrations.change(deviceId, topicA, false, now + 9)
    expect(again).toMatchObject({ live: false, unregisteredAt: now + 1 })
  })

  test('what comes too late changes nothing', async () => {
    const deviceId = newDevice()
    const { change } = target.registrations
    await change(deviceId, topicA, true, now)
    await change(deviceId, topicA, true, now + 10)
    expect(await change(deviceId, topicA, false, now + 5)).toMatchObject({ live: true })
    await change(deviceId, topicA, false, now + 20)
    await change(deviceId, topicA, false, now + 30)
    expect(await change(deviceId, topicA, true, now + 25)).toMatchObject({ live: false })
  })

  test('nothing can be ended that never began', async () => {
    const ended = target.registrations.change(newDevice(), topicA, false, now)
    await expect(ended).rejects.toThrow('not registered')
  })

  test('one that is revoked never lives again, and keeps the time of its death', async () => {
    const deviceId = newDevice()
    const { change, revoke } = target.registrations
    await change(deviceId, topicA, true, now)
    const dead = { live: false, registeredAt: now, unregisteredAt: now + 1 }
    expect(await revoke(deviceId, topicA, now + 1)).toMatchObject(dead)
    expect(await change(deviceId, topicA, true, now + 3_600_000)).toMatchObject(dead)
    expect(await change(deviceId, topicA, false, now + 7_200_000)).toMatchObject(dead)
    expect(await revoke(deviceId, topicA, now + 9)).toMatchObject(dead)
    expect(await target.registrations.find(deviceId, topicA)).toMatchObject(dead)
  })

  test('revoked while dead it stays dead for good', async () => {
    const deviceId = newDevice()
    const { change, revoke } = target.registrations
    await change(deviceId, topicA, true, now)
    await change(deviceId, topicA, false, now + 1)
    expect(await revoke(deviceId, topicA, now + 5)).toMatchObject({ unregisteredAt: now + 1 })
    expect(await change(deviceId, topicA, true, now + 9)).toMatchObject({ live: false })
  })

  test('revoked by a clock that is behind, it dies just after it was registered', async () => {
    const deviceId = newDevice()
    await target.registrations.change(deviceId, topicA, true, now)
    const revoked = await target.registrations.revoke(deviceId, topicA, now - 5_000)
    expect(revoked).toMatchObject({ live: false, unregisteredAt: now + 1 })
  })

  test('nothing can be revoked that never began', async () => {
    const revoked = target.registrations.revoke(newDevice(), topicA, now)
    await expect(revoked).rejects.toThrow('not registered')
  })

  test('one that is reserved has never lived, and any request makes it live', async () => {
    const deviceId = newDevice()
    const { reserve, change, find, list } = target.registrations
    await reserve(deviceId, topicA, now)
    await reserve(deviceId, topicA, now + 5)
    const reserved = { deviceId, topic: topicA, live: false, registeredAt: now }
    expect(await find(deviceId, topicA)).toEqual(reserved)
    expect(await list(deviceId)).toEqual([reserved])
    const live = { deviceId, topic: topicA, live: true, registeredAt: now - 9 }
    expect(await change(deviceId, topicA, true, now - 9)).toEqual(live)
    await reserve(deviceId, topicA, now + 10)
    expect(await find(deviceId, topicA)).toEqual(live)
  })

  test('revoked while it is reserved it never lives', async () => {
    const deviceId = newDevice()
    const { reserve, change, revoke } = target.registrations
    await reserve(deviceId, topicA, now)
    expect(await revoke(deviceId, topicA, now + 1)).toMatchObject({ live: false })
    const late = await change(deviceId, topicA, true, now + 3_600_000)
    expect(late).toEqual({ deviceId, topic: topicA, live: false, registeredAt: now })
  })

  test('several are found at once, in the order asked for', async () => {
    const { change, findAll, find } = target.registrations
    const devices = Array.from({ length: 130 }, () => newDevice())
    for (const [at, deviceId] of devices.entries())
      if (at % 3 > 0) await change(deviceId, topicA, at % 3 === 1, now).catch(() => undefined)
    for (const count of [0, 1, 2, 130]) {
      const keys = devices.slice(0, count).map((deviceId) => ({ deviceId, topic: topicA }))
      const one = await Promise.all(keys.map((key) => find(key.deviceId, key.topic)))
      expect(await findAll(keys)).toEqual(one)
    }
  })

  test('a device lists its own topics, dead ones too', async () => {
    const deviceId = newDevice()
    await target.registrations.change(deviceId, topicA, true, now)
    await target.registrations.change(deviceId, topicB, true, now)
    await target.registrations.change(deviceId, topicB, false, now + 1)
    const list = await target.registrations.list(deviceId)
    expect(list.map(({ topic, live }) => [topic, live])).toEqual([
      [topicA, true],
      [topicB, false],
    ])
  })

  test('whatever order requests are worked in, and how often: the last one asked for holds', async () => {
    const request = fc.record({ live: fc.boolean(), at: fc.integer({ min: 1, max: 20 }) })
    const requests = fc.array(request, { minLength: 1, maxLength: 8 })
    const works = fc.asyncProperty(requests, fc.infiniteStream(fc.nat()), async (asked, order) => {
      const deviceId = newDevice()
      await target.registrations.change(deviceId, topicA, true, now)
      const worked = [...asked, ...asked].sort(() => ((order.next().value ?? 0) % 2) - 0.5)
      for (const { live, at } of worked)
        await target.registrations.change(deviceId, topicA, live, now + at)
      const latest = Math.max(...asked.map(({ at }) => at))
      const expected = asked.some(({ live, at }) => at === latest && live)
      expect(await target.registrations.find(deviceId, topicA)).toMatchObject({ live: expected })
    })
    await fc.assert(works, { numRuns: 25 })
  })
})
