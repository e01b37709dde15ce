import { generateKeyPairSync } from 'node:crypto'
import type { ProviderKeyId, TeamId, Topic } from '@heliograph/protocol/identifiers'
import { isRejection } from '@heliograph/protocol/rejection'
import { expect, it } from 'vitest'
import { CHECKS_PER_SECOND, tokenTrust } from '../../packages/core/src/trust/token-trust.ts'
import { makeToken } from '../../tools/conformance/bearer.ts'

/**
 * 10,000 forged tokens a second is more than a machine can both send and serve, so here the verifier of one execution
 * environment gets them at that rate of its own clock: under the victim's key id, from many networks, between
 * the victim's own requests.
 */
const [PER_SECOND, SECONDS, NETWORKS] = [10_000, 2, 20]
const BURST_SECONDS = 10
const HONEST = '203.0.113.1'

const identity = { keyId: 'KEY0000001' as ProviderKeyId, teamId: 'TEAM000001' as TeamId }
const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const record = {
  ...identity,
  topics: ['com.example.app' as Topic],
  publicKey: pair.publicKey.export({ format: 'der', type: 'spki' }).toString('base64'),
  createdAt: 0,
}

it('a verifier that gets 10,000 forged tokens a second checks a bounded share and refuses no honest one', async () => {
  let now = Date.parse('2030-01-01T00:00:00Z')
  let looks = 0
  const find = async () => {
    looks += 1
    return record
  }
  const trust = tokenTrust({ clock: { now: () => now }, keys: { find } })
  const sign = (issuedAt: number) =>
    `bearer ${makeToken({ ...identity, key: pair.privateKey }, issuedAt)}`
  const [signed = ''] = sign(now).match(/^.*\./) ?? []
  const signature = Buffer.alloc(64, 1)
  const honest = async (authorization: string) => {
    expect(isRejection(await trust.judge(authorization, HONEST))).toBe(false)
  }
  const kept = sign(now)
  for (let n = 0; n < PER_SECOND * SECONDS; n += 1) {
    now += 1_000 / PER_SECOND
    signature.writeUInt32BE(n, 28)
    const forged = signed + signature.toString('base64url')
    expect(isRejection(await trust.judge(forged, `198.51.100.${n % NETWORKS}`))).toBe(true)
    if (n % 100 === 0) await honest(kept)
    // its servers make tokens of their own, one every tenth of a second
    if (n % 1_000 === 0) await honest(sign(now - n))
  }
  const ofHonest = (PER_SECOND * SECONDS) / 100 + (PER_SECOND * SECONDS) / 1_000
  const bound = NETWORKS * CHECKS_PER_SECOND.ofKey * (BURST_SECONDS + SECONDS)
  expect(looks - ofHonest).toBeLessThanOrEqual(bound)
  expect(looks - ofHonest).toBeGreaterThan(NETWORKS * CHECKS_PER_SECOND.ofKey)
})
