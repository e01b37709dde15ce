import { readMessage, readMulticast } from '@heliograph/aws/notification-queue'
import { multicastsOf } from '@heliograph/core/multicast'
import type { Topic } from '@heliograph/protocol/identifiers'
import { MAX_RECIPIENTS, RECIPIENTS_PER_MESSAGE } from '@heliograph/protocol/limits'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newDevice, notification, SetClock } from './samples.ts'
import { type Target, targets } from './target.ts'

describe.each(targets)('notification queue: %s', (_name, open) => {
  let target: Target
  beforeAll(async () => {
    target = await open(new SetClock())
  })
  afterAll(() => target.close())

  test('a notification comes out as it went in, whatever its payload holds', async () => {
    const one = notification({
      payload: '{"text":"\ufffe\uffff\\u0000 ü 😀","big":12345678901234567890}',
      collapseId: 'a,b',
    })
    await target.queue.send(one)
    expect(readMessage((await target.receive()) ?? '')).toEqual({
      notification: one,
      slotOnly: false,
    })
  })

  test('a topic as long as topics may be makes no trouble', async () => {
    const one = notification({ topic: `com.${'x'.repeat(250)}a` as Topic })
    await target.queue.send(one)
    expect(readMessage((await target.receive()) ?? '')?.notification).toEqual(one)
  })

  test('a message about the slot says so', async () => {
    const one = notification()
    await target.queue.send(one, { slotOnly: true })
    expect(readMessage((await target.receive()) ?? '')).toEqual({
      notification: one,
      slotOnly: true,
    })
  })

  test('multicasts come out as they went in, each in a message of its own', async () => {
    const payload = '{"text":"\ufffe\uffff ü 😀","big":12345678901234567890}'
    const some = (count: number, receives: number) =>
      Array.from({ length: count }, () => ({
        notification: { ...notification({ payload }), deviceId: newDevice() },
        receives,
      }))
    const multicasts = [some(1, 0), some(100, 3)]
    expect((await target.queue.sendMulticasts(multicasts)).size).toBe(101)
    const received = [await target.receive(), await target.receive()]
    const read = received.map((body) => readMulticast(body ?? ''))
    expect(read.toSorted((a, b) => (a?.length ?? 0) - (b?.length ?? 0))).toEqual(multicasts)
  })

  test('the largest request fits into one call', async () => {
    const payload = JSON.stringify({ t: '"'.repeat(2_555) })
    const one = { ...notification({ payload }), seal: 'x'.repeat(22) }
    const recipients = Array.from({ length: MAX_RECIPIENTS }, () => ({
      notification: { ...one, deviceId: newDevice() },
      receives: 0,
    }))
    const multicasts = multicastsOf(recipients)
    const held = await target.queue.sendMulticasts(multicasts)
    expect(held).toEqual(new Set(recipients.map((each) => each.notification)))
    const sizes: (number | undefined)[] = []
    for (const _ of multicasts) sizes.push(readMulticast((await target.receive()) ?? '')?.length)
    expect(sizes).toEqual(Array(10).fill(RECIPIENTS_PER_MESSAGE))
  })

  test('a delayed multicast is not there yet', async () => {
    const multicast = [{ notification: notification(), receives: 1 }]
    await target.queue.sendMulticasts([multicast], { delaySeconds: 60 })
    expect(await target.receive()).toBeUndefined()
  })

  test('a delayed message is not there yet', async () => {
    await target.queue.send(notification(), { delaySeconds: 60 })
    expect(await target.receive()).toBeUndefined()
  })
})
