import { expect, test } from 'vitest'
import { newDevice, now } from '../../../test/contract/samples.ts'
import {
  MAX_CERTIFICATES,
  newDeviceRecord,
  withAdmitted,
  withCertificate,
  without,
} from '../src/devices/device-record.ts'
import type { DeviceCertificate } from '../src/ports.ts'

const certificate = (id: string, keyHash = `key of ${id}`): DeviceCertificate => ({
  ...{ certificateId: id, keyHash, certificate: `PEM of ${id}`, notAfter: now },
})
const fresh = newDeviceRecord(newDevice(), now)
const grown = (...ids: string[]) =>
  ids.reduce((device, id) => withCertificate(device, certificate(id)), fresh)
const idsOf = (certificates: readonly DeviceCertificate[]) =>
  certificates.map(({ certificateId }) => certificateId)

test('a new device has no certificate', () => {
  const { deviceId, ...rest } = fresh
  expect(rest).toEqual({ activatedAt: now, certificates: [] })
})

test('the newest certificate is first, and a key has one', () => {
  const device = grown('a', 'b')
  expect(device).toEqual({ ...fresh, certificates: [certificate('b'), certificate('a')] })
  expect(withCertificate(device, certificate('c', 'key of a'))).toBe(device)
})

test('there are as many as there may be, and no more; the keys that have one still do', () => {
  const ids = Array.from({ length: MAX_CERTIFICATES }, (_, n) => `${n}`)
  const full = grown(...ids)
  expect(full.certificates).toHaveLength(3)
  expect(() => withCertificate(full, certificate('more'))).toThrow('3 certificates already')
  expect(withCertificate(full, certificate('again', 'key of 0'))).toBe(full)
})

test('a revoked device gets none, not even one that it has', () => {
  const revoked = { ...grown('a'), revokedAt: 0 }
  expect(() => withCertificate(revoked, certificate('b'))).toThrow('has been revoked')
  expect(() => withCertificate(revoked, certificate('a'))).toThrow('has been revoked')
})

test('one is marked as admitted, and some are left out', () => {
  const { certificates } = grown('a', 'b', 'c')
  expect(withAdmitted(certificates, 'b')).toEqual([
    certificate('c'),
    { ...certificate('b'), admitted: true },
    certificate('a'),
  ])
  expect(idsOf(without(certificates, ['a', 'c', 'unknown']))).toEqual(['b'])
})
