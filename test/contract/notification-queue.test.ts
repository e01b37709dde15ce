import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readMessage } from '../../aws/notification-queue.ts'
import type { Topic } from '../../core/identifiers.ts'
import { notification, SetClock } from './samples.ts'
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

  test('a delayed message is not there yet', async () => {
    await target.queue.send(notification(), { delaySeconds: 60 })
    expect(await target.receive()).toBeUndefined()
  })
})
