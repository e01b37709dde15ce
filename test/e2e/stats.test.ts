import type { Stats, TopicStats } from '@heliograph/core/stats/topic-stats'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { heliograph, heliographJson, welcomeOperator } from './operator-support.ts'
import { receiptWhen, sendFor } from './receipt-support.ts'
import { openTestDevice, readyDevice, settle, startTarget, until } from './support.ts'
import type { Target } from './target.ts'

const TOPIC = 'com.example.app'
let target: Target

beforeAll(async () => {
  target = await startTarget()
  welcomeOperator(target)
  await liveALittle()
})

afterAll(() => target?.close())

/** Two are delivered at once, one of them quietly; one waits in its slot, one replaces it, one has one attempt. */
async function liveALittle(): Promise<void> {
  const { device, directory, token } = await readyDevice(target)
  const quiet = { 'apns-push-type': 'background', 'apns-priority': '5' }
  const direct = [
    await sendFor(target, { token }),
    await sendFor(target, { token, headers: quiet }),
  ]
  for (const { id } of direct) await receiptWhen(target, id, 'delivered')
  await device.close()
  const older = await sendFor(target, { token })
  await receiptWhen(target, older.id, 'stored')
  const newer = await sendFor(target, { token })
  const once = await sendFor(target, { token, headers: { 'apns-expiration': '0' } })
  await receiptWhen(target, once.id, 'expired')
  await receiptWhen(target, older.id, 'coalesced')
  const { device: back } = await openTestDevice(target, directory)
  await back.connect()
  await receiptWhen(target, newer.id, 'drained')
  await back.close()
}

const read = (...options: string[]) => heliographJson<Stats>(target, 'stats', ...options)

/** Once everything has been counted. */
function counted(): Promise<TopicStats> {
  return until(async () => {
    const { topics } = await read('--topic', TOPIC, '--since', '1h')
    const [one] = topics
    if (one && one.counts.drained === 1 && one.counts.delivered === 2) return one
    await settle(200)
    return undefined
  })
}

describe('heliograph stats', () => {
  it('counts what became of the notifications of a topic', async () => {
    const one = await counted()
    expect(one.topic).toBe(TOPIC)
    expect(one.counts).toEqual({
      ...{ accepted: 5, delivered: 2, drained: 1, stored: 2, coalesced: 1, expired: 1 },
      ...{ unregistered: 0, undeliverable: 0, duplicate: 0, 'dead-lettered': 0 },
    })
    expect(one.pushTypes).toEqual({ alert: 4, background: 1 })
    expect(one.priorities).toEqual({ 10: 4, 5: 1 })
  })

  it('has the times of both ways to the device, in their order', async () => {
    const { online, fromStorage } = await counted()
    for (const times of [online, fromStorage]) {
      expect(times?.p50).toBeGreaterThanOrEqual(0)
      expect(times?.p90).toBeGreaterThanOrEqual(times?.p50 ?? Number.NaN)
      expect(times?.p99).toBeGreaterThanOrEqual(times?.p90 ?? Number.NaN)
    }
  })

  it('has parts that add up to the whole', async () => {
    const { parts } = await counted()
    const sum = (field: 'received' | 'delivered') =>
      parts.reduce((all, { [field]: count }) => all + count, 0)
    expect([sum('received'), sum('delivered')]).toEqual([5, 3])
    expect(parts.length).toBeGreaterThanOrEqual(30)
  })

  it('shows a person a table and a chart, and says no token', async () => {
    await counted()
    const { code, out } = await heliograph(target, ['stats', '--topic', TOPIC, '--since', '1h'])
    expect(code).toBe(0)
    expect(out).toMatch(/^received +5$/m)
    expect(out).toMatch(/^ {2}by push type +alert: 4, background: 1$/m)
    expect(out).toMatch(/^discarded +2$/m)
    expect(out).toMatch(/^ {2}by reason +coalesced: 1, expired: 1$/m)
    expect(out).toMatch(/^TIME TO THE DEVICE +P50 +P90 +P99$/m)
    expect(out).toMatch(/^from storage +[\d.]+ (ms|s) /m)
    // a minute may begin in between
    expect(out).toMatch(/^received .*█.* at most [1-5] in \d+ (s|min)$/m)
    const all = await heliograph(target, ['stats'])
    expect(all.out).toMatch(new RegExp(`^${TOPIC} +5 +2 +1 +2 +2 `, 'm'))
  })

  it('says what is wrong with a topic that nobody counts, or a time that nobody keeps', async () => {
    const { code, err } = await heliograph(target, ['stats', '--since', '9000d'])
    expect([code, err]).toEqual([2, expect.stringContaining('455d')])
    if (target.kind === 'machine') return
    const unknown = await heliograph(target, ['stats', '--topic', 'com.example.unknown'])
    expect([unknown.code, unknown.err]).toEqual([3, expect.stringContaining('counted as other')])
  })
})
