import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { defaultTuning } from '../../packages/embedded-cloud/src/cloud-options.ts'
import { assemblyWith } from './operator-support.ts'
import { receiptWhen, type SentIds, sendFor } from './receipt-support.ts'
import {
  alertOf,
  openTestDevice,
  pendingTexts,
  type ReadyDevice,
  readyDevice,
  settle,
  startTarget,
  until,
} from './support.ts'
import type { Target } from './target.ts'

/** A topic that keeps the newest of each collapse id, at most four. */

let target: Target

beforeAll(async () => {
  const rules = { 'com.example.app': { perCollapseId: 4 } }
  // what has expired is removed in a tenth of a second, where DynamoDB may take days
  const tuning = { ...defaultTuning, ttlIntervalMs: 100 }
  const assembly = assemblyWith({ PENDING: JSON.stringify(rules) })
  target = await startTarget({ assembly, tuning })
})

afterAll(() => target?.close())

/** Sends to a device that is offline, and waits until it is in its slot. */
async function sendOffline(
  { token }: ReadyDevice,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<SentIds> {
  const sent = await sendFor(target, { token, body: `{"aps":{"alert":"${text}"}}`, headers })
  await until(async () => (await pendingTexts(target)).some((slot) => slot.includes(text)))
  return sent
}

describe.concurrent('a device that is offline', () => {
  it('receives the newest of each collapse id and those without one, in order', async () => {
    const ready = await readyDevice(target)
    await ready.device.close()
    const collapse = (id: string) => ({ 'apns-collapse-id': id })
    const plain = await sendOffline(ready, 'plain 1')
    const old = await sendOffline(ready, 'score 1', collapse('score'))
    await sendOffline(ready, 'weather', collapse('weather'))
    const score = await sendOffline(ready, 'score 2', collapse('score'))
    await sendOffline(ready, 'traffic', collapse('traffic'))
    const last = await sendOffline(ready, 'plain 2')
    const back = await openTestDevice(target, ready.directory)
    await back.device.connect()
    await until(() => back.received.length >= 4)
    await settle()
    expect(back.received.map(alertOf)).toEqual(['weather', 'score 2', 'traffic', 'plain 2'])
    for (const one of back.received)
      expect(one).toMatchObject({ stored: true, pending: 'perCollapseId' })
    // what made room, and for which
    for (const [gone, by] of [
      [plain, last],
      [old, score],
    ] as const) {
      const { events } = await receiptWhen(target, gone.uniqueId, 'coalesced')
      expect(events.at(-1)).toMatchObject({ kind: 'coalesced', replacedBy: by.uniqueId })
    }
    await receiptWhen(target, last.uniqueId, 'drained')
    await back.device.close()
  })

  it('receives what has not expired, each by its own time', async () => {
    const ready = await readyDevice(target)
    await ready.device.close()
    const expiration = String(Math.floor(Date.now() / 1000) + 3)
    await sendOffline(ready, 'early')
    const short = await sendFor(target, {
      token: ready.token,
      body: '{"aps":{"alert":"short-lived"}}',
      headers: { 'apns-expiration': expiration, 'apns-collapse-id': 'news' },
    })
    await sendOffline(ready, 'late')
    await settle(3_500)
    const back = await openTestDevice(target, ready.directory)
    await back.device.connect()
    await until(() => back.received.length >= 2)
    await settle()
    expect(back.received.map(alertOf)).toEqual(['early', 'late'])
    await receiptWhen(target, short.uniqueId, 'expired')
    await back.device.close()
  })
})
