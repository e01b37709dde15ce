import { randomBytes } from 'node:crypto'
import type { Fingerprint, Topic } from '@heliograph/protocol/identifiers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { now, SetClock } from './samples.ts'
import { type Target, targets } from './target.ts'

describe.each(targets)('providers: %s', (_name, open) => {
  let target: Target
  beforeAll(async () => {
    target = await open(new SetClock())
  })
  afterAll(() => target.close())

  const newRecord = (topic: string) => ({
    fingerprint: randomBytes(32).toString('hex') as Fingerprint,
    topics: [topic, `${topic}.voip`] as Topic[],
    serial: '1',
    subject: `UID=${topic}`,
    notBefore: now,
    notAfter: now + 1,
    issuedAt: now,
  })

  test('an issued certificate is on record, and its topics are known', async () => {
    const record = newRecord('com.example.issued')
    await target.issue(record)
    expect(await target.providers.find(record.fingerprint)).toEqual(record)
    expect(await target.providers.knowsTopic('com.example.issued.voip' as Topic)).toBe(true)
  })

  test('what was never issued is neither on record nor known', async () => {
    const { fingerprint } = newRecord('com.example.never')
    expect(await target.providers.find(fingerprint)).toBeUndefined()
    expect(await target.providers.knowsTopic('com.example.never' as Topic)).toBe(false)
  })

  test('a revocation shows at once', async () => {
    const record = newRecord('com.example.revoked')
    await target.issue(record)
    await target.revoke(record.fingerprint, now + 5)
    const revoked = { ...record, revokedAt: now + 5 }
    expect(await target.providers.find(record.fingerprint)).toMatchObject(revoked)
  })
})
