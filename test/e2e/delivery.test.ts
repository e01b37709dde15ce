import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  activatePlainly,
  alert,
  alertOf,
  nodeApn,
  openTestDevice,
  PlainDevice,
  pendingTexts,
  readyDevice,
  request,
  settle,
  startTarget,
  until,
} from './support.ts'
import type { Target } from './target.ts'

let target: Target

beforeAll(async () => {
  target = await startTarget()
})

afterAll(() => target?.close())

describe.concurrent('a device that is connected', () => {
  it('receives what an unmodified node-apn sends', async () => {
    const { device, received, token } = await readyDevice(target)
    const provider = nodeApn(target)
    const { sent, failed } = await provider.send(alert('online'), token)
    expect(failed).toEqual([])
    expect(sent).toHaveLength(1)
    const notification = await until(() => received[0])
    expect(alertOf(notification)).toBe('online')
    expect(notification).toMatchObject({ topic: 'com.example.app', stored: false, priority: 10 })
    await provider.shutdown()
    await device.close()
  })

  it('receives the payload byte for byte and the id as sent', async () => {
    const { device, received, token } = await readyDevice(target)
    const body = '{ "aps":{},"big":12345678901234567890,"a":1,"a":2,"t":"\\ud800 \u00e9\uffff" }'
    const id = '123e4567-E89B-12d3-a456-4266554400a0'
    const answer = await request(target, { token, body, headers: { 'apns-id': id } })
    expect(answer).toMatchObject({ status: 200, body: '' })
    expect(answer.headers['apns-id']).toBe(id)
    const notification = await until(() => received[0])
    expect(notification.id).toBe(id)
    expect(notification.payloadText).toBe(body)
    await device.close()
  })

  it('needs no SDK: plain mqtt.js does', async () => {
    const activation = await activatePlainly(target)
    const { publish, deviceId } = activation.answer
    const device = new PlainDevice(activation)
    await device.connect()
    await device.publish(publish.connect, { tokens: [] })
    expect(await device.take('heliograph/connected')).toEqual({
      accepted: [],
      renewed: [],
      rejected: [],
    })
    await device.publish(publish.register, { topic: 'com.example.app' })
    const { topic, token } = await device.take('heliograph/token')
    expect(topic).toBe('com.example.app')
    expect(token).toMatch(/^[0-9a-f]{64}$/)
    expect(deviceId).toMatch(/^[0-9a-hjkmnp-tv-z]{16}$/)
    expect((await request(target, { token: String(token) })).status).toBe(200)
    expect(await device.take('heliograph/notification')).toMatchObject({
      topic: 'com.example.app',
      stored: false,
      payload: { aps: { alert: 'x' } },
    })
    await device.close()
  })

  it('hears nothing of what is sent to another', async () => {
    const [one, other] = [await readyDevice(target), await readyDevice(target)]
    expect(one.token).not.toBe(other.token)
    const provider = nodeApn(target)
    for (let n = 0; n < 10; n += 1) {
      await provider.send(alert(`one ${n}`), one.token)
      await provider.send(alert(`other ${n}`), other.token)
    }
    await until(() => one.received.length >= 10 && other.received.length >= 10)
    expect(one.received.every((n) => String(alertOf(n)).startsWith('one '))).toBe(true)
    expect(other.received.every((n) => String(alertOf(n)).startsWith('other '))).toBe(true)
    await provider.shutdown()
    await Promise.all([one.device.close(), other.device.close()])
  })
})

describe.concurrent('a device that is offline', () => {
  it('receives exactly the newest of three when it comes back', async () => {
    const { device, directory, token } = await readyDevice(target)
    await device.close()
    const provider = nodeApn(target)
    for (const text of ['first', 'second', 'third']) {
      const { failed } = await provider.send(alert(text), token)
      expect(failed).toEqual([])
    }
    await slotHolds(target, 'third')
    const back = await openTestDevice(target, directory)
    await back.device.connect()
    const notification = await until(() => back.received[0])
    expect(alertOf(notification)).toBe('third')
    expect(notification.stored).toBe(true)
    await settle()
    expect(back.received).toHaveLength(1)
    await provider.shutdown()
    await back.device.close()
  })

  it('never receives what was sent with expiration 0', async () => {
    const { device, directory, token } = await readyDevice(target)
    await device.close()
    const answer = await request(target, { token, headers: { 'apns-expiration': '0' } })
    expect(answer.status).toBe(200)
    const id = String(answer.headers['apns-unique-id'])
    const isExpiry = (line: string) => line.includes('"outcome":"expired"') && line.includes(id)
    await until(() => target.logs.some(isExpiry))
    const back = await openTestDevice(target, directory)
    await back.device.connect()
    await settle()
    expect(back.received).toEqual([])
    await back.device.close()
  })

  it('receives nothing after the expiration, however late the slot is removed', async () => {
    const { device, directory, token } = await readyDevice(target)
    await device.close()
    const expiration = String(Math.floor(Date.now() / 1000) + 2)
    const body = '{"aps":{"alert":"short-lived"}}'
    await request(target, { token, body, headers: { 'apns-expiration': expiration } })
    await slotHolds(target, 'short-lived')
    await settle(2_500)
    const back = await openTestDevice(target, directory)
    await back.device.connect()
    await settle()
    expect(back.received).toEqual([])
    await back.device.close()
  })
})

describe.concurrent('a device that gives a topic up', () => {
  it('makes its token answer 410 with the time, and 200 once registered again', async () => {
    const { device, received, token } = await readyDevice(target)
    const before = Date.now()
    await device.unregister('com.example.app')
    const gone = await until(async () => {
      const answer = await request(target, { token })
      return answer.status === 410 ? answer : undefined
    })
    const { reason, timestamp } = JSON.parse(gone.body) as { reason: string; timestamp: number }
    expect(reason).toBe('Unregistered')
    expect(timestamp).toBeGreaterThanOrEqual(before - 1_000)
    expect(timestamp).toBeLessThanOrEqual(Date.now() + 1_000)
    expect(await device.register('com.example.app')).toBe(token)
    expect((await request(target, { token, body: '{"aps":{"alert":"again"}}' })).status).toBe(200)
    await until(() => received.some((n) => alertOf(n) === 'again'))
    await device.close()
  })
})

describe('a device that is offline meanwhile', () => {
  it('receives its pending notification after a restart of the whole cloud', async () => {
    const { device, directory, token } = await readyDevice(target)
    await device.close()
    await request(target, { token, body: '{"aps":{"alert":"kept"}}' })
    await slotHolds(target, 'kept')
    await target.restart()
    const back = await openTestDevice(target, directory)
    await back.device.connect()
    expect(alertOf(await until(() => back.received[0]))).toBe('kept')
    // registration and token key are the old ones too
    expect((await request(target, { token, body: '{"aps":{"alert":"after"}}' })).status).toBe(200)
    expect(alertOf(await until(() => back.received[1]))).toBe('after')
    await back.device.close()
  })
})

/** Waits until the one slot in the table that holds this text is there. */
async function slotHolds(cloud: Target, text: string): Promise<void> {
  await until(async () => (await pendingTexts(cloud)).some((slot) => slot.includes(text)))
}
