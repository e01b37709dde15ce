import { beforeAll, describe, expect, test } from 'vitest'
import { type Certificates, makeCertificates } from '../../tools/simulate/certificates.ts'
import { catchMutation } from '../../tools/simulate/mutations/catch.ts'
import { mutations } from '../../tools/simulate/mutations/list.ts'
import { run } from '../../tools/simulate/run.ts'

/**
 * A change of the rules that adds or drops a port call deals the luck of every seed anew, so where
 * the listed seed no longer shows the bug, one of the next must.
 */
const MORE_SEEDS = 300
const ANEW = 'find another seed with: npx tsx tools/simulate/mutations/find-seeds.ts'

describe('a simulation worth its time catches bugs', () => {
  let certificates: Certificates
  beforeAll(async () => {
    certificates = await makeCertificates()
  })

  test.each(mutations)('$name: $bug', { timeout: 600_000 }, async (mutation) => {
    const { seed } = mutation
    const caught = await catchMutation(mutation, seed, seed + MORE_SEEDS, certificates)
    if (!caught) throw new Error(`the bug shows in no seed from ${seed} on: ${ANEW}`)
    const right = await run({ seed: caught.seed, notifications: 100 }, certificates)
    expect(right.violations, 'without the bug').toEqual([])
  })
})
