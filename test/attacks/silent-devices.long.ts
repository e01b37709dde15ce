import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { alert, nodeApn, settle, startTarget } from '../e2e/support.ts'
import type { Target } from '../e2e/target.ts'
import { openHonest, openSilent, percentile, type Silent, shoutAll } from './silence.ts'

const [DEVICES, REQUESTS] = [10, 100]
/** Milliseconds. */
const REGISTRATION_MS = 2_000
/**
 * The slowest of a hundred notifications takes at most so many times what it takes without an attack;
 * attackers, honest device, provider and all of the embedded cloud share two processors.
 */
const SLOWDOWN = 2
/** Milliseconds that are always granted: where the quiet one is short, twice that is noise. */
const GRANTED_MS = 50

let target: Target
let honest: Awaited<ReturnType<typeof openHonest>>
const silent: Silent[] = []
beforeAll(async () => {
  target = await startTarget()
  honest = await openHonest(target)
  for (let count = 0; count < DEVICES; count += 1) silent.push(await openSilent(target))
})
afterAll(async () => {
  await honest?.close()
  await Promise.all(silent.map(({ device }) => device.close()))
  await target?.close()
})

function attack(): void {
  for (const one of silent) shoutAll(one, target.local.provider.topic, REQUESTS)
}

async function storeForAll(): Promise<void> {
  const provider = nodeApn(target)
  await provider.send(
    alert('waits'),
    silent.map(({ token }) => token),
  )
  provider.shutdown()
}

describe.each([
  { slots: 'no slots', prepare: async () => {} },
  { slots: 'a slot each', prepare: storeForAll },
])(`${DEVICES} silent devices with $slots, ${REQUESTS} requests each at once`, ({ prepare }) => {
  it('delay neither a registration nor the notifications of others', async () => {
    await honest.times(1, 0)
    await honest.times(100, 20)
    const quiet = percentile(await honest.times(100, 100), 99)
    await prepare()
    await settle(3_000)
    attack()
    const registering = honest.register()
    const times = await honest.times(100, 100)
    const registration = await registering
    const attacked = percentile(times, 99)
    console.info(JSON.stringify({ quiet, attacked, registration }))
    expect(registration).toBeLessThan(REGISTRATION_MS)
    expect(attacked).toBeLessThan(Math.max(SLOWDOWN * quiet, GRANTED_MS))
  })
})
