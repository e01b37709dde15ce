import { describe, expect, test } from 'vitest'
import { newDevice, now } from '../../../test/contract/samples.ts'
import {
  decideRenewal,
  RENEWAL_PAUSE_MS,
  RENEWAL_UNDERWAY_MS,
  RETIRED_AT_ONCE,
  renew,
} from '../src/devices/renew.ts'
import type { DeviceRecord } from '../src/ports.ts'
import { certificate, Enrollment, idOf, requests } from './enrollment-support.ts'

const device = (names: string[], renewal?: DeviceRecord['renewal']): DeviceRecord => ({
  deviceId: newDevice(),
  activatedAt: now,
  certificates: names.map((name) => certificate(name)),
  ...(renewal && { renewal }),
})
const begun = (ago: number, keyHash = 'mine') => ({ keyHash, startedAt: now - ago })
const decide = (record: DeviceRecord, key = 'mine', inUse = 'first') => {
  const decision = decideRenewal(record, key, inUse, now)
  if (typeof decision === 'string') return decision
  return { ...decision, retire: decision.retire.map(({ certificateId }) => certificateId) }
}

describe('a renewal', () => {
  test('goes on where there was none, and for the same key once the first try is over', () => {
    const free = { retire: [], isEnough: true }
    expect(decide(device(['first']))).toEqual(free)
    expect(decide(device(['first'], begun(RENEWAL_UNDERWAY_MS)))).toEqual(free)
    expect(decide(device(['first'], begun(RENEWAL_PAUSE_MS, 'other')))).toEqual(free)
  })

  test('is under way once, and then there is none for another key for an hour', () => {
    expect(decide(device(['first'], begun(RENEWAL_UNDERWAY_MS - 1)))).toBe('underway')
    expect(decide(device(['first'], begun(0, 'other')))).toBe('tooSoon')
    expect(decide(device(['first'], begun(RENEWAL_PAUSE_MS - 1, 'other')))).toBe('tooSoon')
  })

  test('takes the place of the oldest that is not in use; the same key needs none', () => {
    const full = device(['new', 'lost', 'first'])
    expect(decide(full)).toEqual({ retire: ['lost'], isEnough: true })
    expect(decide(full, 'mine', 'new')).toEqual({ retire: ['first'], isEnough: true })
    expect(decide(full, 'key of lost')).toEqual({ retire: [], isEnough: true })
  })

  test('makes room step by step in a record that an earlier version let grow', () => {
    const names = Array.from({ length: 400 }, (_, index) => `other ${index}`)
    const decision = decide(device([...names, 'first']))
    expect(decision).toMatchObject({ isEnough: false })
    expect(decision).toHaveProperty('retire.length', RETIRED_AT_ONCE)
  })
})

