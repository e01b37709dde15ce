import type { DeviceId, TokenKeyId, Topic } from '@heliograph/protocol/identifiers'
import { beforeEach, describe, expect, test } from 'vitest'
import {
  later,
  newDevice,
  newToken,
  notification,
  now,
  topicA,
  topicB,
} from '../../../test/contract/samples.ts'
import { connect } from '../src/devices/connect.ts'
import { allowances } from '../src/devices/device-budget.ts'
import type { DeviceRequest } from '../src/devices/device-request.ts'
import { sealToken } from '../src/token/token.ts'
import { Delivery } from './delivery-support.ts'

let world: Delivery
let deviceId: DeviceId

beforeEach(() => {
  world = new Delivery()
  deviceId = newDevice()
  world.register(deviceId)
})

const request = (tokens: unknown): DeviceRequest => ({
  deviceId,
  receivedAt: now,
  body: { tokens },
})
const run = (tokens: unknown = []) => connect(request(tokens), world.ports)
const seal = (topic = topicA, owner = deviceId, key = world.keys.live()[0]) => {
  if (!key) throw new Error('no key')
  return sealToken(key, owner, topic)
}
const connected = () => world.told.find(({ topic }) => topic === 'heliograph/connected')?.message

test('a device that acknowledges none of its slots is not answered when they were tried too often', async () => {
  const slots = [topicA, topicB].map((topic) => notification({ deviceId, topic }))
  for (const slot of slots) world.slots.put(slot, now)
  const most = allowances.slot.burst / slots.length
  for (let n = 0; n < most; n += 1) expect(await run()).toMatchObject({ pending: 2 })
  world.told.length = 0
  expect(await run()).toBe('deferred')
  expect(world.told).toEqual([])
  expect(world.queued).toHaveLength(allowances.slot.burst)
  for (const { topic, seq } of slots) world.slots.remove(deviceId, topic, seq)
  expect(await run()).toMatchObject({ pending: 0 })
})

describe('tokens', () => {
  test('a good one is accepted', async () => {
    await run([seal()])
    expect(connected()).toEqual({ accepted: [topicA], renewed: [], rejected: [] })
  })

  test('one under an older key is renewed', async () => {
    const old = seal()
    world.keys.create('01J00000000000000000000002' as TokenKeyId, now)
    await run([old])
    expect(connected()).toMatchObject({ renewed: [{ topic: topicA, token: seal() }] })
  })

  test.each([
    ['that nobody sealed', () => newToken(), 'BadDeviceToken'],
    ['that is not a token', () => 'token', 'BadDeviceToken'],
    ['of another device', () => seal(topicA, newDevice()), 'NotYourToken'],
    ['of a topic that was never registered', () => seal(topicB), 'Unregistered'],
  ])('one %s is rejected', async (_what, make, reason) => {
    const token = make()
    await run([token])
    expect(connected()).toEqual({ accepted: [], renewed: [], rejected: [{ token, reason }] })
  })

  test('one of a dead registration is rejected', async () => {
    world.registry.change(deviceId, topicA, false, now)
    await run([seal()])
    expect(connected()).toMatchObject({ rejected: [{ reason: 'Unregistered' }] })
  })

  test('the key ring is read when there is a token to open, and not otherwise', async () => {
    let reads = 0
    const { refreshed } = world.ports.ring
    world.ports.ring.refreshed = () => {
      reads += 1
      return refreshed()
    }
    await run([])
    expect(reads).toBe(0)
    await run([seal()])
    expect(reads).toBe(1)
  })

  test.each([null, 'all', {}, Array(1_001).fill('')])(
    'a request that is not one is answered with BadRequest, and nothing is drained',
    async (tokens) => {
      expect(await run(tokens)).toBe('refused')
      expect(world.told.map(({ topic, message }) => [topic, message])).toEqual([
        ['heliograph/error', { reason: 'BadRequest', request: { kind: 'connect' } }],
      ])
    },
  )
})

describe('drain', () => {
  const inA = () => notification({ deviceId, topic: topicA })
  const store = (...slots: ReturnType<typeof inA>[]) => {
    for (const slot of slots) world.slots.put(slot, now)
  }

  test('asks deliver for every slot, oldest acceptance first, and waits for no device', async () => {
    const last = later(inA(), 9)
    const first = later(last, -9, { topic: topicB })
    const second = later(last, -5, { topic: 'com.example.c' as Topic })
    store(second, last, first)
    world.ports.connections.send = () => Promise.reject(new Error('connect waits for nobody'))
    expect(await run()).toMatchObject({ pending: 3 })
    expect(world.queued.map(({ seq }) => seq)).toEqual([first.seq, second.seq, last.seq])
    expect(world.slots.all()).toHaveLength(3)
  })

  test('needs no token: the slot is keyed by the device', async () => {
    store(inA())
    await run([])
    expect(world.queued).toHaveLength(1)
  })

  test('is asked for before the device hears: an answer that fails leaves nothing undone', async () => {
    store(inA())
    world.ports.connections.tell = () => Promise.reject(new Error('no route'))
    await expect(run()).rejects.toThrow('no route')
    expect(world.queued).toHaveLength(1)
  })
})
