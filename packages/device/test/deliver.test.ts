import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { HeliographDeviceError, type Notification } from '../src/index.ts'
import { FIRST_ASK_MS, LAST_ASK_MS } from '../src/redrain.ts'
import { deviceId } from './helpers/activation-endpoint.ts'
import { connectPacket, sawDisconnect, sawPing, waitForDevice } from './helpers/broker.ts'
import { manualClock } from './helpers/manual-clock.ts'
import { until } from './helpers/wait.ts'
import {
  answerRequests,
  makeWorld,
  notificationMessage,
  push,
  type World,
} from './helpers/world.ts'

let world: World
beforeEach(async () => {
  world = await makeWorld()
  answerRequests(world)
})
afterEach(() => world.end())

/** Acknowledgements of notifications alone: a wire where the service answers nothing else. */
const acknowledged = () => world.broker.acknowledged().length

async function connected(handler?: (notification: Notification) => void | Promise<void>) {
  world.broker.onPublish = () => {}
  const device = await world.open()
  if (handler) device.onNotification(handler)
  await device.connect()
  return device
}

describe('the connection', () => {
  it('is MQTT 3.1.1, clean, with SNI, the device id as client id and keep-alive 60', async () => {
    await connected()
    const wire = world.broker.wires[0]
    expect(wire?.servername).toBe('localhost')
    const body = connectPacket(wire as NonNullable<typeof wire>)
    expect(body.subarray(0, 7)).toEqual(Buffer.from('\0\x04MQTT\x04', 'latin1'))
    expect(body[7]).toBe(0b10) // clean session, no will, no password
    expect(body.readUInt16BE(8)).toBe(60)
    expect(body.subarray(12).toString()).toBe(deviceId)
  })

  it('ends with DISCONNECT', async () => {
    const device = await connected()
    await device.close()
    await until(() => sawDisconnect(world.broker.wires[0] as never), 'DISCONNECT')
  })
})

describe('a notification', () => {
  it('reaches the handler with its fields and the payload byte for byte', async () => {
    const got: Notification[] = []
    await connected((notification) => void got.push(notification))
    const payload = ' {"n":12345678901234567890, "a":1,"a":2,"é":"\\u00e9","p":",\\"payload\\":"} '
    push(world, notificationMessage({ collapseId: '"x","payload":{' }, payload))
    await until(() => got.length === 1, 'the notification')
    expect(got[0]?.payloadText).toBe(payload)
    expect(got[0]).toMatchObject({
      topic: 'com.example.app',
      stored: false,
      expiration: 1_766_000_000,
      priority: 10,
      pushType: 'alert',
      collapseId: '"x","payload":{',
      payload: { a: 2, p: ',"payload":' },
    })
    expect(got[0]?.acceptedAt).toBeGreaterThan(1_764_000_000_000)
  })

  it('is acknowledged when the handler has finished, not before', async () => {
    const finish: (() => void)[] = []
    await connected(() => new Promise((resolve) => finish.push(resolve)))
    push(world, notificationMessage())
    await until(() => finish.length === 1, 'the handler at work')
    // A round trip on the same connection: whatever was written before has arrived.
    push(world, notificationMessage({ topic: 'com.example.other' }))
    await until(() => finish.length === 2, 'the second handler at work')
    expect(acknowledged()).toBe(0)
    finish[0]?.()
    await until(() => acknowledged() === 1, 'the acknowledgement')
  })

  it('does not stop the connection while its handler works', async () => {
    world.broker.onPublish = () => {}
    const device = await world.open({ keepaliveSeconds: 1 })
    answerRequests(world)
    let token = ''
    device.onNotification(async () => {
      token = await device.register('com.example.inside')
      await until(() => sawPing(world.broker.wires[0] as never), 'a PINGREQ')
    })
    await device.connect()
    push(world, notificationMessage())
    await until(() => token !== '', 'a registration from inside the handler')
    await until(() => acknowledged() >= 3, 'the acknowledgement')
    expect(device.isConnected).toBe(true)
  })

  it('is not acknowledged when the handler fails, and is worked again when it comes again', async () => {
    const device = await world.open()
    world.broker.onPublish = () => {}
    const errors: HeliographDeviceError[] = []
    device.on('error', (error) => void errors.push(error))
    let calls = 0
    device.onNotification(() => {
      calls++
      if (calls === 1) throw new Error('disk full')
    })
    await device.connect()
    const message = notificationMessage()
    push(world, message)
    await until(() => errors.length === 1, 'the error')
    expect(errors[0]).toBeInstanceOf(HeliographDeviceError)
    expect(errors[0]).toMatchObject({ reason: 'HandlerFailed', topic: 'com.example.app' })
    expect(errors[0]?.message).toContain('disk full')
    push(world, message)
    await until(() => acknowledged() === 1, 'the acknowledgement')
    expect(calls).toBe(2)
  })

  it('waits, unacknowledged, for its handler', async () => {
    const device = await connected()
    push(world, notificationMessage({}, '1'))
    push(world, notificationMessage({}, '2'))
    push(world, 'unreadable, so acknowledged at once: those before it have arrived')
    await until(() => acknowledged() === 1, 'the third acknowledged')
    const got: string[] = []
    device.onNotification(({ payloadText }) => void got.push(payloadText))
    await until(() => acknowledged() === 3, 'all acknowledged')
    expect(got).toEqual(['1', '2'])
  })

  it('that failed is asked for again by presenting the tokens', async () => {
    const clock = manualClock()
    const device = await world.open({ clock, random: () => 0.5, closeLimitMs: 0 })
    let failing = true
    let calls = 0
    device.onNotification(() => {
      calls++
      if (failing) throw new Error('not now')
    })
    await device.connect()
    const presented = () => world.broker.published.length
    const message = notificationMessage()
    push(world, message)
    await until(() => calls === 1, 'the first failure')
    await until(() => clock.waiting().includes(FIRST_ASK_MS), 'the wait before asking')
    clock.advance(FIRST_ASK_MS)
    await until(() => presented() >= 2, 'the tokens presented')
    failing = false
    push(world, message)
    await until(() => calls === 2, 'the second try')
    await until(
      () => clock.waiting().every((ms) => ms > LAST_ASK_MS || ms === 60_000),
      'no more asking',
    )
  })

  it('keeps its place among those of its topic, while other topics go ahead', async () => {
    const order: string[] = []
    const finish: (() => void)[] = []
    await connected(async ({ topic, payloadText }) => {
      order.push(payloadText)
      if (topic === 'com.example.slow') await new Promise<void>((resolve) => finish.push(resolve))
    })
    push(world, notificationMessage({ topic: 'com.example.slow' }, '1'))
    push(world, notificationMessage({ topic: 'com.example.slow' }, '2'))
    push(world, notificationMessage({ topic: 'com.example.fast' }, '3'))
    await until(() => acknowledged() === 1, 'the fast one acknowledged')
    expect(order).toEqual(['1', '3'])
    finish[0]?.()
    await until(() => finish.length === 2, 'the second slow one')
    expect(order).toEqual(['1', '3', '2'])
  })

  it('that cannot be read is reported, acknowledged and does not stop the next', async () => {
    const got: string[] = []
    const device = await connected(({ payloadText }) => void got.push(payloadText))
    const errors: string[] = []
    device.on('error', ({ reason }) => void errors.push(reason))
    for (const message of ['{', '[]', '{"id":"x"}', 'null']) push(world, message)
    push(world, notificationMessage({}, '7'))
    await until(() => acknowledged() === 5, 'all acknowledged')
    expect(got).toEqual(['7'])
    expect(errors).toEqual(['BadMessage', 'BadMessage', 'BadMessage', 'BadMessage'])
  })
})

