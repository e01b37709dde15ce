import { MAX_CERTIFICATES } from '@heliograph/core/devices/device-record'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { welcomeOperator } from '../e2e/operator-support.ts'
import { askForCertificates, openAttacker, revoke, show, untilRenewed } from '../e2e/renewals.ts'
import { PlainDevice, startTarget } from '../e2e/support.ts'
import type { Target } from '../e2e/target.ts'

/** 473 filled the record of a device to 400 kB, when each of them got a certificate. */
const RENEWALS = 500

let target: Target
beforeAll(async () => {
  target = await startTarget()
  welcomeOperator(target)
})
afterAll(() => target?.close())

it(`revocation works after ${RENEWALS} renewals`, async () => {
  const attacker = await openAttacker(target)
  await askForCertificates(attacker, RENEWALS)
  await untilRenewed(target, RENEWALS)
  const { device } = await show(target, attacker.deviceId)
  expect(device.certificates.length).toBeLessThanOrEqual(MAX_CERTIFICATES)
  expect(await revoke(target, attacker.deviceId)).toMatchObject({ disconnected: true })
  await expect(new PlainDevice(attacker.activation).connect()).rejects.toThrow('refused')
})
