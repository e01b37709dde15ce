import { fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, mkdirSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { slotName } from '@heliograph/core/delivery/slot-name'
import type { Notification } from '@heliograph/core/notification'
import { type Outcome, outcomeOf } from '@heliograph/core/outcome'
import type { DeviceId, Fingerprint, NotificationId, Topic } from '@heliograph/protocol/identifiers'
import { expect, test } from 'vitest'
import { later, notification, now } from '../../../test/contract/samples.ts'
import { OPERATOR_SOCKET } from '../src/state-files.ts'
import { openEnvironment } from '../src/store/environment.ts'
import { expiriesIn } from '../src/store/expiries.ts'
import { openFormat, type Upgrade } from '../src/store/format.ts'
import { openStore } from '../src/store/store.ts'
import { vaultUnder } from '../src/trust/vault.ts'
import { systemIds } from '../src/world.ts'
import { key, openForTest, temporaryFolder } from './folder.ts'

test('what was written is there for the next process, and for its owner only', async () => {
  const folder = join(temporaryFolder(), 'state')
  const first = await openStore({ folder, key })
  await first.activations.add({ codeHash: 'c', expiresAt: 9e9, createdAt: 1, reusable: false })
  await first.close()
  const second = await openStore({ folder, key })
  expect(await second.activations.find('c')).toMatchObject({ codeHash: 'c' })
  await second.close()
  expect(statSync(folder).mode & 0o777).toBe(0o700)
  for (const file of ['store.mdb', 'store.mdb-lock'])
    expect(statSync(join(folder, file)).mode & 0o777, file).toBe(0o600)
})

test('a folder that everybody may write to is refused: its files could be exchanged', async () => {
  const folder = temporaryFolder()
  chmodSync(folder, 0o777)
  await expect(openStore({ folder, key })).rejects.toThrow(`chmod 700 ${folder}`)
  chmodSync(folder, 0o755)
  await (await openStore({ folder, key })).close()
})

test('a state folder has one process: another hears which, and the first goes on', async () => {
  const folder = temporaryFolder()
  const store = await openStore({ folder, key })
  await expect(openStore({ folder, key })).rejects.toThrow(
    `in use by process ${process.pid}: stop it`,
  )
  const child = fork(new URL('child/hold.ts', import.meta.url), [folder], {
    execArgv: ['--import', 'tsx', '--conditions=heliograph'],
    env: { ...process.env, KEY: Buffer.from(key).toString('hex') },
  })
  expect(await once(child, 'message')).toEqual([
    expect.stringContaining(`in use by process ${process.pid}`),
    undefined,
  ])
  await store.close()
  child.send('again')
  expect(await once(child, 'message')).toEqual(['open', undefined])
  await expect(openStore({ folder, key })).rejects.toThrow(`in use by process ${child.pid}`)
  child.kill('SIGKILL')
  await once(child, 'exit')
  // what a killed process held is taken over
  await (await openStore({ folder, key })).close()
})

test('a process of another container is known by its socket', async () => {
  const folder = temporaryFolder()
  await (await openStore({ folder, key })).close()
  const environment = openEnvironment({ folder })
  const elsewhere = { pid: 1, started: '1', boot: 'x', namespace: 'pid:[1]' }
  await environment.change(() => void environment.table('meta').put('holder', elsewhere))
  await environment.close()
  const server = createServer().listen(join(folder, OPERATOR_SOCKET))
  await once(server, 'listening')
  await expect(openStore({ folder, key })).rejects.toThrow('in use by process 1')
  server.close()
  await (await openStore({ folder, key })).close()
})

test('another key opens nothing, and changes nothing', async () => {
  const folder = temporaryFolder()
  await (await openStore({ folder, key })).close()
  await expect(openStore({ folder, key: randomBytes(32) })).rejects.toThrow(
    'the state folder does not open with this key: give the key that the state folder was made with',
  )
  await (await openStore({ folder, key })).close()
})

test('a folder of a newer version is refused before anything is read from it', async () => {
  const folder = temporaryFolder()
  const environment = openEnvironment({ folder })
  const vault = vaultUnder(key)
  await openFormat(environment, vault, 0, [() => {}, () => {}])
  await expect(openFormat(environment, vault, 0, [])).rejects.toThrow(
    'has format 3, and this version of heliograph reads up to 1: install the newer version',
  )
  await environment.close()
})

test('an older folder is brought up to date, step by step, each step once', async () => {
  const environment = openEnvironment({ folder: temporaryFolder() })
  const vault = vaultUnder(key)
  const table = environment.table<string[], string>('steps')
  const step =
    (name: string): Upgrade =>
    () =>
      void table.put('taken', [...(table.get('taken') ?? []), name])
  await openFormat(environment, vault, 7, [])
  expect(await openFormat(environment, vault, 8, [step('a'), step('b')])).toMatchObject({
    version: 3,
    createdAt: 7,
  })
  await openFormat(environment, vault, 9, [step('a'), step('b'), step('c')])
  expect(table.get('taken')).toEqual(['a', 'b', 'c'])
  await environment.close()
})

test('a step that fails leaves the version before it', async () => {
  const environment = openEnvironment({ folder: temporaryFolder() })
  const vault = vaultUnder(key)
  await openFormat(environment, vault, 0, [])
  const broken: Upgrade = () => {
    throw new Error('no')
  }
  await expect(openFormat(environment, vault, 0, [() => {}, broken])).rejects.toThrow('no')
  expect(environment.table<{ version: number }, string>('meta').get('format')?.version).toBe(2)
  await environment.close()
})

test('a file that is not a database is refused with its name', async () => {
  const folder = temporaryFolder()
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'store.mdb'), randomBytes(20_000))
  await expect(openStore({ folder, key })).rejects.toThrow(/store.mdb is not a database/)
  truncateSync(join(folder, 'store.mdb'), 5_000)
  await expect(openStore({ folder, key })).rejects.toThrow(/store.mdb is not a database/)
})

