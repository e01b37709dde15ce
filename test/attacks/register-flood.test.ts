import { describe, expect, it } from 'vitest'
import { heliographJson, welcomeOperator } from '../e2e/operator-support.ts'
import { sharing } from '../e2e/shared-target.ts'
import { settle, until } from '../e2e/support.ts'
import type { Target } from '../e2e/target.ts'
import { openSilent } from './silence.ts'

/** Requests that come through: the broker discards what is above 100 a second, also after a pause of this process. */
const REQUESTS = 300

let target: Target
sharing.beforeAll(({ target: shared }) => {
  target = shared
  welcomeOperator(target)
})

const invoked = () => target.cloud.invocations()['heliograph-local-register'] ?? 0

describe('a device that registers in a loop', () => {
  it('is named, and leaves no dead letter', async () => {
    const { device } = await openSilent(target)
    const { topic } = target.local.provider
    const before = invoked()
    for (let sent = 0; sent < 5 * REQUESTS && invoked() - before < REQUESTS; sent += 1) {
      device.shout('register', sent % 2 ? JSON.stringify({ topic }) : `{"topic":"x${sent}"}`)
      if (sent % 20 === 19) await settle(250)
    }
    await until(() => invoked() - before >= REQUESTS || undefined)
    const named = await until(() => target.logs.find((line) => line.includes('asks too often')))
    expect(named).toContain('"upstream":"register"')
    const worked = target.logs.filter((line) => line.includes('"device request"')).length
    expect(worked).toBeLessThan(REQUESTS / 2)
    const queues = await heliographJson<{ queue: string; waiting: number }[]>(
      target,
      ...['dlq', 'list'],
    )
    expect(queues.filter(({ waiting }) => waiting > 0)).toEqual([])
    await device.close()
  })
})