describe('a repeat', () => {
  it('is dropped and acknowledged, also after a restart', async () => {
    const got: string[] = []
    const first = await connected(({ id }) => void got.push(id))
    const dropped: unknown[] = []
    first.on('dropped', (event) => void dropped.push(event))
    const message = notificationMessage()
    push(world, message)
    push(world, message)
    await until(() => acknowledged() === 2, 'both acknowledged')
    expect(dropped).toEqual([{ id: got[0], topic: 'com.example.app', why: 'repeat' }])
    await first.close()
    await connected(({ id }) => void got.push(id))
    await waitForDevice(world.broker, deviceId)
    push(world, message)
    await until(() => acknowledged() === 1, 'the third acknowledged')
    expect(got).toHaveLength(1)
  })

  it('is remembered before it is acknowledged, so a kill in between cannot lose the memory', async () => {
    const got: string[] = []
    await connected(({ id }) => void got.push(id))
    const message = notificationMessage()
    push(world, message)
    await until(() => acknowledged() === 1, 'the acknowledgement')
    // The state as it lies on the disk at the acknowledgement, read by another process, as it were.
    const heir = await world.open()
    heir.onNotification(({ id }) => void got.push(id))
    await heir.connect()
    // the first one comes back and is sent away again, so that a push may meet nobody
    await until(async () => {
      if (world.broker.isConnected(deviceId)) push(world, message)
      await new Promise((resolve) => setTimeout(resolve, 50))
      return acknowledged() > 0
    }, 'the repeat acknowledged')
    expect(got).toHaveLength(1)
  })

  it('that waits behind its own first try is worked once', async () => {
    const finish: (() => void)[] = []
    await connected(() => new Promise((resolve) => finish.push(resolve)))
    const message = notificationMessage()
    push(world, message)
    push(world, message)
    await until(() => finish.length === 1, 'the handler at work')
    finish[0]?.()
    await until(() => acknowledged() === 2, 'both acknowledged')
    expect(finish).toHaveLength(1)
  })
})

