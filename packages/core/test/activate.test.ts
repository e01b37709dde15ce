import { X509Certificate } from 'node:crypto'
import { MAX_ACTIVATION_CODE_CHARACTERS } from '@heliograph/protocol/limits'
import { describe, expect, test } from 'vitest'
import { now } from '../../../test/contract/samples.ts'
import { type Activated, activate } from '../src/devices/activate.ts'
import {
  activationCode,
  Enrollment,
  idOf,
  certificate as knownCertificate,
  requests,
} from './enrollment-support.ts'

const [first, second] = requests as [(typeof requests)[number], (typeof requests)[number]]
const DAY_MS = 24 * 3600_000

const ask = (enrollment: Enrollment, { csr } = first) =>
  activate({ csr, activationCode }, enrollment.ports)

async function activated(enrollment: Enrollment, request = first): Promise<Activated> {
  const answer = await ask(enrollment, request)
  if ('reason' in answer) throw new Error(answer.detail)
  return answer
}

function invited(expiresAt?: number, reusable?: boolean): Enrollment {
  const enrollment = new Enrollment()
  enrollment.invite(expiresAt, reusable)
  return enrollment
}

describe('an activation', () => {
  test('gives a certificate for the key, from a little earlier to so many days later', async () => {
    const enrollment = invited()
    const { deviceId, certificate } = await activated(enrollment)
    const read = new X509Certificate(certificate)
    expect(read.subject).toBe(`CN=${deviceId}`)
    expect(Date.parse(read.validFrom)).toBe(now - 5 * 60_000)
    expect(Date.parse(read.validTo)).toBe(now + 365 * DAY_MS)
    const certificateId = idOf(certificate)
    expect(enrollment.registry).toEqual([`admit ${certificateId}`])
    expect(enrollment.iot.letsIn(deviceId, certificateId)).toBe(true)
    const { keyHash } = first
    const noted = {
      certificateId,
      keyHash,
      certificate,
      notAfter: now + 365 * DAY_MS,
      admitted: true,
    }
    expect(enrollment.devices.all).toEqual([{ deviceId, activatedAt: now, certificates: [noted] }])
  })

  test('asked for again gives the same, without another step, even after its time or in a queue', async () => {
    const enrollment = invited()
    const answer = await activated(enrollment)
    enrollment.clock.time += DAY_MS
    enrollment.wait = 9
    expect(await ask(enrollment)).toEqual(answer)
    expect(enrollment.registry).toHaveLength(1)
  })

  test('goes on with the same certificate where IoT Core failed', async () => {
    const enrollment = invited()
    enrollment.duringAdmit = () => {
      throw new Error('throttled')
    }
    await expect(ask(enrollment)).rejects.toThrow('throttled')
    enrollment.duringAdmit = () => {}
    const { certificate } = await activated(enrollment)
    const step = `admit ${idOf(certificate)}`
    expect(enrollment.registry).toEqual([step, step])
    expect(enrollment.signatures).toBe(1)
  })

  test('asked for twice at once gives one certificate', async () => {
    const enrollment = invited()
    const [one, other] = await Promise.all([activated(enrollment), activated(enrollment)])
    expect(other).toEqual(one)
    expect(new Set(enrollment.registry)).toEqual(new Set([`admit ${idOf(one.certificate)}`]))
  })

  test('gives one to a device on record that has none and has not asked for another', async () => {
    const enrollment = invited()
    const { deviceId } = await activated(enrollment)
    enrollment.devices.put({ deviceId, activatedAt: now, certificates: [] })
    expect(await activated(enrollment)).toMatchObject({ deviceId })
  })

  test('of a code for many gives each key its device', async () => {
    const enrollment = invited(undefined, true)
    const ids = [await activated(enrollment), await activated(enrollment, second)]
    expect(new Set(ids.map(({ deviceId }) => deviceId)).size).toBe(2)
  })

  test('needs the device CA', async () => {
    const enrollment = invited()
    enrollment.hasAuthority = false
    await expect(ask(enrollment)).rejects.toThrow('the device CA is not set up')
    enrollment.hasAuthority = true
    expect(await ask(enrollment)).toHaveProperty('certificate')
  })
})