test('the sweep takes what is over, and what was written again stays', async () => {
  const clock = { time: 1_000_000, now: () => clock.time }
  const store = await openForTest({ clock })
  const claim = { id: 'a', deviceId: 'd', topic: 't', seq: '1' } as never
  await store.claims.claim(claim)
  clock.time += 300_000
  await store.claims.claim(claim)
  clock.time += 300_000
  // the first note is due, but the claim was renewed
  expect(await store.sweep(clock.time, 10)).toBe(1)
  clock.time += 299_999
  expect(await store.sweep(clock.time, 10)).toBe(0)
  clock.time += 1
  expect(await store.sweep(clock.time, 10)).toBe(1)
  expect([...store.environment.table('claims').getKeys()]).toEqual([])
})

test('a registration that is remembered changes when it is said to have', async () => {
  const { registrations } = await openForTest()
  const deviceId = '0123456789abcdef' as DeviceId
  const topic = 'com.example.app' as Topic
  const isLive = async () => (await registrations.find(deviceId, topic))?.live
  expect(await isLive()).toBeUndefined()
  await registrations.change(deviceId, topic, true, 1)
  expect(await isLive()).toBe(true)
  const ending = registrations.change(deviceId, topic, false, 2)
  // somebody asks while it is being written
  for (let n = 0; n < 3; n += 1) await isLive()
  await ending
  expect(await isLive()).toBe(false)
  await registrations.noteExpiry(deviceId, topic, 2)
  expect(await registrations.findAll([{ deviceId, topic }])).toMatchObject([{ expiredAt: 2 }])
})

test('a provider certificate that was revoked is so for the next process', async () => {
  const folder = join(temporaryFolder(), 'state')
  const fingerprint = 'f'.repeat(64) as Fingerprint
  const [notBefore, notAfter, issuedAt] = [1, 9e12, 1]
  const names = {
    topics: ['com.example.app' as Topic],
    serial: '01',
    subject: 'UID=com.example.app',
  }
  const first = await openStore({ folder, key })
  await first.providers.save({ fingerprint, ...names, notBefore, notAfter, issuedAt })
  await first.providers.revoke(fingerprint, 5, 'keyCompromise')
  await first.close()
  const second = await openStore({ folder, key })
  const revoked = { fingerprint, revokedAt: 5, revocationReason: 'keyCompromise' }
  expect(await second.providers.find(fingerprint)).toMatchObject(revoked)
  expect(await second.providers.list()).toMatchObject([revoked])
  await second.close()
})

test('slots are found once their second has come, the earliest first, as they are by then', async () => {
  const { pending } = await openForTest()
  const until = (second: number, more: Partial<Notification> = {}) =>
    notification({ ...more, expiration: second })
  const inLine = { perCollapseId: 3 }
  const [last, first] = [until(1_003), until(1_001, inLine)]
  const beside = { ...until(1_002, inLine), deviceId: first.deviceId, seq: later(first).seq }
  // its slot is taken over by one that lives longer
  const old = until(1_001)
  const newer = later(old, 1, { expiration: 1_004 })
  for (const one of [last, first, beside, old, newer]) await pending.put(one, 1_000_000)
  const found = (nowMs: number, limit = 10) => pending.expired(nowMs, limit)
  expect(found(1_000_999)).toEqual([])
  expect(found(1_001_000)).toEqual([first])
  expect(found(1_003_999)).toEqual([first, beside, last])
  expect(found(1_003_999, 2)).toEqual([first, beside])
  expect(found(9_000_000).at(-1)).toEqual(newer)
  await pending.remove(first.deviceId, slotName(first), first.seq)
  expect(found(1_003_999)).toEqual([beside, last])
})

