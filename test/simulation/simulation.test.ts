import { beforeAll, describe, expect, test } from 'vitest'
import { type Certificates, makeCertificates } from '../../tools/simulate/certificates.ts'
import { runSeeds } from '../../tools/simulate/fleet.ts'
import { run } from '../../tools/simulate/run.ts'

/** Seeds of `npm run simulate` that run with every `npm test`; some ten seconds of processor time. */
const SLICE = { first: 1, last: 75, notifications: 100, workers: 2 }

describe('simulation', () => {
  let certificates: Certificates
  beforeAll(async () => {
    certificates = await makeCertificates()
  })

  test('the same seed gives the same run', async () => {
    const options = { seed: 12, notifications: 60, traced: true }
    const [first, second] = [await run(options, certificates), await run(options, certificates)]
    expect(first.trace.length).toBeGreaterThan(500)
    expect(second.trace).toEqual(first.trace)
  })

  test('a trace changes nothing in the run that it follows', async () => {
    const options = { seed: 12, notifications: 60 }
    const { trace: _, ...traced } = await run({ ...options, traced: true }, certificates)
    const { trace: __, ...silent } = await run(options, certificates)
    expect(silent).toEqual(traced)
  })

  test('I1 to I6 hold over a slice of the seeds', { timeout: 600_000 }, async () => {
    const { failed, accepted, counts } = await runSeeds(SLICE)
    const shown = failed.map(({ seed, violations }) => ({ seed, violation: violations[0] }))
    expect(shown, 'replay with: npm run simulate -- --seed N').toEqual([])
    expect(accepted).toBeGreaterThan(7_000)
    // a slice in which one of these never happens would prove nothing about it
    for (const kind of ['delivered', 'drained', 'coalesced', 'expired', 'unregistered'])
      expect(counts[kind], kind).toBeGreaterThan(50)
  })
})