describe('no activation', () => {
  test.each([
    ['no text', 7],
    ['empty', ''],
    ['longer than a code may be', 'x'.repeat(10_000)],
  ])('for a code that is %s', async (_case, code) => {
    const answer = await activate({ csr: first.csr, activationCode: code }, new Enrollment().ports)
    expect(answer).toMatchObject({ reason: 'BadRequest', detail: expect.stringContaining('csr') })
  })

  test('for a code that is as long as one may be, unless it is known', async () => {
    const longest = 'x'.repeat(MAX_ACTIVATION_CODE_CHARACTERS)
    const answer = await activate(
      { csr: first.csr, activationCode: longest },
      new Enrollment().ports,
    )
    expect(answer).toMatchObject({ reason: 'BadActivationCode' })
  })

  test('for the second of two keys that come at once', async () => {
    const enrollment = invited()
    const answers = await Promise.all([ask(enrollment), ask(enrollment, second)])
    const refused = answers.filter((answer) => 'reason' in answer)
    expect(refused).toMatchObject([{ reason: 'UsedActivationCode' }])
    expect(enrollment.devices.all).toHaveLength(1)
  })

  test('for a code that is not known', async () => {
    const answer = await ask(new Enrollment())
    expect(answer).toMatchObject({ reason: 'BadActivationCode', detail: expect.any(String) })
  })

  test('for one whose time is over', async () => {
    expect(await ask(invited(now))).toMatchObject({ reason: 'ExpiredActivationCode' })
    expect(await ask(invited(now + 1))).toHaveProperty('certificate')
  })

  test('for what is not a certificate request; the code stays good', async () => {
    const enrollment = invited()
    const answer = await activate({ csr: 'none', activationCode }, enrollment.ports)
    expect(answer).toMatchObject({ reason: 'BadCertificateRequest', detail: expect.any(String) })
    expect(await ask(enrollment, second)).toHaveProperty('certificate')
  })

  test('for another key than the code was used for', async () => {
    const enrollment = invited()
    await activated(enrollment)
    expect(await ask(enrollment, second)).toMatchObject({ reason: 'UsedActivationCode' })
    expect(enrollment.registry).toHaveLength(1)
  })

  test('before its turn; the code is not used up by waiting', async () => {
    const enrollment = invited()
    enrollment.wait = 3
    expect(await ask(enrollment)).toMatchObject({ reason: 'TooManyActivations', retryAfter: 3 })
    enrollment.wait = 0
    expect(await ask(enrollment, second)).toHaveProperty('certificate')
  })

  test('for a device that has been revoked since, or while IoT Core was asked', async () => {
    const enrollment = invited()
    enrollment.duringAdmit = () => {
      for (const { deviceId } of enrollment.devices.all) enrollment.devices.revoke(deviceId, now)
    }
    expect(await ask(enrollment)).toMatchObject({ reason: 'UsedActivationCode' })
    expect(await ask(enrollment)).toMatchObject({ reason: 'UsedActivationCode' })
    expect(enrollment.registry).toHaveLength(1)
  })

  test('for a device that has moved on to another key', async () => {
    const enrollment = invited()
    const { deviceId, certificate } = await activated(enrollment)
    await enrollment.devices.beginRenewal(deviceId, { keyHash: 'new', startedAt: now }, undefined)
    await enrollment.devices.forgetCertificates(deviceId, [idOf(certificate)])
    // it is told so without a place in the line
    enrollment.wait = 9
    expect(await ask(enrollment)).toMatchObject({ reason: 'UsedActivationCode' })
    expect(enrollment.registry).toHaveLength(1)
  })

  test('for a device that has another key’s certificate only', async () => {
    const enrollment = invited()
    const { deviceId } = await activated(enrollment)
    const certificates = [knownCertificate('another')]
    enrollment.devices.put({ deviceId, activatedAt: now, certificates })
    expect(await ask(enrollment)).toMatchObject({ reason: 'UsedActivationCode' })
  })

  test('for a key of a code for many that its device has moved on from', async () => {
    const enrollment = invited(undefined, true)
    const { deviceId } = await activated(enrollment)
    const certificates = [knownCertificate('another')]
    enrollment.devices.put({ deviceId, activatedAt: now, certificates })
    expect(await ask(enrollment)).toMatchObject({ reason: 'UsedActivationCode' })
    expect(enrollment.registry).toHaveLength(1)
  })
})
