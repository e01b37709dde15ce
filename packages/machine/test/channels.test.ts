import type { ChannelId } from '@heliograph/protocol/identifiers'
import { channelTopic, downTopics } from '@heliograph/protocol/mqtt-topic'
import type { IPublishPacket } from 'mqtt-packet'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { deviceLimits } from '../src/mqtt/limits.ts'
import { type DeviceWorld, startDeviceWorld, type TestDevice } from './device-server-support.ts'

let world: DeviceWorld
const patience = { timeout: 20_000 }

beforeAll(async () => {
  // a busy machine must not make a device look silent
  world = await startDeviceWorld({ channelPatienceMs: 60_000 })
})
afterEach(async () => {
  world.retained.clear()
  for (const session of world.sessions.all()) session.socket.destroy()
  await expect.poll(() => world.sessions.count, patience).toBe(0)
  expect(hub().subscriptions).toBe(0)
})
afterAll(() => world.close())

const channel = 'AbCdEfGhIjKlMnOpQrStUvWx' as ChannelId
const numbered = (n: number) => `Channel${String(n).padStart(17, '0')}` as ChannelId
const hub = () => world.sessions.channels

async function ready(protocolVersion: 4 | 5 = 4): Promise<TestDevice> {
  const device = await world.connect(await world.identity())
  expect(await device.hello({ protocolVersion })).toBe(0)
  return device
}

interface Asked {
  readonly qos?: 0 | 1
  readonly rh?: number
}

/** Subscribes, and resolves to the codes of the answer. */
async function subscribe(device: TestDevice, topics: readonly string[], asked: Asked = {}) {
  const count = device.packets.filter(({ cmd }) => cmd === 'suback').length + 1
  const subscriptions = topics.map((topic) => ({ topic, qos: 1 as 0 | 1, ...asked }))
  device.send({ cmd: 'subscribe', messageId: count, subscriptions })
  const answer = await device.next('suback', count)
  return answer === 'closed' ? answer : (answer as { granted: number[] }).granted
}

async function member(version: 4 | 5 = 4, id = channel): Promise<TestDevice> {
  const device = await ready(version)
  expect(await subscribe(device, [channelTopic(id)])).toEqual([1])
  return device
}

const message = (text: string, expiresAt = 0) => ({ payload: Buffer.from(text), expiresAt })
const publish = (text: string, id = channel) => hub().publish(id, message(text))

const heard = (device: TestDevice) =>
  device.packets.filter((packet): packet is IPublishPacket => packet.cmd === 'publish')
const texts = (device: TestDevice) => heard(device).map(({ payload }) => payload.toString())

/** When the device has answered this, it has had what was sent before. */
async function settle(device: TestDevice): Promise<void> {
  await expect.poll(() => hub().waiting, patience).toBe(0)
  const count = device.packets.filter(({ cmd }) => cmd === 'pingresp').length + 1
  device.send({ cmd: 'pingreq' })
  await device.next('pingresp', count)
}