describe('a device that asks for a renewal', () => {
  const deviceId = newDevice()
  const pem = '-----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----\n'
  const [{ csr, keyHash }] = requests as [{ csr: string; keyHash: string }]
  const errorOf = (reason: string) => ({
    deviceId,
    topic: 'heliograph/error',
    message: expect.objectContaining({ request: { kind: 'renew' }, reason }),
  })

  /** A device with these certificates, newest first, connected with that of the name `first`. */
  function enrolled(names = ['first'], changes: Partial<DeviceRecord> = {}) {
    const enrollment = new Enrollment()
    enrollment.devices.put({ ...device(names), deviceId, ...changes })
    const ask = (body: Record<string, unknown> | undefined, certificateId = 'first') =>
      renew({ deviceId, receivedAt: now, certificateId, body }, enrollment.ports)
    const known = async () => {
      const { certificates = [] } = (await enrollment.devices.find(deviceId)) ?? {}
      return certificates.map(({ certificateId }) => certificateId)
    }
    return { enrollment, ask, known }
  }

  test('is told a certificate for the new key, and the old one stays good', async () => {
    const { enrollment, ask, known } = enrolled()
    expect(await ask({ csr })).toBe('renewed')
    const [{ topic, message }] = enrollment.told as [(typeof enrollment.told)[number]]
    expect(topic).toBe('heliograph/certificate')
    const id = idOf(String(message.certificate))
    expect(await known()).toEqual([id, 'first'])
    expect(enrollment.registry).toEqual([`admit ${id}`])
    expect(enrollment.iot.letsIn(deviceId, id)).toBe(true)
    const renewal = { keyHash, startedAt: now }
    expect(await enrollment.devices.find(deviceId)).toMatchObject({ renewal })
  })

  test('again gets the same without another step', async () => {
    const { enrollment, ask } = enrolled()
    await ask({ csr })
    expect(await ask({ csr })).toBe('renewed')
    expect(enrollment.told[1]).toEqual(enrollment.told[0])
    expect(enrollment.registry).toHaveLength(1)
  })

  test.each(['offline', 'busy', 'refused'] as const)('and is %s has not heard it', async (told) => {
    const { enrollment, ask } = enrolled()
    enrollment.answer = told
    expect(await ask({ csr })).toBe('unheard')
  })

  test.each([
    ['without a request', undefined, {}],
    ['with what is not a request', { csr: 'none' }, {}],
    ['and is revoked', { csr }, { revokedAt: now }],
  ])('%s is refused', async (_case, body, changes) => {
    const { enrollment, ask } = enrolled(['first'], changes)
    expect(await ask(body)).toBe('refused')
    expect(enrollment.told).toEqual([errorOf('BadCertificateRequest')])
    expect(enrollment.registry).toEqual([])
  })

  test('and is not on record is refused', async () => {
    const { ports, told } = new Enrollment()
    expect(await renew({ deviceId, receivedAt: now, body: { csr } }, ports)).toBe('refused')
    expect(told).toEqual([errorOf('BadCertificateRequest')])
  })

  test('for another key within the hour is refused, before the CA or IoT Core is asked', async () => {
    const { enrollment, ask } = enrolled(['first'], { renewal: begun(0, 'other') })
    expect(await ask({ csr })).toBe('refused')
    expect(enrollment.told).toEqual([errorOf('TooManyRenewals')])
    expect(enrollment.registry).toEqual([])
  })

  test('while its renewal is under way is told nothing', async () => {
    const { enrollment, ask } = enrolled(['first'], { renewal: begun(0, keyHash) })
    expect(await ask({ csr })).toBe('underway')
    expect(enrollment.told).toEqual([])
  })

  test('goes on with the certificate that an earlier try left, though a newer one is on record', async () => {
    const renewal = begun(RENEWAL_UNDERWAY_MS, keyHash)
    const { enrollment, ask } = enrolled(['first'], { renewal })
    const { admitted: _, ...mine } = { ...certificate('mine', keyHash), certificate: pem }
    const certificates = [certificate('newer'), mine, certificate('first')]
    const record = { ...device([], renewal), deviceId, certificates }
    enrollment.devices.put(record)
    expect(await ask({ csr })).toBe('renewed')
    expect(enrollment.told).toMatchObject([{ message: { certificate: pem } }])
    expect(enrollment.registry).toEqual([`admit ${idOf(pem)}`])
    expect(enrollment.signatures).toBe(0)
  })

  test('and has room for one more loses none, nor is its record written for it', async () => {
    const { enrollment, ask } = enrolled()
    enrollment.devices.forgetCertificates = () => Promise.reject(new Error('forgotten'))
    expect(await ask({ csr })).toBe('renewed')
  })

  test('many times at once gets one certificate', async () => {
    const { enrollment, ask } = enrolled()
    const results = await Promise.all([ask({ csr }), ask({ csr }), ask({ csr })])
    expect(results.sort()).toEqual(['renewed', 'underway', 'underway'])
    expect(enrollment.registry).toHaveLength(1)
  })

  test('with a full record loses the oldest certificate that is not in use', async () => {
    const { enrollment, ask, known } = enrolled(['new', 'lost', 'first'])
    expect(await ask({ csr })).toBe('renewed')
    expect(enrollment.registry[0]).toBe('retire lost')
    expect((await known()).slice(1)).toEqual(['new', 'first'])
  })

  test('with a record that an earlier version let grow is refused, and ten go', async () => {
    const names = Array.from({ length: 20 }, (_, n) => `other ${n}`)
    const { enrollment, ask, known } = enrolled([...names, 'first'])
    expect(await ask({ csr })).toBe('refused')
    expect(enrollment.told).toEqual([errorOf('TooManyRenewals')])
    expect(await known()).toEqual([...names.slice(0, 10), 'first'])
  })

  test('and is revoked meanwhile is refused', async () => {
    const { enrollment, ask } = enrolled()
    enrollment.duringAdmit = () => enrollment.devices.revoke(deviceId, now)
    expect(await ask({ csr })).toBe('refused')
    expect(enrollment.told).toEqual([errorOf('BadCertificateRequest')])
  })

  test('ends the others once it uses the newest, ten at a time and the oldest first', async () => {
    const names = Array.from({ length: 12 }, (_, n) => `other ${n}`)
    const { enrollment, ask, known } = enrolled(['new', ...names])
    expect(await ask({ inUse: true }, 'new')).toBe('settled')
    expect(enrollment.registry).toEqual(names.slice(2).map((name) => `retire ${name}`))
    expect(await known()).toEqual(['new', 'other 0', 'other 1'])
  })

  test.each([['first'], ['unknown']])('ends none while connected with the %s', async (inUse) => {
    const { enrollment, ask, known } = enrolled(['new', 'first'])
    expect(await ask({ inUse: true }, inUse)).toBe('refused')
    expect(enrollment.registry).toEqual([])
    expect(await known()).toEqual(['new', 'first'])
  })

  test('and is not on record has none to end', async () => {
    const { ports } = new Enrollment()
    const request = { deviceId, receivedAt: now, body: { inUse: true } }
    expect(await renew(request, ports)).toBe('refused')
  })
})