describe('a stored notification', () => {
  const older = { seq: '01JD0000000000000000000001', acceptedAt: 1_000 }
  const newer = { seq: '01JD0000000000000000000002', acceptedAt: 2_000 }

  it.each([
    ['by seq', older, newer],
    ['by time of acceptance', { ...older, seq: undefined }, { ...newer, seq: undefined }],
  ])('that was overtaken is dropped and acknowledged: %s', async (_by, before, after) => {
    const got: string[] = []
    const device = await connected(({ payloadText }) => void got.push(payloadText))
    const dropped: string[] = []
    device.on('dropped', ({ why }) => void dropped.push(why))
    push(world, notificationMessage(after, '"newer"'))
    push(world, notificationMessage({ ...before, stored: true }, '"older"'))
    push(
      world,
      notificationMessage({ ...before, stored: true, topic: 'com.example.other' }, '"other"'),
    )
    await until(() => acknowledged() === 3, 'all acknowledged')
    expect(got).toEqual(['"newer"', '"other"'])
    expect(dropped).toEqual(['overtaken'])
    await device.close()
    await connected(({ payloadText }) => void got.push(payloadText))
    push(world, notificationMessage({ ...before, stored: true }, '"older"'))
    await until(() => acknowledged() === 1, 'the older one acknowledged after a restart')
    expect(got).toHaveLength(2)
  })

  it('ends everything before it: an older one that was not stored is dropped too', async () => {
    const got: string[] = []
    const device = await connected(({ payloadText }) => void got.push(payloadText))
    push(world, notificationMessage({ ...newer, stored: true }, '"newest"'))
    push(world, notificationMessage(older, '"late"'))
    push(world, notificationMessage({ ...older, topic: 'com.example.other' }, '"other"'))
    await until(() => acknowledged() === 3, 'all acknowledged')
    expect(got).toEqual(['"newest"', '"other"'])
    await device.close()
    await connected(({ payloadText }) => void got.push(payloadText))
    push(world, notificationMessage(older, '"late"'))
    await until(() => acknowledged() === 1, 'the older one acknowledged after a restart')
    expect(got).toHaveLength(2)
  })

  it('leaves an older one alone that only a direct one has overtaken', async () => {
    const got: string[] = []
    await connected(({ payloadText }) => void got.push(payloadText))
    push(world, notificationMessage(newer, '"newer"'))
    push(world, notificationMessage(older, '"late"'))
    await until(() => acknowledged() === 2, 'both acknowledged')
    expect(got).toEqual(['"newer"', '"late"'])
  })

  it('is handled when the newer one was never taken over', async () => {
    const got: string[] = []
    await connected(({ payloadText }) => {
      if (payloadText === '"newer"') throw new Error('not now')
      got.push(payloadText)
    })
    push(world, notificationMessage(newer, '"newer"'))
    push(world, notificationMessage({ ...older, stored: true }, '"older"'))
    await until(() => acknowledged() === 1, 'the older acknowledged')
    expect(got).toEqual(['"older"'])
  })
})

describe('close', () => {
  it('lets the handler finish and acknowledges first', async () => {
    const finish: (() => void)[] = []
    const device = await connected(() => new Promise((resolve) => finish.push(resolve)))
    push(world, notificationMessage())
    await until(() => finish.length === 1, 'the handler at work')
    const ended: string[] = []
    const closing = [device.close(), device.close()].map((end, number) =>
      end.then(() => ended.push(`close ${number + 1}`)),
    )
    await new Promise(setImmediate)
    ended.push('handler')
    finish[0]?.()
    await Promise.all(closing)
    expect(ended).toEqual(['handler', 'close 1', 'close 2'])
    expect(acknowledged()).toBe(1)
  })

  it('does not wait for ever', async () => {
    const device = await world.open({ closeLimitMs: 20 })
    let started = false
    device.onNotification(() => {
      started = true
      return new Promise(() => {})
    })
    await device.connect()
    push(world, notificationMessage())
    await until(() => started, 'the handler at work')
    await device.close()
    await expect(device.connect()).rejects.toMatchObject({ reason: 'Closed' })
  })

  it('leaves nothing to be done later, whatever a handler does after it', async () => {
    const clock = manualClock()
    const device = await world.open({ clock, closeLimitMs: 1 })
    const failed: HeliographDeviceError[] = []
    device.on('error', (error) => void failed.push(error))
    const fail: ((error: Error) => void)[] = []
    device.onNotification(() => new Promise((_, reject) => fail.push(reject)))
    await device.connect()
    push(world, notificationMessage())
    await until(() => fail.length === 1, 'the handler at work')
    const closing = device.close()
    clock.advance(1)
    await closing
    fail[0]?.(new Error('too late'))
    await until(() => failed.length === 1, 'the failure')
    await new Promise(setImmediate)
    expect(clock.waiting()).toEqual([])
  })
})
