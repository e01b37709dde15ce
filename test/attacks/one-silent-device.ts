import { join } from 'node:path'
import { SLOT_RETRY_SECONDS } from '@heliograph/protocol/retry'
import type apn from '@parse/node-apn'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { defaultTuning } from '../../packages/embedded-cloud/src/cloud-options.ts'
import { deviceLimits } from '../../packages/machine/src/mqtt/limits.ts'
import { heliograph, welcomeOperator } from '../e2e/operator-support.ts'
import { alert, nodeApn, pendingTexts, settle, startTarget, until } from '../e2e/support.ts'
import type { Target } from '../e2e/target.ts'
import { openHonest, openSilent, percentile, type Silent } from './silence.ts'

/** deliver has a concurrency for each of its two queues, and what it knows of a device is in its memory. */
const DELIVER_ENVIRONMENTS = 2 * defaultTuning.maxEnvironments

/** How many may be on their way to a device before its silence shows. One machine waits for all of them together. */
function atOnce({ kind }: Target): number {
  return kind === 'machine' ? deviceLimits.unacknowledged : DELIVER_ENVIRONMENTS
}

/** How often each notification reached the device. */
function timesById({ device }: Silent): number[] {
  const counts = new Map<string, number>()
  for (const { topic, text } of device.messages)
    if (topic === 'heliograph/notification') {
      const { uniqueId } = JSON.parse(text)
      counts.set(uniqueId, (counts.get(uniqueId) ?? 0) + 1)
    }
  return [...counts.values()]
}

/** A topic, and a provider for it, that the silent device has nothing to do with. */
async function otherProvider(target: Target) {
  const topic = 'com.example.other'
  const out = join(target.state, 'other')
  await heliograph(target, ['provider', 'issue', topic, '--out', out])
  return { ...target.local.provider, topic, cert: `${out}.pem`, key: `${out}.key` }
}

/** A hundred a second: at once they would only stand in line before accept. Says how many were accepted. */
async function sendAll(provider: apn.Provider, token: string, count: number): Promise<number> {
  const sending: ReturnType<apn.Provider['send']>[] = []
  for (let n = 0; n < count; n += 1) {
    sending.push(provider.send(alert(`to nobody ${n}`), token))
    await settle(10)
  }
  return (await Promise.all(sending)).filter(({ sent }) => sent.length > 0).length
}

/** So many percent of the other topic's notifications take less than `ms`. */
export interface Limit {
  readonly percent: number
  readonly ms: number
}

/** The attack: so many notifications to a device that acknowledges none of them. `quietSends` are for comparison. */
export function delaysNoOtherTopic(count: number, limit: Limit, quietSends = 50): void {
  let target: Target
  beforeAll(async () => {
    target = await startTarget()
    welcomeOperator(target)
  })
  afterAll(() => target?.close())

  it(`${count} notifications to a silent device delay no other topic`, async () => {
    const honest = await openHonest(target, await otherProvider(target))
    const silent = await openSilent(target)
    await honest.times(100, Math.min(20, quietSends))
    const quiet = percentile(await honest.times(100, quietSends), limit.percent)
    const provider = nodeApn(target)
    const startedAt = performance.now()
    const sending = sendAll(provider, silent.token, count)
    const times = await honest.times(100, 50)
    const attacked = percentile(times, limit.percent)
    const accepted = await sending
    const seconds = (performance.now() - startedAt) / 1_000
    const attempts = timesById(silent)
    console.info(JSON.stringify({ quiet, attacked, accepted, attempts: attempts.length, seconds }))
    expect(accepted).toBeGreaterThan(count / 2)
    expect(attacked).toBeLessThan(limit.ms)
    // one, and one each time that a silence is over, which doubles; the slot is tried besides
    const rounds = 2 + Math.ceil(Math.log2(1 + seconds)) + Math.ceil(seconds / SLOT_RETRY_SECONDS)
    expect(attempts.length).toBeLessThanOrEqual(atOnce(target) * rounds)
    provider.shutdown()
    await honest.close()
    await silent.device.close()
  })

  it('one that it does not acknowledge is sent once and then rests in its slot', async () => {
    const silent = await openSilent(target)
    const provider = nodeApn(target)
    await provider.send(alert('is not acknowledged'), silent.token)
    const isStored = async (text: string) =>
      (await pendingTexts(target)).some((one) => one.includes(text))
    await until(async () => (await isStored('is not acknowledged')) || undefined)
    await settle((SLOT_RETRY_SECONDS - 2) * 1_000)
    expect(timesById(silent)).toEqual([1])
    provider.shutdown()
    await silent.device.close()
  })
}
