import { makePrivateKey, makeRequest } from '../../packages/device/src/certificate.ts'
import { heliographJson } from './operator-support.ts'
import { type Activation, activatePlainly, PlainDevice, settle, until } from './support.ts'
import type { Target } from './target.ts'

export interface Attacker {
  readonly activation: { readonly key: string; readonly answer: Activation }
  readonly deviceId: string
  readonly device: PlainDevice
}

/** A device of its own, activated and connected as any other. */
export async function openAttacker(target: Target): Promise<Attacker> {
  const activation = await activatePlainly(target)
  const device = new PlainDevice(activation)
  await device.connect()
  return { activation, deviceId: activation.answer.deviceId, device }
}

/** The broker discards what comes faster than 100 a second, and never acknowledges it. */
const PAUSE_MS = 12

/** Asks for so many certificates as fast as the broker takes it, each for a key of its own. */
export async function askForCertificates(
  { device, activation }: Attacker,
  count: number,
): Promise<void> {
  const { renew } = activation.answer.publish
  for (let asked = 0; asked < count; asked += 1) {
    await device.publish(renew, { csr: await makeRequest(makePrivateKey()) })
    await settle(PAUSE_MS)
  }
}

/** Until the function has worked on as many requests as were made; `invocations` counts from the start. */
export function untilRenewed(target: Target, count: number): Promise<boolean> {
  const done = () => (target.cloud.invocations()['heliograph-local-renew'] ?? 0) >= count
  return until(() => done() || undefined, 240_000)
}

export interface Shown {
  readonly device: {
    readonly revokedAt?: number
    readonly certificates: readonly { readonly certificateId: string }[]
  }
}

export const show = (target: Target, deviceId: string) =>
  heliographJson<Shown>(target, 'device', 'show', deviceId)

export interface Revoked {
  readonly certificates: number
  readonly disconnected: boolean
}

export const revoke = (target: Target, deviceId: string) =>
  heliographJson<Revoked>(target, 'device', 'revoke', deviceId)
