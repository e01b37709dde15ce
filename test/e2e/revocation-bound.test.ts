import { setTimeout as wait } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { heliographJson, welcomeOperator } from './operator-support.ts'
import { request, startTarget } from './support.ts'

/** Invariant I4: nothing is accepted from a provider revoked longer ago than this. */
const BOUND_MS = 30_000

/** Half a minute of waiting: LONG_TESTS=1 npx vitest run test/e2e/revocation-bound.test.ts */
it.runIf(process.env.LONG_TESTS)(
  'a revocation counts within 30 s in an environment that has just read the opposite',
  { timeout: 120_000 },
  async () => {
    const target = await startTarget()
    welcomeOperator(target)
    const status = async () => (await request(target, { token: '0'.repeat(64) })).status
    expect(await status()).toBe(400)
    const { revokedAt } = await heliographJson<{ revokedAt: number }>(
      target,
      ...['provider', 'revoke', target.local.provider.cert],
    )
    // it believes what it has read, as it may
    expect(await status()).toBe(400)
    while ((await status()) !== 403) await wait(5)
    const took = Date.now() - revokedAt
    console.log(`revocation to first 403: ${(took / 1000).toFixed(1)} s`)
    expect(took).toBeLessThanOrEqual(BOUND_MS)
    expect(await status()).toBe(403)
    await target.close()
  },
)
