import { beforeAll, describe, expect, test } from 'vitest'
import { type Certificates, makeCertificates } from './certificates.ts'
import { catchMutation } from './mutations/catch.ts'
import { mutations } from './mutations/list.ts'
import { run } from './run.ts'

const ANEW = 'find another seed with: npx tsx test/simulation/mutations/find-seeds.ts'

describe('a simulation worth its time catches bugs', () => {
  let certificates: Certificates
  beforeAll(async () => {
    certificates = await makeCertificates()
  })

  test.each(mutations)('$name: $bug', { timeout: 30_000 }, async (mutation) => {
    const { seed } = mutation
    const right = await run({ seed, notifications: 100 }, certificates)
    expect(right.violations).toEqual([])
    const caught = await catchMutation(mutation, seed, seed, certificates)
    expect(caught?.violations.length, ANEW).toBeGreaterThan(0)
  })
})
