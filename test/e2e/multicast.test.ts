import { randomUUID } from 'node:crypto'
import { recipientId } from '@heliograph/core/send/recipient-id'
import type { DeviceToken, NotificationId } from '@heliograph/protocol/identifiers'
import { describe, expect, it } from 'vitest'
import { giveUp } from './operator-support.ts'
import { sharing } from './shared-target.ts'
import {
  alertOf,
  openTestDevice,
  pendingTexts,
  readyDevice,
  request,
  settle,
  type TestDevice,
  until,
} from './support.ts'
import type { Target } from './target.ts'

/** One request, many devices. */

let target: Target

sharing.beforeAll(({ target: shared }) => {
  target = shared
})

interface Result {
  readonly status: number
  readonly reason?: string
  readonly timestamp?: number
  readonly 'apns-id'?: string
  readonly 'apns-unique-id'?: string
}

async function sendToMany(
  tokens: readonly unknown[],
  payload = '{"aps":{"alert":"x"}}',
  headers = {},
): Promise<{ status: number; id: unknown; results: Result[] }> {
  const body = `{"tokens":${JSON.stringify(tokens)},"payload":${payload}}`
  const answer = await request(target, { path: '/3/devices', body, headers })
  const { results = [] } = JSON.parse(answer.body) as { results?: Result[] }
  return { status: answer.status, id: answer.headers['apns-id'], results }
}

const crowd = (count: number) =>
  Promise.all(Array.from({ length: count }, () => readyDevice(target)))
const close = (devices: readonly TestDevice[]) =>
  Promise.all(devices.map(({ device }) => device.close()))

describe('devices that are connected', () => {
  it('receive one request each, byte for byte, under ids of their own', async () => {
    const devices = await crowd(12)
    const payload = '{ "aps":{},"big":12345678901234567890,"a":1,"a":2,"t":"\\ud800 é\uffff" }'
    const { status, results } = await sendToMany(
      devices.map(({ token }) => token),
      payload,
    )
    expect(status).toBe(200)
    for (const [at, { received }] of devices.entries()) {
      const notification = await until(() => received[0])
      expect(notification.payloadText).toBe(payload)
      expect(notification).toMatchObject({
        id: results[at]?.['apns-id'],
        uniqueId: results[at]?.['apns-unique-id'],
        stored: false,
      })
    }
    expect(new Set(results.map((one) => one['apns-id'])).size).toBe(12)
    await close(devices)
  })

  it('beside bad and dead tokens, which are refused in their places', async () => {
    const devices = await crowd(3)
    const tokens = devices.map(({ token }) => token)
    const [, leaving] = devices
    if (leaving) await giveUp(target, leaving.device, 'com.example.app')
    const { status, results } = await sendToMany([tokens[0], 'nonsense', tokens[1], tokens[2]])
    expect(status).toBe(200)
    expect(results.map(({ status: each, reason }) => reason ?? each)).toEqual([
      200,
      'BadDeviceToken',
      'Unregistered',
      200,
    ])
    expect(results[2]?.timestamp).toBeGreaterThan(Date.now() - 120_000)
    for (const at of [0, 2]) await until(() => devices[at]?.received[0])
    await close(devices)
  })

  it('once, when the whole request is repeated with its apns-id', async () => {
    const devices = await crowd(4)
    const tokens = devices.map(({ token }) => token)
    const id = randomUUID()
    const headers = { 'apns-id': id }
    const first = await sendToMany(tokens, '{"aps":{"alert":"once"}}', headers)
    const second = await sendToMany(tokens, '{"aps":{"alert":"once"}}', headers)
    expect(first.id).toBe(id)
    const ids = tokens.map((token) => recipientId(id as NotificationId, token as DeviceToken))
    for (const { results } of [first, second])
      expect(results.map((one) => one['apns-id'])).toEqual(ids)
    for (const { received } of devices) await until(() => received[0])
    await settle()
    expect(devices.map(({ received }) => received.length)).toEqual([1, 1, 1, 1])
    await close(devices)
  })
})

describe('devices that are away', () => {
  it('find the newest when they are back, while the others have theirs at once', async () => {
    const devices = await crowd(4)
    const tokens = devices.map(({ token }) => token)
    const away = devices.slice(0, 2)
    await close(away)
    const newest = `new ${devices[0]?.token}`
    for (const text of ['old', newest]) await sendToMany(tokens, `{"aps":{"alert":"${text}"}}`)
    for (const { received } of devices.slice(2)) await until(() => received.length === 2)
    await until(async () =>
      (await pendingTexts(target)).filter((text) => text.includes(newest)).length === 2
        ? true
        : undefined,
    )
    for (const { directory } of away) {
      const back = await openTestDevice(target, directory)
      await back.device.connect()
      const notification = await until(() => back.received[0])
      expect(alertOf(notification)).toBe(newest)
      expect(notification.stored).toBe(true)
      await back.device.close()
    }
    await close(devices.slice(2))
  })
})

describe('what concerns the request', () => {
  it('is refused once, in the words of single sends', async () => {
    const huge = 'x'.repeat(530_000)
    for (const [options, expected] of [
      [{ method: 'GET' }, '405 MethodNotAllowed'],
      [{ body: '{"tokens":[],"payload":{}}' }, '400 MissingDeviceToken'],
      [{ body: `{"tokens":["a"],"payload":{"a":"${huge}"}}` }, '413 PayloadTooLarge'],
      [{ headers: { 'apns-topic': 'com.example.other' } }, '400 BadTopic'],
    ] as const) {
      const answer = await request(target, {
        path: '/3/devices',
        body: '{"tokens":["a"],"payload":{}}',
        ...options,
      })
      expect(`${answer.status} ${answer.reason}`).toBe(expected)
      expect(answer.headers['apns-id']).toMatch(/^[0-9A-F-]{36}$/)
    }
  })
})
