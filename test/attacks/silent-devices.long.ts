import { upstreams } from '@heliograph/protocol/mqtt-topic'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { alert, nodeApn, settle, startTarget } from '../e2e/support.ts'
import type { Target } from '../e2e/target.ts'
import { type Loaded, loadSilent, openHonest, percentile } from './silence.ts'

const [DEVICES, REQUESTS] = [10, 100]
/** Milliseconds. */
const REGISTRATION_MS = 2_000
/**
 * So many times what it takes without an attack may the slowest of a hundred notifications take; the
 * honest device, the provider and all of the embedded cloud share two processors.
 */
const SLOWDOWN = 2
/** Milliseconds that are always granted: where the quiet one is short, twice that is noise. */
const GRANTED_MS = 50
/**
 * Quiet and attacked in turns, so that what else the machine does falls on both; each attack is by devices
 * that have used up no allowance yet. Of 500 notifications the p99 is the fifth slowest.
 */
const ROUNDS = 5
const [NOTIFICATIONS, EVERY_MS] = [100, 50]

let target: Target
let honest: Awaited<ReturnType<typeof openHonest>>
beforeAll(async () => {
  target = await startTarget()
  honest = await openHonest(target)
  await honest.times(100, 20)
})
afterAll(async () => {
  await honest?.close()
  await target?.close()
})

interface Round {
  readonly quiet: readonly number[]
  readonly attacked: readonly number[]
  /** Milliseconds. */
  readonly registration: number
  /** Requests of the attack that had reached a function when the last notification had arrived. */
  readonly requests: number
}

/** Of all functions that devices talk to. */
function invoked(): number {
  const invocations = target.cloud.invocations()
  return upstreams.reduce((sum, name) => sum + (invocations[`heliograph-local-${name}`] ?? 0), 0)
}

async function round(prepare: (silent: readonly Loaded[]) => Promise<void>): Promise<Round> {
  const silent: Loaded[] = []
  for (let count = 0; count < DEVICES; count += 1) silent.push(await loadSilent(target, REQUESTS))
  const quiet = await honest.times(NOTIFICATIONS, EVERY_MS)
  await prepare(silent)
  const before = invoked()
  for (const one of silent) one.fire()
  const registering = honest.register()
  const attacked = await honest.times(NOTIFICATIONS, EVERY_MS)
  const registration = await registering
  const requests = invoked() - before
  for (const { device } of silent) device.close()
  await settle()
  return { quiet, attacked, registration, requests }
}

async function storeForAll(silent: readonly Loaded[]): Promise<void> {
  const provider = nodeApn(target)
  await provider.send(
    alert('waits'),
    silent.map(({ token }) => token),
  )
  provider.shutdown()
  await settle(3_000)
}

function figuresOf(times: readonly number[]) {
  const sorted = [...times].sort((a, b) => a - b)
  const figure = (percent: number) => Math.round(percentile(sorted, percent) * 10) / 10
  return { p50: figure(50), p99: figure(99), slowest: figure(100) }
}

describe.each([
  { slots: 'no slots', prepare: async () => {} },
  { slots: 'a slot each', prepare: storeForAll },
])(`${DEVICES} silent devices with $slots, ${REQUESTS} requests each at once`, ({ prepare }) => {
  it('delay neither a registration nor the notifications of others', async () => {
    const rounds: Round[] = []
    for (let n = 0; n < ROUNDS; n += 1) rounds.push(await round(prepare))
    const quiet = figuresOf(rounds.flatMap((one) => one.quiet))
    const attacked = figuresOf(rounds.flatMap((one) => one.attacked))
    const registration = Math.max(...rounds.map((one) => one.registration))
    const requests = Math.min(...rounds.map((one) => one.requests))
    console.info(
      JSON.stringify({ quiet, attacked, registration: Math.round(registration), requests }),
    )
    // else there was no attack to withstand
    expect(requests).toBeGreaterThan((DEVICES * REQUESTS) / 2)
    expect(registration).toBeLessThan(REGISTRATION_MS)
    expect(attacked.p99).toBeLessThan(Math.max(SLOWDOWN * quiet.p99, GRANTED_MS))
  })
})