describe.each([4, 5] as const)('MQTT version %i: a channel', (version) => {
  test('is heard by those who joined it, and by nobody else', async () => {
    const [joined, other, none] = [
      await member(version),
      await ready(version),
      await ready(version),
    ]
    await subscribe(other, [channelTopic(numbered(1))])
    publish('hello')
    expect(await joined.next('publish')).toMatchObject({
      ...{ topic: channelTopic(channel), qos: 1, retain: false },
      payload: Buffer.from('hello'),
    })
    for (const device of [other, none]) {
      await settle(device)
      expect(heard(device)).toEqual([])
    }
  })

  test('is left', async () => {
    const device = await member(version)
    const unsubscriptions = [channelTopic(channel), channelTopic(numbered(1)), '#']
    device.send({ cmd: 'unsubscribe', messageId: 9, unsubscriptions })
    const answer = await device.next('unsuback')
    expect(answer).toMatchObject({ messageId: 9 })
    if (version === 5) expect(answer).toMatchObject({ granted: [0, 0x11, 0x11] })
    publish('hello')
    await settle(device)
    expect(heard(device)).toEqual([])
    expect(hub().subscriptions).toBe(0)
  })

  test.each([
    '#',
    '+',
    'heliograph/#',
    'heliograph/+',
    'heliograph/channel/#',
    'heliograph/channel/+',
    `+/channel/${channel}`,
    `heliograph/+/${channel}`,
    `$share/spies/heliograph/channel/${channel}`,
    `heliograph/channel/${channel}/#`,
    `heliograph/channel/${channel}/x`,
    `/heliograph/channel/${channel}`,
    'heliograph/channel/short',
    'heliograph/channel/',
    'heliograph/notification',
    '$aws/rules/heliograph_machine_register/0000000000000000',
    '$SYS/#',
  ])('is not joined by the filter %s', async (filter) => {
    const spy = await ready(version)
    const refused = version === 4 ? 0x80 : 0x87
    // among others that are granted
    const own = channelTopic(numbered(1))
    expect(await subscribe(spy, [filter, own])).toEqual([refused, 1])
    publish('secret')
    publish('own', numbered(1))
    await spy.next('publish')
    expect(texts(spy)).toEqual(['own'])
  })

  test('beyond as many as a device may join is refused, and costs the others nothing', async () => {
    const device = await ready(version)
    const all = Array.from({ length: 50 }, (_, n) => channelTopic(numbered(n)))
    for (let at = 0; at < 50; at += 8) {
      const some = all.slice(at, at + 8)
      expect(await subscribe(device, some)).toEqual(some.map(() => 1))
    }
    expect(await subscribe(device, [channelTopic(channel)])).toEqual([version === 4 ? 0x80 : 0x97])
    // one that it has already joined is no more than before
    expect(await subscribe(device, [channelTopic(numbered(0))])).toEqual([1])
    publish('hello', numbered(49))
    expect(await device.next('publish')).toMatchObject({ topic: channelTopic(numbered(49)) })
  })

  test('brings its retained message to whoever joins, marked as such', async () => {
    world.retained.set(channel, message('kept'))
    const device = await member(version)
    expect(await device.next('publish')).toMatchObject({
      ...{ topic: channelTopic(channel), retain: true },
      payload: Buffer.from('kept'),
    })
    publish('new')
    expect(await device.next('publish', 2)).toMatchObject({ retain: false })
  })

  test('brings none that has expired in the meantime', async () => {
    const over = Math.floor(Date.now() / 1_000)
    world.retained.set(channel, message('over', over))
    world.retained.set(numbered(1), message('kept', over + 60))
    const device = await member(version)
    await subscribe(device, [channelTopic(numbered(1))])
    await device.next('publish')
    expect(texts(device)).toEqual(['kept'])
  })

  test('is heard with QoS 0 by whoever asks for that', async () => {
    world.retained.set(channel, message('kept'))
    const device = await ready(version)
    expect(await subscribe(device, [channelTopic(channel)], { qos: 0 })).toEqual([0])
    publish('hello')
    expect(await device.next('publish', 2)).toMatchObject({ qos: 0 })
    expect(texts(device)).toEqual(['kept', 'hello'])
  })
})

test('under MQTT 5 a device says when it wants a retained message', async () => {
  world.retained.set(channel, message('kept'))
  const device = await ready(5)
  await subscribe(device, [channelTopic(channel)], { rh: 2 })
  await subscribe(device, [channelTopic(channel)], { rh: 1 })
  await settle(device)
  expect(heard(device)).toEqual([])
  await subscribe(device, [channelTopic(channel)], { rh: 0 })
  expect(await device.next('publish')).toMatchObject({ retain: true })
})

test('CONNACK of MQTT 5 does not deny that there are retained messages', async () => {
  const { properties } = (await (await ready(5)).next('connack')) as {
    properties?: { retainAvailable?: boolean }
  }
  expect(properties?.retainAvailable).not.toBe(false)
})

test('messages come in the order of their publishes, also to hundreds', async () => {
  const devices = await Promise.all(Array.from({ length: 120 }, () => member()))
  const wanted = Array.from({ length: 10 }, (_, n) => `message ${n}`)
  for (const text of wanted) publish(text)
  for (const device of devices) {
    await device.next('publish', wanted.length)
    expect(texts(device)).toEqual(wanted)
  }
})

test('a connection that has ended is forgotten', async () => {
  const device = await member()
  expect(hub().subscriptions).toBe(1)
  device.socket.destroy()
  await expect.poll(() => hub().subscriptions, patience).toBe(0)
  const taken = await member()
  const again = await world.connect(taken.identity)
  expect(await again.hello()).toBe(0)
  expect(hub().subscriptions).toBe(0)
  publish('hello')
  await settle(again)
  expect(heard(again)).toEqual([])
})

test('a device that keeps subscribing is disconnected', async () => {
  const device = await ready()
  const subscriptions = [{ topic: channelTopic(channel), qos: 1 as const }]
  // enough for either second where one ends meanwhile
  const count = 2 * deviceLimits.filtersPerSecond + 1
  for (let n = 1; n <= count; n += 1) device.send({ cmd: 'subscribe', messageId: n, subscriptions })
  await device.closed
  expect(world.log.join()).toContain('it subscribes to too much')
})

