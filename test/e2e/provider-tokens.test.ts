import { createPrivateKey, generateKeyPairSync } from 'node:crypto'
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { beforeAll, describe, expect, it } from 'vitest'
import { makeToken } from '../../tools/conformance/bearer.ts'
import { heliograph, heliographJson } from './operator-support.ts'
import { openTestDevice } from './support.ts'
import type { Target } from './target.ts'
import { hastyTarget, identityOf, requestByToken, TRUST_SECONDS } from './token-provider.ts'

const TEAM = 'ABCDE12345'
let target: Target
let token: string

beforeAll(async () => {
  const opened = await hastyTarget()
  target = opened.target
  token = opened.ready.token
  return opened.close
})

interface Created {
  readonly keyId: string
  readonly file: string
}

function create(...args: string[]): Promise<Created> {
  const out = `${target.state}/`
  return heliographJson(target, 'provider', 'key', 'create', '--team', TEAM, '--out', out, ...args)
}

function bearerOf({ keyId, file }: Created, teamId = TEAM): string {
  return `bearer ${makeToken({ keyId, teamId, key: createPrivateKey(readFileSync(file)) }, Date.now())}`
}

describe('a provider key', () => {
  it('sends to its own topics', async () => {
    const key = await create('com.example.other')
    expect(await requestByToken(target, { token }, bearerOf(key))).toMatchObject({
      status: 400,
      reason: 'TopicDisallowed',
    })
  })

  it('is written for its owner alone, as Apple writes it, and nowhere else', async () => {
    const { keyId, file } = await create('com.example.app')
    expect(file).toBe(join(target.state, `AuthKey_${keyId}.p8`))
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(readFileSync(file, 'utf8')).toMatch(/^-----BEGIN PRIVATE KEY-----\n/)
    expect(createPrivateKey(readFileSync(file)).asymmetricKeyDetails).toEqual({
      namedCurve: 'prime256v1',
    })
    const key = { keyId, file }
    expect((await requestByToken(target, { token }, bearerOf(key))).status).toBe(200)
    expect((await requestByToken(target, { token }, bearerOf(key, 'OTHERTEAM0'))).reason).toBe(
      'InvalidProviderToken',
    )
  })

  it('is what heliograph sends and reads the feedback with', async () => {
    const { file } = await create('com.example.app')
    const by = ['--key', file, '--team-id', TEAM, '--topic', 'com.example.app']
    const sent = await heliograph(target, ['send', '--token', token, ...by])
    expect(sent).toMatchObject({ code: 0, out: expect.stringContaining('200, accepted') })
    expect((await heliograph(target, ['feedback', ...by])).code).toBe(0)
    const foreign = ['--key', file, '--team-id', 'OTHERTEAM0', '--topic', 'com.example.app']
    const refused = await heliograph(target, ['send', '--token', token, ...foreign])
    expect(refused).toMatchObject({ code: 4, out: expect.stringContaining('InvalidProviderToken') })
  })

  it('that others can read is sent with, and its owner is told', async () => {
    const { file } = await create('com.example.app')
    const by = ['--key', file, '--team-id', TEAM, '--topic', 'com.example.app']
    const quiet = await heliograph(target, ['send', '--token', token, ...by])
    expect(quiet.err).toBe('')
    chmodSync(file, 0o644)
    const told = await heliograph(target, ['send', '--token', token, ...by])
    expect(told).toMatchObject({ code: 0, err: expect.stringContaining(`can read ${file}`) })
  })

  it('replaces no file, and makes nothing that it could not keep', async () => {
    const id = 'KEPT000001'
    const { file } = await create('com.example.app', '--key-id', id)
    const kept = readFileSync(file, 'utf8')
    const again = ['provider', 'key', 'create', 'com.example.app', '--team', TEAM, '--key-id', id]
    const refused = await heliograph(target, [...again, '--out', file])
    expect(refused).toMatchObject({ code: 4, err: expect.stringContaining('--force') })
    const taken = await heliograph(target, [...again, '--out', `${file}.other`])
    expect(taken).toMatchObject({ code: 4, err: expect.stringContaining('already') })
    expect(taken.err).toContain(`${file}.other was removed`)
    expect(existsSync(`${file}.other`)).toBe(false)
    expect(readFileSync(file, 'utf8')).toBe(kept)
  })

  it('that a team has is imported by its public half, and by nothing else', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const file = join(target.state, 'public.pem')
    const order = ['provider', 'key', 'import', 'com.example.app', '--team', TEAM]
    const importing = (pem: string | Buffer) => {
      writeFileSync(file, pem)
      return heliograph(target, [...order, '--key-id', 'IMPORTED01', '--public-key', file])
    }
    const secret = privateKey.export({ type: 'pkcs8', format: 'pem' })
    expect(await importing(secret)).toMatchObject({
      code: 2,
      err: expect.stringContaining('stays with its team'),
    })
    const other = generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey
    expect(await importing(other.export({ type: 'spki', format: 'pem' }))).toMatchObject({
      code: 2,
      err: expect.stringContaining('P-256'),
    })
    expect((await importing(publicKey.export({ type: 'spki', format: 'pem' }))).code).toBe(0)
    const identity = { keyId: 'IMPORTED01', teamId: TEAM, key: privateKey }
    const authorization = `bearer ${makeToken(identity, Date.now())}`
    expect((await requestByToken(target, { token }, authorization)).status).toBe(200)
  })

  it('makes its topics known to devices, and takes them along when it is revoked', async () => {
    const topic = 'com.example.keyed'
    const { device } = await openTestDevice(target)
    await device.connect()
    await expect(device.register(topic)).rejects.toThrow(/UnknownTopic/)
    const { keyId } = await create(topic)
    expect(await device.register(topic)).toMatch(/^[0-9a-f]{64}$/)
    await heliographJson(target, 'provider', 'key', 'revoke', keyId)
    await device.unregister(topic)
    await expect(device.register(topic)).rejects.toThrow(/UnknownTopic/)
    await device.close()
  })

  it('that is revoked is refused within the bound, and stays so', async () => {
    const key = await create('com.example.app')
    const authorization = bearerOf(key)
    const ask = () => requestByToken(target, { token }, authorization)
    expect((await ask()).status).toBe(200)
    const revoked = await heliographJson<{ revokedAt: number; effectiveBy: number }>(
      target,
      ...['provider', 'key', 'revoke', key.keyId],
    )
    expect(revoked.effectiveBy - revoked.revokedAt).toBe(30_000)
    await wait(TRUST_SECONDS * 1_000 + 100)
    expect(await ask()).toMatchObject({ status: 403, reason: 'InvalidProviderToken' })
    expect((await requestByToken(target, { token }, bearerOf(key))).status).toBe(403)
    const listed = await heliographJson<{ keyId: string; state: string }[]>(
      target,
      ...['provider', 'key', 'list'],
    )
    expect(listed.find(({ keyId }) => keyId === key.keyId)?.state).toBe('revoked')
    expect(listed.find(({ keyId }) => keyId === identityOf(target).keyId)?.state).toBe('live')
    expect(JSON.stringify(listed)).not.toContain('PRIVATE')
  })
})

it('doctor looks at the token domain', async () => {
  const { out } = await heliograph(target, ['doctor'])
  expect(out).toMatch(/ok +token edge HTTP\/2/)
  expect(out).toMatch(/ok +token edge authentication/)
})
