import { connect } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { downTopics, upTopic } from '@heliograph/protocol/mqtt-topic'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { deviceLimits } from '../src/mqtt/limits.ts'
import {
  type DeviceWorld,
  makeAuthority,
  makeIdentity,
  STAGE,
  startDeviceWorld,
  type TestDevice,
} from './device-server-support.ts'

let world: DeviceWorld

beforeEach(async () => {
  world = await startDeviceWorld({ packetBytes: 4_096, waitingBytes: 20_000 })
})
afterEach(() => world.close())

/** A device that has been let in. */
async function ready(): Promise<TestDevice> {
  const device = await world.connect(await world.identity())
  expect(await device.hello()).toBe(0)
  return device
}

const own = (device: TestDevice) => upTopic(STAGE, 'register', device.identity.deviceId)

describe('who is let in', () => {
  test('a device on record, as itself', async () => {
    const device = await ready()
    expect(world.sessions.find(device.identity.deviceId)?.facts).toMatchObject({
      certificateId: device.identity.certificateId,
      keepAlive: 60,
    })
  })

  test('nobody whose certificate is of another CA', async () => {
    const stranger = await makeIdentity(await makeAuthority('devices'))
    const device = await world.connect(stranger)
    await device.closed
    expect(world.sessions.count).toBe(0)
  })

  test('nobody whose certificate is not on record, or no longer', async () => {
    const unknown = await world.connect(await makeIdentity(world.authority))
    expect(await unknown.hello()).toBe(5)
    const barred = await world.identity()
    world.barred.add(barred.certificateId)
    expect(await (await world.connect(barred)).hello()).toBe(5)
    expect(world.sessions.count).toBe(0)
  })

  test('nobody as somebody else', async () => {
    const victim = await ready()
    const device = await world.connect(await world.identity())
    expect(await device.hello({ clientId: victim.identity.deviceId })).toBe(2)
    expect(world.sessions.find(victim.identity.deviceId)?.socket.destroyed).toBe(false)
  })

  test('nobody with a last will, which would be a message of the dead', async () => {
    const device = await world.connect(await world.identity())
    expect(await device.hello({ will: { topic: 'x', payload: 'y' } })).toBe(5)
  })

  test('a later connection of the same device takes the place of the first', async () => {
    const first = await ready()
    const second = await world.connect(first.identity)
    expect(await second.hello()).toBe(0)
    await first.closed
    expect(await world.sessions.tell(first.identity.deviceId, downTopics.error, '{}')).toBe('told')
    expect(await second.next('publish')).toMatchObject({ topic: 'heliograph/error' })
  })

  test('under MQTT 5, too; the older connection is told that it was taken over', async () => {
    const first = await world.connect(await world.identity())
    expect(await first.hello({ protocolVersion: 5 })).toBe(0)
    const second = await world.connect(first.identity)
    expect(await second.hello({ protocolVersion: 5 })).toBe(0)
    expect(await first.next('disconnect')).toMatchObject({ reasonCode: 0x8e })
    void world.sessions.send(first.identity.deviceId, downTopics.notification, '{"a":1}')
    expect(await second.next('publish')).toMatchObject({ payload: Buffer.from('{"a":1}') })
  })
})

test('a device that has nothing to say after CONNECT stays connected', async () => {
  await world.close()
  world = await startDeviceWorld({ connectMs: 2_000 })
  const device = await ready()
  await new Promise((resolve) => setTimeout(resolve, 2_500))
  device.send({ cmd: 'pingreq' })
  expect(await device.next('pingresp')).toMatchObject({ cmd: 'pingresp' })
})

