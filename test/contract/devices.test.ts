import { MAX_CERTIFICATES } from '@heliograph/core/devices/device-record'
import type { DeviceCertificate } from '@heliograph/core/ports'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newDevice, now, SetClock } from './samples.ts'
import { type Target, targets } from './target.ts'

const certificate = (id: string, keyHash = `key of ${id}`): DeviceCertificate => ({
  certificateId: id,
  keyHash,
  certificate: `PEM of ${id}`,
  notAfter: now + 1_000,
})
const idsOf = (record?: { readonly certificates: readonly DeviceCertificate[] }) =>
  record?.certificates.map(({ certificateId }) => certificateId)

describe.each(targets)('devices: %s', (_name, open) => {
  let target: Target
  beforeAll(async () => {
    target = await open(new SetClock())
  })
  afterAll(() => target.close())

  test('a first certificate makes the device', async () => {
    const deviceId = newDevice()
    expect(await target.devices.find(deviceId)).toBeUndefined()
    const record = { deviceId, activatedAt: now, certificates: [certificate('a')] }
    expect(await target.devices.addCertificate(deviceId, certificate('a'), now)).toEqual(record)
    expect(await target.devices.find(deviceId)).toEqual(record)
  })

  test('certificates that come at the same time are all kept', async () => {
    const deviceId = newDevice()
    const add = (id: string) => target.devices.addCertificate(deviceId, certificate(id), now)
    for (const record of await Promise.all(['a', 'b', 'c'].map(add)))
      expect(record).toMatchObject({ deviceId, activatedAt: now })
    expect(idsOf(await target.devices.find(deviceId))?.sort()).toEqual(['a', 'b', 'c'])
  })

  test('the newest is first; a key has one, whoever comes later', async () => {
    const deviceId = newDevice()
    const { devices } = target
    await devices.addCertificate(deviceId, certificate('a'), now)
    await devices.addCertificate(deviceId, certificate('b'), now + 1)
    const again = await devices.addCertificate(deviceId, certificate('c', 'key of a'), now + 2)
    expect(idsOf(again)).toEqual(['b', 'a'])
    expect(await devices.find(deviceId)).toMatchObject({ activatedAt: now })
  })

  test('there are no more than so many', async () => {
    const deviceId = newDevice()
    for (let n = 0; n < MAX_CERTIFICATES; n += 1)
      await target.devices.addCertificate(deviceId, certificate(`${n}`), now)
    const more = target.devices.addCertificate(deviceId, certificate('more'), now)
    await expect(more).rejects.toThrow('3 certificates already')
    const known = await target.devices.addCertificate(deviceId, certificate('0'), now)
    expect(idsOf(known)).toEqual(['2', '1', '0'])
  })

  test('of many at once, one for each key is kept, and no more than there may be', async () => {
    const deviceId = newDevice()
    const adding = Array.from({ length: 6 }, (_, n) =>
      target.devices.addCertificate(deviceId, certificate(`${n}`, `key ${n % 2}`), now),
    )
    await Promise.allSettled(adding)
    expect(idsOf(await target.devices.find(deviceId))).toHaveLength(2)
  })

  test('one that IoT Core knows is marked, and others are forgotten', async () => {
    const deviceId = newDevice()
    await target.devices.addCertificate(deviceId, certificate('a'), now)
    await target.devices.addCertificate(deviceId, certificate('b'), now)
    const confirmed = await target.devices.confirmCertificate(deviceId, 'b')
    expect(confirmed?.certificates.map(({ admitted = false }) => admitted)).toEqual([true, false])
    expect(confirmed).toMatchObject((await target.devices.find(deviceId)) ?? {})
    await target.devices.forgetCertificates(deviceId, ['a', 'unknown'])
    expect(idsOf(await target.devices.find(deviceId))).toEqual(['b'])
  })

  test('a renewal begins once after the one before', async () => {
    const deviceId = newDevice()
    const { devices } = target
    const renewal = (n: number) => ({ keyHash: `key ${n}`, startedAt: now + n })
    expect(await devices.beginRenewal(deviceId, renewal(1), undefined)).toBe(false)
    await devices.addCertificate(deviceId, certificate('a'), now)
    const begun = await Promise.all(
      [1, 2].map((n) => devices.beginRenewal(deviceId, renewal(n), undefined)),
    )
    expect(begun.sort()).toEqual([false, true])
    const { renewal: winner } = (await devices.find(deviceId)) ?? {}
    expect(await devices.beginRenewal(deviceId, renewal(3), undefined)).toBe(false)
    expect(await devices.beginRenewal(deviceId, renewal(3), winner)).toBe(true)
    expect(await devices.find(deviceId)).toMatchObject({ renewal: renewal(3) })
  })

  test('a revoked one gets nothing more, and keeps its first time', async () => {
    const deviceId = newDevice()
    const { devices } = target
    expect(await target.revokeDevice(deviceId, now)).toBeUndefined()
    await devices.addCertificate(deviceId, certificate('a'), now)
    expect(await target.revokeDevice(deviceId, now + 1)).toMatchObject({ revokedAt: now + 1 })
    await target.revokeDevice(deviceId, now + 2)
    const add = devices.addCertificate(deviceId, certificate('b'), now)
    await expect(add).rejects.toThrow('has been revoked')
    const renewal = { keyHash: 'key', startedAt: now }
    expect(await devices.beginRenewal(deviceId, renewal, undefined)).toBe(false)
    expect(await devices.confirmCertificate(deviceId, 'a')).toMatchObject({ revokedAt: now + 1 })
    await devices.forgetCertificates(deviceId, ['a'])
    expect(idsOf(await devices.find(deviceId))).toEqual(['a'])
  })
})

