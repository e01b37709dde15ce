import type { DeviceId, TokenKeyId } from '@heliograph/protocol/identifiers'
import { beforeEach, describe, expect, test } from 'vitest'
import { newDevice, notification, now, topicA, topicB } from '../../../test/contract/samples.ts'
import { endRegistration, revokeRegistrations, unregister } from '../src/devices/unregister.ts'
import { sealToken } from '../src/token/token.ts'
import { Delivery } from './delivery-support.ts'

let world: Delivery
let deviceId: DeviceId

beforeEach(() => {
  world = new Delivery()
  deviceId = newDevice()
  world.register(deviceId)
})

const run = (topic: unknown = topicA, receivedAt = now) =>
  unregister({ deviceId, receivedAt, body: { topic } }, world.ports)
const store = () => {
  const slot = notification({ deviceId })
  world.slots.put(slot, now)
  return slot
}
const tokens = () => world.keys.live().map((key) => sealToken(key, deviceId, topicA))

test('the token is dead, its slot empty, and the provider can read of it', async () => {
  store()
  expect(await run()).toBe('unregistered')
  expect(world.registry.find(deviceId, topicA)).toMatchObject({ live: false, unregisteredAt: now })
  expect(world.slots.all()).toEqual([])
  expect(world.kinds).toEqual(['unregistered'])
  expect(world.feedback()).toMatchObject([
    { token: tokens()[0], timestamp: now, reason: 'Unregistered' },
  ])
  expect(world.deaths).toEqual([{ topic: topicA, token: tokens()[0], at: now }])
})

test('every token that the provider may hold is listed: keys change', async () => {
  world.keys.create('01J00000000000000000000002' as TokenKeyId, now)
  await run()
  const listed = world
    .feedback()
    .map((row) => (row.reason === 'Unregistered' ? row.token : row.reason))
  expect(listed.sort()).toEqual(tokens().sort())
})

test('a key that was replaced long before the registration is no concern', async () => {
  world.keys.create('01J00000000000000000000002' as TokenKeyId, now)
  world.clock.time = now + 3_600_000
  world.register(newDevice())
  const other = newDevice()
  world.registry.change(other, topicA, true, now + 3_600_000)
  await endRegistration(other, topicA, now + 3_600_001, world.ports)
  expect(world.feedback()).toHaveLength(1)
})

test('doing it again writes nothing twice, and carries the first time', async () => {
  await run()
  await run(topicA, now + 60_000)
  expect(world.feedback()).toMatchObject([{ timestamp: now }])
})

test('what a crash left undone is done by the next try, whenever that comes', async () => {
  store()
  const { listOf } = world.ports.pending
  world.ports.pending.listOf = () => Promise.reject(new Error('no answer'))
  await expect(run()).rejects.toThrow('no answer')
  world.ports.pending.listOf = listOf
  await endRegistration(deviceId, topicA, now + 5_000, world.ports)
  expect(world.slots.all()).toEqual([])
  expect(world.feedback()).toMatchObject([{ timestamp: now }])
})

describe('a registration that came after', () => {
  test('is not ended by an older request', async () => {
    world.registry.change(deviceId, topicA, true, now + 10)
    const slot = store()
    expect(await run()).toBe('overtaken')
    expect(world.slots.all()).toEqual([slot])
    expect(world.feedback()).toEqual([])
  })

  test('keeps what was stored for it while the old one was being ended', async () => {
    const { listOf } = world.ports.pending
    let slot: unknown
    world.ports.pending.listOf = async (...key) => {
      world.registry.change(deviceId, topicA, true, now + 10)
      slot = store()
      return listOf(...key)
    }
    await run()
    expect(world.slots.all()).toEqual([slot])
    expect(world.kinds).toEqual([])
  })
})

test.each([
  [topicB, 'UnknownTopic', { kind: 'unregister', topic: topicB }],
  ['no topic!', 'BadTopic', { kind: 'unregister' }],
  [null, 'BadTopic', { kind: 'unregister' }],
])('%s is refused with %s', async (topic, reason, request) => {
  expect(await run(topic)).toBe('refused')
  expect(world.told).toEqual([
    { deviceId, topic: 'heliograph/error', message: { reason, request } },
  ])
})

describe('a revoked device', () => {
  const revoke = (at = now) => revokeRegistrations(deviceId, at, world.ports)
  const state = (topic = topicA) => world.registry.find(deviceId, topic)

  test('has no live token, no slot, and its providers can read of it', async () => {
    store()
    expect(await revoke()).toMatchObject([{ topic: topicA, live: false, unregisteredAt: now }])
    expect(world.slots.all()).toEqual([])
    expect(world.kinds).toEqual(['unregistered'])
    expect(world.feedback()).toMatchObject([{ token: tokens()[0], timestamp: now }])
  })

  test('registers no more, however late or early its request is said to have come', async () => {
    world.register(deviceId, topicB)
    world.registry.change(deviceId, topicB, false, now - 100)
    await revoke()
    for (const topic of [topicA, topicB])
      for (const at of [now - 1, now + 1, now + 3_600_000])
        expect(world.registry.change(deviceId, topic, true, at).live).toBe(false)
    expect(state(topicB)).toMatchObject({ unregisteredAt: now - 100 })
  })

  test('that was about to register had no token for the topic: nobody is told of one', async () => {
    world.registry.reserve(deviceId, topicB, now)
    expect((await revoke()).map(({ topic }) => topic)).toEqual([topicA, topicB])
    expect(world.feedback(topicB)).toEqual([])
    expect(world.deaths.map(({ topic }) => topic)).toEqual([topicA])
  })

  test('dies after it registered, though the clock of the operator is behind', async () => {
    world.registry.change(deviceId, topicB, true, now + 5_000)
    await revoke()
    expect(state(topicB)).toMatchObject({ live: false, unregisteredAt: now + 5_001 })
    expect(world.feedback(topicB)).toMatchObject([{ timestamp: now + 5_001 }])
  })

  test.each([
    ['its slot was emptied', 'pending', 'listOf'],
    ['its providers were told', 'feedback', 'write'],
  ] as const)(
    'whose revocation died before %s is done with by the next',
    async (_when, port, call) => {
      store()
      const whole = world.ports[port]
      Object.assign(world.ports, {
        [port]: { ...whole, [call]: () => Promise.reject('no answer') },
      })
      await expect(revoke()).rejects.toBe('no answer')
      Object.assign(world.ports, { [port]: whole })
      await revoke(now + 60_000)
      await revoke(now + 120_000)
      expect(world.slots.all()).toEqual([])
      expect(world.feedback()).toMatchObject([{ timestamp: now }])
    },
  )
})
