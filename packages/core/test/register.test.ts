import type { DeviceId } from '@heliograph/protocol/identifiers'
import { MAX_REGISTRATIONS } from '@heliograph/protocol/limits'
import { beforeEach, describe, expect, test } from 'vitest'
import { newDevice, now, topicA, topicB } from '../../../test/contract/samples.ts'
import { type RegisterPorts, register } from '../src/devices/register.ts'
import { revokeRegistrations } from '../src/devices/unregister.ts'
import { openToken } from '../src/token/token.ts'
import { Delivery } from './delivery-support.ts'

let world: Delivery
let deviceId: DeviceId

beforeEach(() => {
  world = new Delivery()
  deviceId = newDevice()
})

const run = (topic: unknown = topicA, ports: Partial<RegisterPorts> = {}) =>
  register({ deviceId, receivedAt: now, body: { topic } }, { ...world.ports, ...ports })
const answers = () => world.told.map(({ topic, message }) => [topic, message])
const withTold = (told: 'busy' | 'offline') => ({
  connections: { ...world.ports.connections, tell: async () => told },
})

test('a topic is known by the certificate or by the live key that names it', async () => {
  const known = { knowsTopic: async () => true }
  const unknown = { knowsTopic: async () => false }
  expect(await run(topicA, { providers: unknown, providerKeys: unknown })).toBe('refused')
  expect(answers()).toEqual([
    ['heliograph/error', expect.objectContaining({ reason: 'UnknownTopic' })],
  ])
  expect(await run(topicA, { providers: unknown, providerKeys: known })).toBe('registered')
  expect(await run(topicA, { providers: known, providerKeys: unknown })).toBe('registered')
})

test('a device gets a token that opens to itself, and the registration is live', async () => {
  expect(await run()).toBe('registered')
  const token = world.told[0]?.message.token as never
  expect(openToken(world.keys.live(), token)?.deviceId).toBe(deviceId)
  expect(world.registry.find(deviceId, topicA)).toMatchObject({ live: true, registeredAt: now })
})

test('the registration is live before the token is out', async () => {
  let live: boolean | undefined
  await run(topicA, {
    connections: {
      ...world.ports.connections,
      tell: async () => {
        live = world.registry.find(deviceId, topicA)?.live
        return 'told'
      },
    },
  })
  expect(live).toBe(true)
})

test('asking again gives the same token', async () => {
  await run()
  await run()
  expect(world.told[1]).toEqual(world.told[0])
})

test('a registration is reserved before its first time, and not when it is there', async () => {
  const reserved: string[] = []
  const { registrations } = world.ports
  const noting: Partial<RegisterPorts> = {
    registrations: {
      ...registrations,
      reserve: (device, topic, at) => {
        reserved.push(topic)
        return registrations.reserve(device, topic, at)
      },
    },
  }
  for (const topic of [topicA, topicA, topicB, topicA]) await run(topic, noting)
  expect(reserved).toEqual([topicA, topicB])
})

describe('refusals', () => {
  test.each([
    ['com.example.unknown', 'UnknownTopic', { kind: 'register', topic: 'com.example.unknown' }],
    ['no topic!', 'BadTopic', { kind: 'register' }],
    [null, 'BadTopic', { kind: 'register' }],
    [7, 'BadTopic', { kind: 'register' }],
  ])('%s: %s', async (topic, reason, request) => {
    expect(await run(topic)).toBe('refused')
    expect(answers()).toEqual([['heliograph/error', { reason, request }]])
    expect(world.registry.list(deviceId)).toEqual([])
  })
})

test('a device that has as many topics as one may have gets no other, but those again', async () => {
  for (let n = 0; n < MAX_REGISTRATIONS - 1; n += 1)
    world.register(deviceId, `com.example.n${n}` as typeof topicA)
  expect(await run(topicA)).toBe('registered')
  expect(await run(topicB)).toBe('refused')
  expect(answers().at(-1)).toEqual([
    'heliograph/error',
    { reason: 'TooManyRegistrations', request: { kind: 'register', topic: topicB } },
  ])
  expect(await run(topicA)).toBe('registered')
})

test('dead registrations take no room, and one of them is not had again without room', async () => {
  const die = (topic: typeof topicA) => {
    world.register(deviceId, topic)
    world.registry.change(deviceId, topic, false, now - 100)
  }
  for (let n = 0; n < MAX_REGISTRATIONS - 1; n += 1) {
    die(`com.example.dead${n}` as typeof topicA)
    world.register(deviceId, `com.example.n${n}` as typeof topicA)
  }
  die(topicB)
  expect(await run(topicA)).toBe('registered')
  expect(await run(topicB)).toBe('refused')
  expect(world.registry.find(deviceId, topicB)?.live).toBe(false)
})

test('a request that a later unregister has overtaken gives no token', async () => {
  world.registry.change(deviceId, topicA, true, now - 10)
  world.registry.change(deviceId, topicA, false, now + 10)
  expect(await run()).toBe('overtaken')
  expect(world.told).toEqual([])
})

test('a device that does not get its token asks again: nothing is left to be tried again', async () => {
  expect(await run(topicA, withTold('offline'))).toBe('unheard')
  expect(await run(topicA, withTold('busy'))).toBe('unheard')
})

describe('a revoked device', () => {
  test('gets no token, and is registered for nothing', async () => {
    world.devices.revoke(deviceId, now - 10)
    expect(await run()).toBe('refused')
    expect(world.told).toEqual([])
    expect(world.registry.find(deviceId, topicA)?.live).toBe(false)
  })

  /** Calls `before` and then `after` around every call of `register` that reads or writes a table. */
  const around = (before: () => Promise<void>, after: () => void): Partial<RegisterPorts> => {
    const { registrations, devices } = world.ports
    const wrap =
      <Args extends unknown[], Answer>(call: (...args: Args) => Promise<Answer>) =>
      async (...args: Args) => {
        await before()
        const answer = await call(...args)
        after()
        return answer
      }
    const { list, reserve, change, revoke } = registrations
    return {
      registrations: {
        ...registrations,
        ...{ list: wrap(list), reserve: wrap(reserve), change: wrap(change), revoke: wrap(revoke) },
      },
      devices: { find: wrap(devices.find) },
    }
  }
  /** A revocation after the failure finds what there is: no case of its own. */
  const cases = [1, 2, 3, 4].flatMap((revokedAt) =>
    [1, 2, 3, 4].filter((failsAt) => failsAt >= revokedAt).map((failsAt) => [revokedAt, failsAt]),
  )

  test.each(cases)(
    'before step %i of a register that fails after step %i: it is not registered',
    async (revokedAt, failsAt) => {
      let begun = 0
      let ended = 0
      const revokeOnce = async () => {
        begun += 1
        if (begun !== revokedAt) return
        world.devices.revoke(deviceId, now)
        await revokeRegistrations(deviceId, now, world.ports)
      }
      const fail = () => {
        ended += 1
        if (ended === failsAt) throw new Error('no answer')
      }
      await run(topicA, around(revokeOnce, fail)).catch(() => undefined)
      expect(begun).toBeGreaterThanOrEqual(revokedAt)
      expect(world.registry.find(deviceId, topicA)?.live ?? false).toBe(false)
      expect(world.told).toEqual([])
    },
  )

  test('that is not even on record gets no token either', async () => {
    expect(await run(topicA, { devices: { find: async () => undefined } })).toBe('refused')
    expect(world.told).toEqual([])
  })
})
