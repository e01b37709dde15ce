import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import { hashActivationCode } from './activation-code.ts'
import {
  type CertificateRequest,
  issueDeviceCertificate,
  readCertificateRequest,
  type SigningKey,
} from './certificate.ts'
import { DEVICE_ID_BYTES, type DeviceId, deviceIdFromBytes } from './identifiers.ts'
import type { Authorities, Clock, Ids } from './ports.ts'

/** A device as the service keeps it. */
export interface DeviceRecord {
  readonly deviceId: DeviceId
  readonly activatedAt: number
  readonly revokedAt?: number
  /** Newest first; more than one while a renewal is under way. */
  readonly certificates: readonly DeviceCertificate[]
}

export interface DeviceCertificate {
  /** IoT Core's id of the certificate: SHA-256 of its DER, hex. */
  readonly certificateId: string
  /** SHA-256 of the public key, hex. */
  readonly keyHash: string
  /** PEM. */
  readonly certificate: string
  readonly notAfter: number
}

export interface Devices {
  find(deviceId: DeviceId): Promise<DeviceRecord | undefined>
  /** Adds the certificate to the device, which is made where it is new; the same key is kept once. */
  addCertificate(
    deviceId: DeviceId,
    certificate: DeviceCertificate,
    nowMs: number,
  ): Promise<DeviceRecord>
  /** Leaves only this certificate. */
  keepCertificate(deviceId: DeviceId, certificateId: string): Promise<void>
  /** Removes the certificate, and the device where it has no other. */
  forgetCertificate(deviceId: DeviceId, certificateId: string): Promise<void>
}

/**
 * What a code was good for. The same code with the same key gives the same device again, so that a
 * lost answer can be asked for once more; with another key it is used up.
 */
export type Redeemed =
  | { readonly deviceId: DeviceId }
  | { readonly refused: 'unknown' | 'used' | 'expired' }

export interface Activations {
  /** Binds the code to this key and device id, exactly once under concurrent use. */
  redeem(codeHash: string, keyHash: string, candidate: DeviceId, nowMs: number): Promise<Redeemed>
}

/** IoT Core's registry. Every call may be repeated after a lost answer. */
export interface DeviceRegistry {
  /** Registers the certificate as active, makes the thing, attaches both and the policy; returns the certificate id. */
  admit(deviceId: DeviceId, certificate: string): Promise<{ readonly certificateId: string }>
  /** Undoes `admit` as far as it came, so that nothing half-made is left. */
  withdraw(deviceId: DeviceId, certificate: string): Promise<void>
  /** Makes a certificate useless for good and detaches it. */
  retire(deviceId: DeviceId, certificateId: string): Promise<void>
}

export interface IssuePorts {
  readonly clock: Clock
  readonly ids: Ids
  readonly authorities: Authorities
  readonly signingKey: SigningKey
  readonly registry: DeviceRegistry
  readonly devices: Devices
  readonly certificateDays: number
}

export interface ActivatePorts extends IssuePorts {
  readonly activations: Activations
}

export type ActivationReason =
  | 'BadRequest'
  | 'BadCertificateRequest'
  | 'BadActivationCode'
  | 'UsedActivationCode'
  | 'ExpiredActivationCode'

export interface ActivationRefusal {
  readonly reason: ActivationReason
  readonly detail: string
}

export interface Activated {
  readonly deviceId: DeviceId
  readonly certificate: string
}

/** Certificates count from a little earlier, for devices whose clock is behind. */
const BACKDATE_MS = 5 * 60_000
const DAY_MS = 24 * 3600_000

/** A device gets its certificate for a code and a certificate request. */
export async function activate(
  body: Readonly<Record<string, unknown>>,
  ports: ActivatePorts,
): Promise<Activated | ActivationRefusal> {
  const { csr, activationCode } = body
  if (typeof activationCode !== 'string' || activationCode === '' || activationCode.length > 200)
    return { reason: 'BadRequest', detail: 'send {"csr": "<PEM>", "activationCode": "..."}' }
  const request = await readCertificateRequest(csr)
  if ('fault' in request) return { reason: 'BadCertificateRequest', detail: request.fault }
  const redeemed = await ports.activations.redeem(
    hashActivationCode(activationCode),
    request.keyHash,
    deviceIdFromBytes(ports.ids.bytes(DEVICE_ID_BYTES)),
    ports.clock.now(),
  )
  if ('refused' in redeemed) return refusals[redeemed.refused]
  return issue(redeemed.deviceId, request, ports)
}

const refusals = {
  unknown: { reason: 'BadActivationCode', detail: 'this activation code is not known' },
  used: { reason: 'UsedActivationCode', detail: 'this activation code has been used' },
  expired: { reason: 'ExpiredActivationCode', detail: 'this activation code has run out' },
} as const

/** Signs and registers a certificate for the device, or returns the one this key already has. */
export async function issue(
  deviceId: DeviceId,
  request: CertificateRequest,
  ports: IssuePorts,
): Promise<Activated | ActivationRefusal> {
  const device = await ports.devices.find(deviceId)
  if (device?.revokedAt !== undefined) return refusals.used
  const earlier = device?.certificates.find(({ keyHash }) => keyHash === request.keyHash)
  const certificate = earlier?.certificate ?? (await sign(deviceId, request, ports))
  const record = await admitOrWithdraw(deviceId, certificate, request, ports)
  const kept = record.certificates.find(({ keyHash }) => keyHash === request.keyHash)
  return { deviceId, certificate: kept?.certificate ?? certificate }
}

async function sign(deviceId: DeviceId, request: CertificateRequest, ports: IssuePorts) {
  const authority = await ports.authorities.find('device')
  if (!authority) throw new Error('the device CA is not set up: deploy the state stack again')
  const now = ports.clock.now()
  const validity = {
    notBefore: new Date(now - BACKDATE_MS),
    notAfter: new Date(now + ports.certificateDays * DAY_MS),
  }
  return issueDeviceCertificate(
    { deviceId, publicKey: request.publicKey },
    validity,
    ports.ids.bytes(16),
    { certificate: authority.certificate, key: ports.signingKey },
  )
}

async function admitOrWithdraw(
  deviceId: DeviceId,
  certificate: string,
  { keyHash }: CertificateRequest,
  ports: IssuePorts,
): Promise<DeviceRecord> {
  const now = ports.clock.now()
  const notAfter = now + ports.certificateDays * DAY_MS
  const mine = { certificateId: certificateIdOf(certificate), keyHash, certificate, notAfter }
  // on record first: a concurrent repeat then registers the same certificate, not a second one
  const record = await ports.devices.addCertificate(deviceId, mine, now)
  const kept = record.certificates.find((known) => known.keyHash === keyHash) ?? mine
  try {
    await ports.registry.admit(deviceId, kept.certificate)
    return record
  } catch (fault) {
    if (kept.certificateId === mine.certificateId) await withdraw(deviceId, kept, ports)
    throw fault
  }
}

/** A caller that only repeats another's request leaves what that one made. */
async function withdraw(
  deviceId: DeviceId,
  { certificate, certificateId }: DeviceCertificate,
  ports: IssuePorts,
) {
  await ports.registry.withdraw(deviceId, certificate)
  await ports.devices.forgetCertificate(deviceId, certificateId)
}

/** SHA-256 of the DER, as IoT Core names certificates. */
export function certificateIdOf(pem: string): string {
  const base64 = pem.replace(/-----[^-]+-----/g, '')
  return bytesToHex(sha256(Buffer.from(base64, 'base64')))
}