describe.each(targets)('activations: %s', (_name, open) => {
  let target: Target
  beforeAll(async () => {
    target = await open(new SetClock())
  })
  afterAll(() => target.close())

  test('a code is bound to the first key that redeems it', async () => {
    const [mine, other] = [newDevice(), newDevice()]
    await target.invite('code', now + 60_000)
    expect(await target.activations.find('another')).toBeUndefined()
    const code = await target.activations.find('code')
    expect(code).toEqual({ codeHash: 'code', expiresAt: now + 60_000, reusable: false })
    if (!code) return
    expect(await target.activations.redeem(code, 'key', mine)).toBe(mine)
    expect(await target.activations.redeem(code, 'key', other)).toBe(mine)
    expect(await target.activations.redeem(code, 'another key', other)).toBeUndefined()
    const boundTo = { keyHash: 'key', deviceId: mine }
    expect(await target.activations.find('code')).toEqual({ ...code, boundTo })
  })

  test('of keys that redeem a code at the same time, one gets it', async () => {
    await target.invite('contested', now + 60_000)
    const code = await target.activations.find('contested')
    if (!code) throw new Error('the code is not there')
    const keys = Array.from({ length: 10 }, (_, index) => `key ${index}`)
    const given = await Promise.all(
      keys.map((key) => target.activations.redeem(code, key, newDevice())),
    )
    const winners = keys.filter((_, index) => given[index] !== undefined)
    expect(winners).toHaveLength(1)
    const boundTo = { keyHash: winners[0], deviceId: given.find((one) => one !== undefined) }
    expect(await target.activations.find('contested')).toMatchObject({ boundTo })
  })

  test('one key that redeems a code twice at the same time gets one device', async () => {
    await target.invite('repeated', now + 60_000)
    const code = await target.activations.find('repeated')
    if (!code) throw new Error('the code is not there')
    const given = await Promise.all(
      Array.from({ length: 10 }, () => target.activations.redeem(code, 'key', newDevice())),
    )
    expect(new Set(given).size).toBe(1)
    expect(given[0]).toBeDefined()
  })

  test('a reusable one gives each key its device', async () => {
    const [mine, other] = [newDevice(), newDevice()]
    await target.invite('reusable', now + 60_000, true)
    const code = await target.activations.find('reusable')
    if (!code) throw new Error('the code is not there')
    expect(await target.activations.redeem(code, 'key', mine)).toBe(mine)
    expect(await target.activations.redeem(code, 'another key', other)).toBe(other)
    expect(await target.activations.redeem(code, 'key', other)).toBe(mine)
    expect(await target.activations.find('reusable')).toEqual(code)
  })

  test('places in a second are numbered, and what is behind is told to wait', async () => {
    const take = () => target.pace.take(now)
    expect([await take(), await take(), await take(), await take(), await take()]).toEqual([
      0, 0, 1, 1, 2,
    ])
    expect(await target.pace.take(now + 1_000)).toBe(0)
  })
})