describe('what a device may say', () => {
  test('its own requests, acknowledged when they have been worked', async () => {
    const device = await ready()
    let finish = () => {}
    world.work = () =>
      new Promise((resolve) => {
        finish = resolve
      })
    device.publish(own(device), '{"topic":"com.example.app"}', 7)
    await expect.poll(() => world.uploads.length).toBe(1)
    expect(device.packets.some(({ cmd }) => cmd === 'puback')).toBe(false)
    finish()
    expect(await device.next('puback')).toMatchObject({ messageId: 7 })
    expect(world.uploads[0]).toMatchObject({
      upstream: 'register',
      deviceId: device.identity.deviceId,
      certificateId: device.identity.certificateId,
    })
  })

  test('a request that fails is not acknowledged: the connection ends, and the device repeats it', async () => {
    const device = await ready()
    world.work = async () => {
      throw new Error('the disk is full')
    }
    device.publish(own(device), '{}')
    await device.closed
    expect(device.packets.some(({ cmd }) => cmd === 'puback')).toBe(false)
  })

  test.each([
    ['of another device', (_: TestDevice) => upTopic(STAGE, 'register', '0000000000000000')],
    [
      'of another stage',
      (device: TestDevice) => upTopic('prod', 'register', device.identity.deviceId),
    ],
    [
      'of no request',
      (device: TestDevice) => upTopic(STAGE, 'inspect' as never, device.identity.deviceId),
    ],
    ['that others hear', () => 'heliograph/notification'],
    ['below its own', (device: TestDevice) => `${own(device)}/x`],
  ])('nothing to a topic %s', async (_, topicOf) => {
    const device = await ready()
    device.publish(topicOf(device), '{}')
    await device.closed
    expect(world.uploads).toEqual([])
  })

  test('nothing retained, and nothing with QoS 2', async () => {
    for (const change of [{ retain: true }, { qos: 2 as const }]) {
      const device = await ready()
      const message = { topic: own(device), payload: '{}', messageId: 1, dup: false }
      device.send({ cmd: 'publish', qos: 1, retain: false, ...message, ...change })
      await device.closed
    }
    expect(world.uploads).toEqual([])
  })

  test('no subscription is granted, and the connection stays', async () => {
    const device = await ready()
    const subscriptions = ['#', 'heliograph/#'].map((topic) => ({ topic, qos: 1 as const }))
    device.send({ cmd: 'subscribe', messageId: 3, subscriptions })
    expect(await device.next('suback')).toMatchObject({ messageId: 3, granted: [0x80, 0x80] })
    device.send({ cmd: 'pingreq' })
    expect(await device.next('pingresp')).toBeTruthy()
  })

  test('not more than so many messages a second: the rest is discarded without an answer', async () => {
    const device = await ready()
    // more than a busy machine takes at that pace while this waits
    for (let n = 1; n <= 500; n += 1) device.publish(own(device), '{}', n)
    await expect.poll(() => world.uploads.length).toBeGreaterThanOrEqual(100)
    device.send({ cmd: 'pingreq' })
    await device.next('pingresp')
    expect(world.uploads.length).toBeLessThan(500)
  })
})

