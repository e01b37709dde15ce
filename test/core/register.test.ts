import { beforeEach, describe, expect, test } from 'vitest'
import type { DeviceId } from '../../core/identifiers.ts'
import { type RegisterPorts, register } from '../../core/register.ts'
import { openToken } from '../../core/token.ts'
import { newDevice, now, topicA } from '../contract/samples.ts'
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
const withSent = (sent: 'busy' | 'offline') => ({ connections: { send: async () => sent } })

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
      send: async () => {
        live = world.registry.find(deviceId, topicA)?.live
        return 'acknowledged'
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

test('a request that a later unregister has overtaken gives no token', async () => {
  world.registry.change(deviceId, topicA, true, now - 10)
  world.registry.change(deviceId, topicA, false, now + 10)
  expect(await run()).toBe('overtaken')
  expect(world.told).toEqual([])
})

test('a device that has gone asks again; one that cannot be told yet is tried again', async () => {
  expect(await run(topicA, withSent('offline'))).toBe('unheard')
  await expect(run(topicA, withSent('busy'))).rejects.toThrow('could not be told')
})

describe('a revoked device', () => {
  test('gets no token, and what it registered is dead for good', async () => {
    world.devices.revoke(deviceId, now - 10)
    expect(await run()).toBe('refused')
    expect(world.told).toEqual([])
    expect(world.registry.find(deviceId, topicA)?.live).toBe(false)
    expect(world.registry.change(deviceId, topicA, true, now + 3_600_000).live).toBe(false)
  })

  test('is found out also when it was revoked after the registration was written', async () => {
    const { change } = world.ports.registrations
    const registrations = {
      ...world.ports.registrations,
      change: async (...call: Parameters<typeof change>) => {
        const registration = await change(...call)
        world.devices.revoke(deviceId, now)
        return registration
      },
    }
    expect(await run(topicA, { registrations })).toBe('refused')
    expect(world.told).toEqual([])
  })

  test('that is not even on record gets no token either', async () => {
    expect(await run(topicA, { devices: { find: async () => undefined } })).toBe('refused')
    expect(world.told).toEqual([])
  })
})
