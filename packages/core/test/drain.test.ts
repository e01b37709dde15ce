import { FIRST_SILENCE_MS } from '@heliograph/protocol/retry'
import { beforeEach, expect, test } from 'vitest'
import { later, notification, now } from '../../../test/contract/samples.ts'
import { drain } from '../src/delivery/drain.ts'
import type { Notification } from '../src/notification.ts'
import { Delivery } from './delivery-support.ts'

let world: Delivery
let one: Notification

beforeEach(() => {
  world = new Delivery()
  one = notification()
  world.register(one.deviceId)
})

const run = (last = false) => drain(one, { number: 1, last }, world.ports)
const slot = () => world.slots.find(one.deviceId, one.topic)

test('the slot of a device that was just silent rests, except for the last time', async () => {
  world.slots.put(one, now)
  world.ports.silence.note(one.deviceId, 'unconfirmed', now)
  expect(await run()).toBe('again')
  expect(world.sent).toEqual([])
  expect(await run(true)).toBe('done')
  expect(world.sent).toEqual([{ seq: one.seq, stored: true }])
})

test('the message stays with the queue until the device answers', async () => {
  world.slots.put(one, now)
  world.answers = ['unconfirmed']
  expect(await run()).toBe('again')
  world.clock.time += FIRST_SILENCE_MS
  world.answers = ['acknowledged']
  expect(await run()).toBe('done')
  expect(world.kinds).toEqual(['drained'])
  expect(slot()).toBeUndefined()
})

test('a newer one that takes the slot while it is sent stays', async () => {
  const newer = later(one)
  world.slots.put(one, now)
  world.beforeSend = () => void world.slots.put(newer, now)
  await run()
  expect(slot()).toEqual(newer)
  expect(world.kinds).toEqual([])
})

test('the last attempt leaves the slot to the next connect', async () => {
  world.slots.put(one, now)
  world.answers = ['unconfirmed']
  expect(await run(true)).toBe('done')
  expect(slot()).toEqual(one)
})

test('a slot that is empty, or holds another one, is left alone', async () => {
  expect(await run()).toBe('done')
  world.slots.put(later(one), now)
  expect(await run()).toBe('done')
  expect(world.told).toEqual([])
})

test('the slot of a dead token is emptied', async () => {
  world.slots.put(one, now)
  world.registry.change(one.deviceId, one.topic, false, now)
  expect(await run()).toBe('done')
  expect(world.told).toEqual([])
  expect(world.kinds).toEqual(['unregistered'])
  expect(slot()).toBeUndefined()
})

test('a stored one that has expired meanwhile is left to the TTL', async () => {
  world.slots.put(one, now)
  world.clock.time = one.expiration * 1000
  expect(await run()).toBe('done')
  expect(world.told).toEqual([])
  expect(world.kinds).toEqual([])
})

test('a device that has gone again gets its slot at the next connect, not from the queue', async () => {
  world.slots.put(one, now)
  world.answers = ['offline']
  expect(await run()).toBe('done')
  expect(slot()).toEqual(one)
})

test('a device that may not receive loses the slot, and the provider learns why', async () => {
  world.slots.put(one, now)
  world.answers = ['refused']
  expect(await run()).toBe('done')
  expect(slot()).toBeUndefined()
  expect(world.kinds).toEqual(['undeliverable'])
  expect(world.feedback()).toMatchObject([{ reason: 'Undeliverable', id: one.id }])
})

test('a newer one that takes the slot of a refused one stays, and its put has said what became of that', async () => {
  const newer = later(one)
  world.slots.put(one, now)
  world.answers = ['refused']
  world.beforeSend = () => void world.slots.put(newer, now)
  expect(await run()).toBe('done')
  expect(slot()).toEqual(newer)
  expect([...world.kinds, ...world.feedback()]).toEqual([])
})

test('a device that was never registered gets nothing from a slot', async () => {
  one = notification()
  world.slots.put(one, now)
  expect(await run()).toBe('done')
  expect(world.told).toEqual([])
  expect(world.kinds).toEqual(['unregistered'])
})