test('a slot that cannot be read is told with what to do, and not taken for none', async () => {
  const store = await openForTest()
  const deviceId = '0123456789abcdef' as DeviceId
  const topic = 'com.example.app' as Topic
  const slots = store.environment.table<string, [DeviceId, Topic]>('pending')
  await store.environment.change(() => void slots.put([deviceId, topic], '{"id":'))
  const trouble = /pending notification that cannot be read: restore a backup/
  await expect(store.pending.find(deviceId, topic)).rejects.toThrow(trouble)
  await expect(store.pending.list(deviceId)).rejects.toThrow(trouble)
})

const outcome = (uniqueId: string, kind: 'accepted' | 'delivered', at: number) =>
  ({ id: `ID-${uniqueId}`, uniqueId, kind, at, age: 0 }) as never as Outcome

test('receipts that were written together are a row for each notification, and all go at their second', async () => {
  const clock = { time: 1_000_000, now: () => clock.time }
  const store = await openForTest({ clock })
  const kinds = async (id: string) =>
    (await store.receipts.find(id as NotificationId)).map(({ kind }) => kind)
  await store.receipts.write([
    outcome('a', 'accepted', 1),
    outcome('b', 'accepted', 2),
    outcome('a', 'delivered', 3),
  ])
  await store.receipts.write([outcome('b', 'delivered', 4)])
  const rows = store.environment.table('receipts')
  expect([...rows.getKeys()]).toEqual([
    ['a', '1 accepted'],
    ['b', '2 accepted'],
    ['b', '4 delivered'],
  ])
  expect(await kinds('id-a')).toEqual(['accepted', 'delivered'])
  expect(await kinds('b')).toEqual(['accepted', 'delivered'])
  clock.time += 7 * 24 * 3600_000 - 1_000
  expect(await store.sweep(clock.time, 100)).toBe(0)
  clock.time += 1_000
  expect(await store.sweep(clock.time, 100)).toBe(6)
  for (const name of ['receipts', 'receipts by apns-id', 'expiries'])
    expect([...store.environment.table(name).getKeys()]).toEqual([])
})

test('an id that serves as both has one row', async () => {
  const { receipts, environment } = await openForTest()
  const uniqueId = systemIds().uuid()
  const id = uniqueId.toUpperCase() as NotificationId
  const replaced = notification({ id, uniqueId, idFromProvider: false })
  const one = outcomeOf('coalesced', replaced, now, { uniqueId: 'another' })
  await receipts.write([one])
  expect([...environment.table('receipts by apns-id').getKeys()]).toEqual([])
  for (const asked of [id, uniqueId as NotificationId])
    expect(await receipts.find(asked)).toEqual([one])
})

test.each([
  ['1', { outcome: outcome('a', 'accepted', 1) }],
  ['2', { outcomes: [outcome('a', 'accepted', 1)] }],
])('what format %s kept of receipts is read, and expires', async (_format, content) => {
  const clock = { time: 1_000_000, now: () => clock.time }
  const store = await openForTest({ clock })
  const { environment } = store
  await environment.change(() => {
    environment.table('receipts').put(['a', '1 accepted'], { ...content, expiresAt: 2_000 })
    environment.table('expiries').put([2_000, 'receipts', 'a', '1 accepted'], 1)
  })
  expect(await store.receipts.find('a' as NotificationId)).toMatchObject([{ kind: 'accepted' }])
  clock.time = 2_000_000
  expect(await store.sweep(clock.time, 100)).toBe(1)
  expect([...environment.table('receipts').getKeys()]).toEqual([])
})

test('a sweep stops at the note with which it has enough, and the next one goes on', async () => {
  const clock = { time: 1_000_000, now: () => clock.time }
  const { environment, sweep } = await openForTest({ clock })
  const expiries = expiriesIn(environment)
  await environment.change(() => {
    for (const second of [10, 11, 12])
      expiries.noteAll(
        second,
        [1, 2, 3].map((n) => ['receipts', `${second}`, `${n}`]),
      )
    // the same first row again in the same second
    expiries.noteAll(12, [
      ['receipts', '12', '1'],
      ['receipts', '12', '4'],
    ])
  })
  expect(await sweep(clock.time, 4)).toBe(6)
  expect(await sweep(clock.time, 4)).toBe(4)
  expect(await sweep(clock.time, 4)).toBe(0)
})
