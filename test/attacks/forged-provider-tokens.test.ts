import { createPrivateKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { beforeAll, describe, expect, it } from 'vitest'
import { makeToken, type TokenIdentity } from '../../tools/conformance/bearer.ts'
import { presented } from '../../tools/conformance/credentials.ts'
import { heliographJson } from '../e2e/operator-support.ts'
import type { Target } from '../e2e/target.ts'
import {
  bearer,
  hastyTarget,
  identityOf,
  requestByToken,
  TRUST_SECONDS,
} from '../e2e/token-provider.ts'

let target: Target
let token: string

beforeAll(async () => {
  const opened = await hastyTarget()
  target = opened.target
  token = opened.ready.token
  return opened.close
})

const ask = (authorization: string) => requestByToken(target, { token }, authorization)

/** Another team's key, on record and live, for the same topic. */
async function otherTeam(): Promise<TokenIdentity> {
  const { keyId, file } = await heliographJson<{ keyId: string; file: string }>(
    target,
    ...['provider', 'key', 'create', 'com.example.app', '--team', 'OTHERTEAM0'],
    ...['--out', `${target.state}/`],
  )
  return { keyId, teamId: 'OTHERTEAM0', key: createPrivateKey(readFileSync(file)) }
}

const signed = (identity: TokenIdentity) => `bearer ${makeToken(identity, Date.now())}`

describe('nobody sends with', () => {
  it.each([
    ...['jwt:alg-none', 'jwt:hs256', 'jwt:rs256', 'jwt:jwk', 'jwt:x5c', 'jwt:jku', 'jwt:crit'],
    ...['jwt:bad-signature', 'jwt:other-team', 'jwt:unknown-kid', 'jwt:no-kid', 'jwt:malformed'],
  ])('%s', async (auth) => {
    // first a good one, so that its key is known and believed
    expect((await ask(bearer(target))).status).toBe(200)
    const { authorization = '' } = presented(auth, identityOf(target))
    expect(await ask(authorization)).toMatchObject({ status: 403, reason: 'InvalidProviderToken' })
  })

  it('another team’s key, under its own id or the victim’s', async () => {
    const victim = identityOf(target)
    const thief = await otherTeam()
    expect((await ask(signed(thief))).status).toBe(200)
    for (const claimed of [
      { ...thief, keyId: victim.keyId },
      { ...thief, teamId: victim.teamId },
      { ...thief, keyId: victim.keyId, teamId: victim.teamId },
    ])
      expect(await ask(signed(claimed))).toMatchObject({
        status: 403,
        reason: 'InvalidProviderToken',
      })
  })

  it('a token of a revoked key, seen before or new', async () => {
    const thief = await otherTeam()
    const seen = signed(thief)
    expect((await ask(seen)).status).toBe(200)
    await heliographJson(target, 'provider', 'key', 'revoke', thief.keyId)
    await wait(TRUST_SECONDS * 1_000 + 100)
    for (const authorization of [seen, signed(thief)])
      expect(await ask(authorization)).toMatchObject({
        status: 403,
        reason: 'InvalidProviderToken',
      })
  })

  it('a token that was good an hour ago, however often it was used since', async () => {
    const iat = Math.floor(Date.now() / 1000) - 3_597
    const stolen = bearer(target, { claims: { iat } })
    expect((await ask(stolen)).status).toBe(200)
    expect((await ask(stolen)).status).toBe(200)
    await wait((iat + 3_600) * 1_000 - Date.now() + 50)
    expect(await ask(stolen)).toMatchObject({ status: 403, reason: 'ExpiredProviderToken' })
  })
})