describe('hostile bytes', () => {
  test.each([
    ['not MQTT', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    ['a first packet that is not CONNECT', Buffer.from([0xc0, 0])],
    ['a length without end', Buffer.from([0x10, 0xff, 0xff, 0xff, 0xff, 0xff])],
    ['a CONNECT larger than any', Buffer.from([0x10, 0xff, 0xff, 0x03])],
    ['a CONNECT that ends before what it announces', Buffer.from([0x10, 4, 0, 4, 77, 81])],
  ])('%s ends the connection', async (_, bytes) => {
    const device = await world.connect(await world.identity())
    device.socket.write(bytes)
    await device.closed
    expect(world.sessions.count).toBe(0)
  })

  test('a packet that is too large is refused by its header', async () => {
    const device = await ready()
    device.socket.write(Buffer.from([0x30, 0x80, 0x80, 0x04]))
    await device.closed
  })

  test('packets in pieces, and several in one piece, are read alike', async () => {
    const device = await ready()
    const ping = Buffer.from([0xc0, 0])
    device.socket.write(ping.subarray(0, 1))
    await new Promise((resolve) => setTimeout(resolve, 20))
    device.socket.write(Buffer.concat([ping.subarray(1), ping, ping]))
    expect(await device.next('pingresp', 3)).toBeTruthy()
  })

  test('what waits of all devices together is bounded', async () => {
    const devices = await Promise.all(Array.from({ length: 8 }, ready))
    // the header of a packet of 4,000 bytes, and most of it
    const part = Buffer.concat([Buffer.from([0x30, 0xa0, 0x1f]), Buffer.alloc(3_500)])
    for (const device of devices) device.socket.write(part)
    await expect.poll(() => world.sessions.count).toBeLessThan(8)
    expect(world.sessions.count).toBeGreaterThan(0)
  })

  test('what some devices make wait costs another nothing', async () => {
    const bystander = await ready()
    const devices = await Promise.all(Array.from({ length: 6 }, ready))
    const part = Buffer.concat([Buffer.from([0x30, 0xa0, 0x1f]), Buffer.alloc(3_500)])
    for (const device of devices) {
      // they do not hear that they are to go, so that what they sent is held for a while
      device.socket.pause()
      device.socket.write(part)
    }
    await expect.poll(() => world.log.join()).toContain('too much waits')
    bystander.send({ cmd: 'pingreq' })
    expect(await bystander.next('pingresp')).toBeTruthy()
    bystander.publish(own(bystander), '{}')
    expect(await bystander.next('puback')).toBeTruthy()
  })

  test('one device cannot fill what is for all with requests that wait', async () => {
    await world.close()
    world = await startDeviceWorld({ packetBytes: 4_096, waitingRequestBytes: 10_000 })
    world.work = () => new Promise(() => {})
    const device = await ready()
    for (let n = 1; n <= 4; n += 1) device.publish(own(device), 'x'.repeat(3_000), n)
    await device.closed
    expect(world.log.join()).toContain('too many of its requests wait')
  })

  test('a device that pings on and on is disconnected', async () => {
    const device = await ready()
    const pings = Buffer.alloc(20_000, Buffer.from([0xc0, 0]))
    device.socket.write(pings)
    await device.closed
    expect(device.packets.length).toBeLessThan(2_000)
  })

  test('a device that asks much at once gets every answer', async () => {
    const device = await ready()
    const count = deviceLimits.packetsPerSecond - 100
    device.socket.write(Buffer.alloc(2 * count, Buffer.from([0xc0, 0])))
    await device.next('pingresp', count)
    expect(device.socket.destroyed).toBe(false)
  })

  test('a device that takes no answers is not answered without end', async () => {
    await world.close()
    world = await startDeviceWorld({ packetsPerSecond: 1e9, bytesPerSecond: 1e9 })
    const device = await ready()
    const served = world.sessions.find(device.identity.deviceId)?.socket
    device.socket.pause()
    const pings = Buffer.alloc(40_000, Buffer.from([0xc0, 0]))
    for (let n = 0; n < 400 && !device.socket.destroyed; n += 1) {
      device.socket.write(pings)
      await new Promise((resolve) => setImmediate(resolve))
    }
    await expect.poll(() => served?.destroyed).toBe(true)
    expect(world.log.join()).toContain('does not read its answers')
  })

  test('a device that sends without end is read at its pace, and nobody waits for it', async () => {
    await world.close()
    world = await startDeviceWorld({ packetBytes: 8_192, bytesPerSecond: 3_000 })
    const [device, bystander] = [await ready(), await ready()]
    const served = world.sessions.find(device.identity.deviceId)?.socket as TLSSocket
    const pauses = vi.spyOn(served, 'pause')
    for (let n = 1; n <= 3; n += 1) device.publish(own(device), 'x'.repeat(4_000), n)
    bystander.send({ cmd: 'pingreq' })
    await bystander.next('pingresp')
    await expect.poll(() => world.uploads.length, { timeout: 20_000 }).toBe(3)
    expect(pauses).toHaveBeenCalled()
  })

  test('a device that acknowledges on and on what it was never sent is disconnected', async () => {
    const device = await ready()
    device.socket.write(Buffer.alloc(20_000, Buffer.from([0x40, 2, 0x12, 0x67])))
    await device.closed
    expect(world.log.join()).toContain('it sends too much')
  })

  test('a SUBSCRIBE to more than anybody needs ends the connection', async () => {
    const device = await ready()
    const subscriptions = Array.from({ length: 9 }, (_, n) => ({ topic: `t${n}`, qos: 0 as const }))
    device.send({ cmd: 'subscribe', messageId: 3, subscriptions })
    await device.closed
    expect(device.packets.some(({ cmd }) => cmd === 'suback')).toBe(false)
  })

  test('a PUBACK for nothing is heard and ignored', async () => {
    const device = await ready()
    device.acknowledge(4_711)
    device.send({ cmd: 'pingreq' })
    expect(await device.next('pingresp')).toBeTruthy()
  })
})

test('connections that are not let in keep no device out, and cut none that is in', async () => {
  await world.close()
  world = await startDeviceWorld({ connections: 2, newcomers: 2 })
  const first = await ready()
  const half = Array.from({ length: 8 }, () => connect(world.server.port, '127.0.0.1'))
  for (const socket of half) socket.on('error', () => {})
  // with a certificate and without CONNECT
  const silent = [await world.connect(first.identity), await world.connect(first.identity)]
  const second = await ready()
  for (const device of silent) void device.socket.destroy()
  for (const socket of half) socket.destroy()
  for (const device of [first, second]) {
    device.send({ cmd: 'pingreq' })
    expect(await device.next('pingresp')).toBeTruthy()
  }
  const third = await world.connect(await world.identity())
  expect(await third.hello()).toBe(3)
  // a device that is in already takes its own place
  expect(await (await world.connect(first.identity)).hello()).toBe(0)
})

test('a device that takes nothing is busy, not a queue without end', async () => {
  const device = await ready()
  const { deviceId } = device.identity
  device.socket.pause()
  const message = `"${'x'.repeat(100_000)}"`
  const told = new Set<string>()
  for (let n = 0; n < 400 && !told.has('busy'); n += 1)
    told.add(await world.sessions.tell(deviceId, downTopics.error, message))
  expect(told).toContain('busy')
})

test('under MQTT 5 a device says how many unacknowledged messages it takes', async () => {
  const device = await world.connect(await world.identity())
  await device.hello({ protocolVersion: 5, properties: { receiveMaximum: 2 } })
  const { deviceId } = device.identity
  void world.sessions.send(deviceId, downTopics.notification, '1')
  void world.sessions.send(deviceId, downTopics.notification, '2')
  expect(await world.sessions.send(deviceId, downTopics.notification, '3')).toBe('busy')
})

test('closing tells devices of MQTT 5 that the server goes, and leaves none', async () => {
  const device = await world.connect(await world.identity())
  await device.hello({ protocolVersion: 5 })
  await world.server.close()
  expect(await device.next('disconnect')).toMatchObject({ reasonCode: 0x8b })
  await device.closed
})
