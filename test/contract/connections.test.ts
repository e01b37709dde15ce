import type { Sent } from '@heliograph/core/ports'
import type { DeviceId } from '@heliograph/protocol/identifiers'
import { downTopics } from '@heliograph/protocol/mqtt-topic'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  type ConnectedDevice,
  type ConnectionsTarget,
  connectionTargets,
} from './connections-target.ts'
import { newDevice } from './samples.ts'

/** Longer than a message takes to its device and back, shorter than the wait for a PUBACK. */
const A_WHILE_MS = 200

describe.each(connectionTargets)('connections: %s', (_name, open) => {
  let target: ConnectionsTarget
  beforeEach(async () => {
    target = await open()
  })
  afterEach(() => target.close())

  /** A message under way; `come()` lets time go by until the service knows what came of it. */
  function send(deviceId: DeviceId, text = '{}', patienceMs?: number) {
    let sent: Sent | undefined
    const { connections } = target
    connections.send(deviceId, downTopics.notification, text, patienceMs).then((answer) => {
      sent = answer
    })
    return {
      get answer() {
        return sent
      },
      async come() {
        await target.until(() => sent !== undefined)
        return sent
      },
    }
  }

  const arrival = (device: ConnectedDevice, count = 1) =>
    target.until(() => device.heard().length === count)

  test('a device that is not connected is offline', async () => {
    expect(await send(newDevice()).come()).toBe('offline')
  })

  test('a device that has left is offline, and another one hears nothing of it', async () => {
    const [device, other] = [await target.connect(), await target.connect()]
    await device.leave()
    await target.pass(A_WHILE_MS)
    expect(await send(device.deviceId).come()).toBe('offline')
    expect(other.heard()).toEqual([])
  })

  test('a message arrives as it was sent, without a subscription', async () => {
    const device = await target.connect()
    const text = '{"payload":{"aps":{"alert":"Grüße, 世界 🌍"}}}'
    const sending = send(device.deviceId, text)
    await arrival(device)
    expect(device.heard()).toMatchObject([{ topic: 'heliograph/notification', text }])
    device.heard()[0]?.acknowledge()
    expect(await sending.come()).toBe('acknowledged')
  })

  test('it is acknowledged when the device says so, and not when it has arrived', async () => {
    const device = await target.connect()
    const sending = send(device.deviceId)
    await arrival(device)
    await target.pass(A_WHILE_MS)
    expect(sending.answer).toBeUndefined()
    device.heard()[0]?.acknowledge()
    expect(await sending.come()).toBe('acknowledged')
  })

  test('each acknowledgement is for its own message, in whatever order they come', async () => {
    const device = await target.connect()
    const sendings = ['1', '2', '3'].map((text) => ({ text, sending: send(device.deviceId, text) }))
    await arrival(device, 3)
    for (const asked of ['3', '1']) {
      device
        .heard()
        .find(({ text }) => text === asked)
        ?.acknowledge()
      const one = sendings.find(({ text }) => text === asked)
      expect(await one?.sending.come()).toBe('acknowledged')
    }
    expect(sendings[1]?.sending.answer).toBeUndefined()
    device
      .heard()
      .find(({ text }) => text === '2')
      ?.acknowledge()
    expect(await sendings[1]?.sending.come()).toBe('acknowledged')
  })

  test('without an acknowledgement it is unconfirmed, and the device has it', async () => {
    const device = await target.connect()
    const sending = send(device.deviceId, '{}', 1_000)
    await arrival(device)
    expect(await sending.come()).toBe('unconfirmed')
    expect(device.heard()).toHaveLength(1)
  })

  test('a device that goes away with it leaves it unconfirmed', async () => {
    const device = await target.connect()
    const sending = send(device.deviceId)
    await arrival(device)
    await device.leave()
    expect(await sending.come()).toBe('unconfirmed')
  })

  test('an answer is told to a device that acknowledges nothing, without waiting', async () => {
    const device = await target.connect()
    let told: string | undefined
    target.connections.tell(device.deviceId, downTopics.error, '{}').then((answer) => {
      told = answer
    })
    await target.until(() => told !== undefined && device.heard().length === 1)
    expect(told).toBe('told')
  })

  test('to a device that is not connected nothing can be told', async () => {
    let told: string | undefined
    target.connections.tell(newDevice(), downTopics.error, '{}').then((answer) => {
      told = answer
    })
    await target.until(() => told !== undefined)
    expect(told).toBe('offline')
  })

  test('a device that may not receive refuses it, and hears nothing', async ({ skip }) => {
    if (!target.connectDeaf) return skip('there are no policies: who is connected may receive')
    const device = await target.connectDeaf()
    expect(await send(device.deviceId).come()).toBe('refused')
    expect(device.heard()).toEqual([])
  })

  test('one too many is busy, and does not arrive', async () => {
    const device = await target.connect()
    await target.throttle(device)
    const before = device.heard().length
    expect(await send(device.deviceId, '"one too many"').come()).toBe('busy')
    expect(device.heard()).toHaveLength(before)
  })

  test('a second connection of a device takes the place of the first', async () => {
    const first = await target.connect()
    const second = await target.connect(first.deviceId)
    await target.pass(A_WHILE_MS)
    const sending = send(first.deviceId)
    await arrival(second)
    second.heard()[0]?.acknowledge()
    expect(await sending.come()).toBe('acknowledged')
    expect(first.heard()).toEqual([])
  })
})
