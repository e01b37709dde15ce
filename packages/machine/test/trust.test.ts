import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ringOf } from '@heliograph/core/token/key-ring'
import { expect, test } from 'vitest'
import { openStore } from '../src/store/store.ts'
import { GRACE_MS, ROTATION_MS, rotateWhenDue } from '../src/trust/rotation.ts'
import { openTrust } from '../src/trust/trust.ts'
import { systemIds } from '../src/world.ts'
import { key, openForTest, temporaryFolder } from './folder.ts'

const clock = { now: () => Date.now() }
const ids = systemIds()

test('both CAs and a token key are made on the first start, and found on the next', async () => {
  const folder = temporaryFolder()
  const first = await openStore({ folder, key })
  const made = await openTrust({ ...first, clock, ids, stage: 'test' })
  const [tokenKey] = await first.ring.keys()
  await first.close()
  const second = await openStore({ folder, key })
  const found = await openTrust({ ...second, clock, ids, stage: 'test' })
  for (const name of ['provider', 'device'] as const) {
    expect(found[name].authority).toEqual(made[name].authority)
    const certificate = new X509Certificate(found[name].authority.certificate)
    expect(certificate.verify(certificate.publicKey)).toBe(true)
    expect(certificate.subject).toContain(`Heliograph test ${name} CA`)
    // the key found is the one that the certificate was made for
    expect(new Uint8Array(await found[name].key.publicKey())).toEqual(
      new Uint8Array(certificate.publicKey.export({ type: 'spki', format: 'der' })),
    )
  }
  expect(await second.ring.keys()).toEqual([tokenKey])
  await second.close()
})

test('the algorithms are those of the design: RSA-2048 for providers, P-256 for devices', async () => {
  const store = await openForTest()
  const trust = await openTrust({ ...store, clock, ids, stage: 'test' })
  const detailsOf = (pem: string) => new X509Certificate(pem).publicKey.asymmetricKeyDetails
  expect(detailsOf(trust.provider.authority.certificate)).toMatchObject({ modulusLength: 2048 })
  expect(detailsOf(trust.device.authority.certificate)).toMatchObject({ namedCurve: 'prime256v1' })
})

test('no key is on disk in the clear', async () => {
  const folder = temporaryFolder()
  const store = await openStore({ folder, key })
  await openTrust({ ...store, clock, ids, stage: 'test' })
  const [tokenKey] = await store.ring.keys()
  await store.close()
  const disk = readFileSync(join(folder, 'store.mdb'))
  const secret = Buffer.from(tokenKey?.key ?? [])
  expect(secret).toHaveLength(64)
  for (const form of [secret, secret.toString('base64'), secret.toString('hex')])
    expect(disk.includes(form)).toBe(false)
  expect(disk.includes('PRIVATE KEY')).toBe(false)
})

test('a token key is rotated when it is due, and counts at once', async () => {
  const store = await openForTest()
  const time = { at: Date.parse('2030-01-01'), now: () => time.at }
  const ports = { ...store, clock: time, ids }
  await openTrust({ ...ports, stage: 'test' })
  const [first] = await store.ring.keys()
  time.at += ROTATION_MS - 1
  expect(await rotateWhenDue(ports)).toBeUndefined()
  time.at += 1
  const rotation = await rotateWhenDue(ports)
  expect(await rotateWhenDue(ports)).toBeUndefined()
  const both = await store.ring.keys()
  expect(both.map(({ id, state }) => [id, state])).toEqual([
    [rotation?.created, 'primary'],
    [first?.id, 'accepted'],
  ])
  await store.tokenKeys.retire(first?.id as never, time.at)
  expect((await store.ring.keys()).map(({ id }) => id)).toEqual([rotation?.created])
})

test('an old token key is retired when its grace time is over', async () => {
  const store = await openForTest()
  const time = { at: Date.parse('2030-01-01'), now: () => time.at }
  const ports = { ...store, clock: time, ids }
  await openTrust({ ...ports, stage: 'test' })
  time.at += ROTATION_MS
  await rotateWhenDue(ports)
  time.at += GRACE_MS
  await rotateWhenDue(ports)
  const states = ringOf(await store.tokenKeys.list()).map(({ state }) => state)
  expect(states).toEqual(['primary', 'accepted', 'retired'])
})
