import type { ProviderKey } from '@heliograph/core/ports'
import type { ProviderKeyId, TeamId, Topic } from '@heliograph/protocol/identifiers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { now, SetClock } from './samples.ts'
import { type Target, targets } from './target.ts'

describe.each(targets)('provider keys: %s', (_name, open) => {
  let target: Target
  beforeAll(async () => {
    target = await open(new SetClock())
  })
  afterAll(() => target.close())

  const newKey = (keyId: string, ...topics: string[]): ProviderKey => ({
    keyId: keyId as ProviderKeyId,
    teamId: 'DEF123GHIJ' as TeamId,
    topics: topics as Topic[],
    publicKey: 'MFkw',
    createdAt: now,
  })
  const knows = (topic: string) => target.providerKeys.knowsTopic(topic as Topic)

  test('a key is on record, and its topics are known', async () => {
    const key = newKey('SAVED00001', 'com.example.saved', 'com.example.saved.voip')
    expect(await target.saveKey(key)).toBe(true)
    expect(await target.providerKeys.find(key.keyId)).toEqual(key)
    expect(await knows('com.example.saved.voip')).toBe(true)
  })

  test('what was never saved is neither on record nor known', async () => {
    expect(await target.providerKeys.find('NEVER00001' as ProviderKeyId)).toBeUndefined()
    expect(await knows('com.example.never')).toBe(false)
    expect(await target.revokeKey('NEVER00001' as ProviderKeyId, now)).toBeUndefined()
  })

  test('an id that is taken stays what it is, also once it is revoked', async () => {
    const key = newKey('TAKEN00001', 'com.example.taken')
    await target.saveKey(key)
    expect(await target.saveKey(newKey('TAKEN00001', 'com.example.thief'))).toBe(false)
    await target.revokeKey(key.keyId, now)
    expect(await target.saveKey(newKey('TAKEN00001', 'com.example.thief'))).toBe(false)
    expect(await target.providerKeys.find(key.keyId)).toEqual({ ...key, revokedAt: now })
    expect(await knows('com.example.thief')).toBe(false)
  })

  test('a revocation shows at once, and its first time stays', async () => {
    const key = newKey('REVOKED001', 'com.example.revoked')
    await target.saveKey(key)
    expect(await target.revokeKey(key.keyId, now + 5)).toMatchObject({ revokedAt: now + 5 })
    await target.revokeKey(key.keyId, now + 9)
    expect(await target.providerKeys.find(key.keyId)).toEqual({ ...key, revokedAt: now + 5 })
  })

  test('a topic is known as long as one live key names it', async () => {
    const [one, other] = [
      newKey('LIVE000001', 'com.example.live'),
      newKey('LIVE000002', 'com.example.live'),
    ]
    await target.saveKey(one)
    await target.saveKey(other)
    await target.revokeKey(one.keyId, now)
    expect(await knows('com.example.live')).toBe(true)
    await target.revokeKey(other.keyId, now)
    expect(await knows('com.example.live')).toBe(false)
  })
})
