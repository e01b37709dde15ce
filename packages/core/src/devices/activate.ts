import type { DeviceId } from '@heliograph/protocol/identifiers'
import {
  MAX_ACTIVATION_CHARACTERS,
  MAX_ACTIVATION_CODE_CHARACTERS,
} from '@heliograph/protocol/limits'
import type { ActivationReason } from '@heliograph/protocol/reasons'
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import { DEVICE_ID_BYTES, deviceIdFromBytes } from '../device-id.ts'
import type {
  ActivationCode,
  Activations,
  Authorities,
  Clock,
  DeviceCertificate,
  DeviceRecord,
  DeviceRegistry,
  Devices,
  Ids,
  Pace,
  SigningKey,
} from '../ports.ts'
import {
  type CertificateRequest,
  issueDeviceCertificate,
  readCertificateRequest,
} from '../trust/certificate.ts'
import { hashActivationCode } from './activation-code.ts'

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
  readonly pace: Pace
}

export interface ActivationRefusal {
  readonly reason: Exclude<ActivationReason, 'ServiceUnavailable'>
  readonly detail: string
  /** Seconds. */
  readonly retryAfter?: number
}

export interface Activated {
  readonly deviceId: DeviceId
  readonly certificate: string
}

/** Certificates are valid from a little earlier, for devices whose clock is slow. */
const BACKDATE_MS = 5 * 60_000
const DAY_MS = 24 * 3600_000

/**
 * A device gets its certificate in exchange for a code and a certificate request. Anyone may ask,
 * so a request costs more only as it proves more, and only a valid code gets in line for a
 * certificate.
 */
export async function activate(
  { csr, activationCode }: Readonly<Record<string, unknown>>,
  ports: ActivatePorts,
): Promise<Activated | ActivationRefusal> {
  if (
    typeof activationCode !== 'string' ||
    activationCode === '' ||
    activationCode.length > MAX_ACTIVATION_CODE_CHARACTERS
  )
    return refusals.malformed
  const code = await ports.activations.find(hashActivationCode(activationCode))
  if (!code) return refusals.unknown
  if (isOver(code, ports.clock.now())) return refusals.expired
  const request = await readCertificateRequest(csr)
  if ('fault' in request) return { reason: 'BadCertificateRequest', detail: request.fault }
  const { boundTo } = code
  if (boundTo && boundTo.keyHash !== request.keyHash) return refusals.used
  return (boundTo && (await answerAgain(boundTo, ports))) ?? redeem(code, request, ports)
}

/** A device whose answer was lost may ask again after the code has expired. */
function isOver({ boundTo, expiresAt }: ActivationCode, now: number): boolean {
  return !boundTo && expiresAt <= now
}

/** What the code returned before, as long as the device has not moved on to another key. */
async function answerAgain(
  { deviceId, keyHash }: NonNullable<ActivationCode['boundTo']>,
  { devices }: ActivatePorts,
): Promise<Activated | ActivationRefusal | undefined> {
  const device = await devices.find(deviceId)
  if (device && hasMovedOn(device, keyHash)) return refusals.used
  return admittedOf(device, keyHash)
}

async function redeem(
  code: ActivationCode,
  request: CertificateRequest,
  ports: ActivatePorts,
): Promise<Activated | ActivationRefusal> {
  const retryAfter = await ports.pace.take(ports.clock.now())
  if (retryAfter > 0) return { ...refusals.paced, retryAfter }
  const candidate = deviceIdFromBytes(ports.ids.bytes(DEVICE_ID_BYTES))
  const deviceId = await ports.activations.redeem(code, request.keyHash, candidate)
  if (!deviceId) return refusals.used
  const device = await ports.devices.find(deviceId)
  if (device && hasMovedOn(device, request.keyHash)) return refusals.used
  return (await issue(deviceId, device, request, ports)) ?? refusals.used
}

/** The code is spent: its key was replaced by a renewal, or the device is revoked. */
function hasMovedOn({ revokedAt, renewal, certificates }: DeviceRecord, keyHash: string): boolean {
  if (revokedAt !== undefined) return true
  const isFresh = certificates.length === 0 && renewal === undefined
  return !isFresh && !certificates.some((known) => known.keyHash === keyHash)
}

const refusals = {
  malformed: {
    reason: 'BadRequest',
    detail: `send {"csr": "<PEM>", "activationCode": "..."}, at most ${MAX_ACTIVATION_CHARACTERS / 1024} kB`,
  },
  unknown: { reason: 'BadActivationCode', detail: 'this activation code is not known' },
  used: { reason: 'UsedActivationCode', detail: 'this activation code has been used' },
  expired: { reason: 'ExpiredActivationCode', detail: 'this activation code has run out' },
  paced: {
    reason: 'TooManyActivations',
    detail: 'many devices are activated at the moment: send the same request after Retry-After',
  },
} as const satisfies Record<string, ActivationRefusal>

/** The certificate that this key already has, if nothing is left to be done for it. */
export function admittedOf(
  device: DeviceRecord | undefined,
  keyHash: string,
): Activated | undefined {
  const known = device?.certificates.find((one) => one.keyHash === keyHash && one.admitted)
  return device && known && { deviceId: device.deviceId, certificate: known.certificate }
}

/**
 * Signs and registers a certificate for the device, or finishes what an earlier attempt started.
 * Undefined if the device was revoked in the meantime: nobody then gets the certificate.
 */
export async function issue(
  deviceId: DeviceId,
  device: DeviceRecord | undefined,
  request: CertificateRequest,
  ports: IssuePorts,
): Promise<Activated | undefined> {
  const earlier = device?.certificates.find(({ keyHash }) => keyHash === request.keyHash)
  const made = earlier ?? (await make(deviceId, request, ports))
  // recorded first: a concurrent repeat then registers the same certificate, not a second one
  const record = await ports.devices.addCertificate(deviceId, made, ports.clock.now())
  const kept = record.certificates.find(({ keyHash }) => keyHash === request.keyHash) ?? made
  await ports.registry.admit(deviceId, kept.certificate)
  // read afterward: a revocation marks the device before it looks for certificates
  const now = await ports.devices.confirmCertificate(deviceId, kept.certificateId)
  if (!now || now.revokedAt !== undefined) return undefined
  return { deviceId, certificate: kept.certificate }
}

async function make(
  deviceId: DeviceId,
  request: CertificateRequest,
  ports: IssuePorts,
): Promise<DeviceCertificate> {
  const certificate = await sign(deviceId, request, ports)
  const notAfter = ports.clock.now() + ports.certificateDays * DAY_MS
  const { keyHash } = request
  return { certificateId: certificateIdOf(certificate), keyHash, certificate, notAfter }
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

/** SHA-256 of the DER, as IoT Core names certificates. */
export function certificateIdOf(pem: string): string {
  const base64 = pem.replace(/-----[^-]+-----/g, '')
  return bytesToHex(sha256(Buffer.from(base64, 'base64')))
}