describe('a device that is slow', () => {
  const MOST_OWED = 20

  test('misses all but the newest, and gets that once it acknowledges', async () => {
    const [slow, quick] = [await member(), await member()]
    quick.acknowledgesAll()
    const wanted = Array.from({ length: 60 }, (_, n) => `message ${n}`)
    for (const [n, text] of wanted.entries()) {
      publish(text)
      await quick.next('publish', n + 1)
    }
    expect(texts(quick)).toEqual(wanted)
    await settle(slow)
    expect(texts(slow)).toEqual(wanted.slice(0, MOST_OWED))
    slow.acknowledge(heard(slow)[0]?.messageId ?? 0)
    await slow.next('publish', MOST_OWED + 1)
    expect(texts(slow).at(-1)).toBe('message 59')
  })

  test('still gets its own notifications', async () => {
    const slow = await member()
    for (let n = 0; n < 16; n += 1) publish(`message ${n}`)
    await slow.next('publish', 16)
    for (let n = 16; n < 30; n += 1) publish(`message ${n}`)
    await settle(slow)
    const { deviceId } = slow.identity
    void world.sessions.send(deviceId, downTopics.notification, 'its own')
    const own = await slow.next('publish', MOST_OWED + 1)
    expect(own).toMatchObject({ topic: downTopics.notification })
  })

  test('and reads nothing, holds up nobody and fills no memory', async () => {
    const [dead, quick] = [await member(), await member()]
    quick.acknowledgesAll()
    dead.socket.pause()
    const served = world.sessions.find(dead.identity.deviceId)?.socket
    const large = 'x'.repeat(5_000)
    for (let n = 1; n <= 200; n += 1) {
      publish(large)
      await quick.next('publish', n)
    }
    expect(served?.writableLength).toBeLessThan(128 * 1024)
    expect(heard(dead)).toEqual([])
  })

  test('gets the newest as soon as it reads again, though it acknowledges nothing', async () => {
    const slow = await member()
    slow.socket.pause()
    const served = world.sessions.find(slow.identity.deviceId)?.socket
    // more than the system holds for the two ends of a connection
    const large = 'x'.repeat(3 * 1024 * 1024)
    for (let n = 0; n < 10; n += 1) publish(large)
    await expect.poll(() => hub().waiting, patience).toBe(0)
    expect(served?.writableLength).toBeGreaterThan(64 * 1024)
    publish('last')
    await expect.poll(() => hub().waiting, patience).toBe(0)
    slow.socket.resume()
    await expect.poll(() => texts(slow).at(-1), patience).toBe('last')
  })

  test('does not get what has expired by then', async () => {
    const slow = await member()
    for (let n = 0; n < MOST_OWED; n += 1) {
      publish(`message ${n}`)
      await slow.next('publish', n + 1)
    }
    const soon = Math.floor(Date.now() / 1_000) + 1
    hub().publish(channel, message('too late', soon))
    await expect.poll(() => Date.now() >= soon * 1_000, patience).toBe(true)
    slow.acknowledge(heard(slow)[0]?.messageId ?? 0)
    publish('in time')
    await slow.next('publish', MOST_OWED + 1)
    expect(texts(slow).slice(MOST_OWED)).toEqual(['in time'])
  })
})

test('more publishes than can be sent are not taken', async () => {
  await member()
  let taken = 0
  // in one turn, in which only the first is sent
  for (; taken < 1_000 && hub().hasRoom(channel); taken += 1) publish(`message ${taken}`)
  expect(taken).toBe(17)
  expect(hub().hasRoom(numbered(1))).toBe(true)
  await expect.poll(() => hub().hasRoom(channel), patience).toBe(true)
})

test('a drain waits until members have acknowledged', async () => {
  const device = await member()
  publish('last')
  const { messageId = 0 } = (await device.next('publish')) as IPublishPacket
  let isOver = false
  const drained = hub()
    .idle(patience.timeout)
    .then(() => {
      isOver = true
    })
  await settle(device)
  expect(isOver).toBe(false)
  device.acknowledge(messageId)
  await drained
})

test('what a channel had is not sent once it is cleared', async () => {
  const device = await member()
  publish('sent')
  publish('waiting')
  hub().clear(channel)
  publish('after')
  await device.next('publish', 2)
  await settle(device)
  expect(texts(device)).toEqual(['sent', 'after'])
})
