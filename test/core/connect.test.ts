import { beforeEach, describe, expect, test } from 'vitest'
import { connect } from '../../core/connect.ts'
import { SLOT_RETRY_SECONDS } from '../../core/deliver.ts'
import type { DeviceRequest } from '../../core/device-request.ts'
import type { DeviceId, TokenKeyId } from '../../core/identifiers.ts'
import { sealToken } from '../../core/token.ts'
import {
  later,
  newDevice,
  newToken,
  notification,
  now,
  topicA,
  topicB,
} from '../contract/samples.ts'
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
    ['that is no token', () => 'token', 'BadDeviceToken'],
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

  test.each([null, 'all', {}, Array(1_001).fill('')])(
    'a request that is none is answered with BadRequest, and nothing is drained',
    async (tokens) => {
      expect(await run(tokens)).toBe('refused')
      expect(world.told.map(({ topic, message }) => [topic, message.reason])).toEqual([
        ['heliograph/error', 'BadRequest'],
      ])
    },
  )
})

describe('drain', () => {
  const inA = () => notification({ deviceId, topic: topicA })
  const store = (...slots: ReturnType<typeof inA>[]) => {
    for (const slot of slots) world.slots.put(slot, now)
  }

  test('sends every slot, oldest acceptance first, as stored', async () => {
    world.register(deviceId, topicB)
    const first = inA()
    const second = later(first, 5, { topic: topicB })
    store(second, first)
    expect(await run()).toMatchObject({ drained: 2 })
    expect(world.sent).toEqual([
      { seq: first.seq, stored: true },
      { seq: second.seq, stored: true },
    ])
    expect(world.kinds).toEqual(['drained', 'drained'])
    expect(world.slots.all()).toEqual([])
  })

  test('needs no token: the slot is keyed by the device', async () => {
    store(inA())
    await run([])
    expect(world.kinds).toEqual(['drained'])
  })

  test('leaves a newer one that takes the slot meanwhile', async () => {
    const older = inA()
    const newer = later(older)
    store(older)
    world.beforeSend = () => store(newer)
    await run()
    expect(world.slots.all()).toEqual([newer])
    expect(world.kinds).toEqual([])
  })

  test('skips what has expired: the TTL ends it', async () => {
    store({ ...inA(), expiration: now / 1000 })
    await run()
    expect(world.sent).toEqual([])
    expect(world.kinds).toEqual([])
  })

  test('drops what is for a dead token', async () => {
    store(inA())
    world.registry.change(deviceId, topicA, false, now)
    await run()
    expect(world.sent).toEqual([])
    expect(world.kinds).toEqual(['unregistered'])
  })

  test('looks again at a registration that came after its list was read', async () => {
    world.registry.change(deviceId, topicA, false, now)
    const list = world.ports.registrations.list
    world.ports.registrations.list = async (id) => {
      const before = await list(id)
      world.registry.change(deviceId, topicA, true, now + 1)
      return before
    }
    store(inA())
    await run()
    expect(world.kinds).toEqual(['drained'])
  })

  test('stops at the first silent app and leaves it and the rest to the queue', async () => {
    const topics = ['com.a', 'com.b', 'com.c', 'com.d'] as (typeof topicA)[]
    const slots = topics.map((topic, index) => later(inA(), index, { topic }))
    for (const topic of topics) world.register(deviceId, topic)
    store(...slots)
    world.answers = ['acknowledged', 'unconfirmed']
    expect(await run()).toMatchObject({ drained: 1 })
    expect(world.sent).toHaveLength(2)
    expect(world.queued).toEqual([
      { seq: slots[2]?.seq },
      { seq: slots[3]?.seq },
      { seq: slots[1]?.seq, delaySeconds: SLOT_RETRY_SECONDS },
    ])
  })

  test('goes on to nobody where the device has gone again', async () => {
    store(inA())
    world.answers = ['offline']
    await run()
    expect(world.queued).toEqual([])
    expect(world.slots.all()).toHaveLength(1)
  })
})
