import type { DownMessage } from '@heliograph/protocol/messages'
import { downTopics } from '@heliograph/protocol/mqtt-topic'
import type { DeviceErrorReason } from '@heliograph/protocol/reasons'
import type { Connections, DeviceCertificate, DeviceRecord } from '../ports.ts'
import { type CertificateRequest, readCertificateRequest } from '../trust/certificate.ts'
import { admittedOf, type IssuePorts, issue } from './activate.ts'
import { MAX_CERTIFICATES } from './device-record.ts'
import { type DeviceRequest, tellError } from './device-request.ts'

export interface RenewPorts extends IssuePorts {
  readonly connections: Connections
}

export type RenewResult = 'renewed' | 'refused' | 'underway' | 'unheard' | 'settled'

/** No other key gets a certificate for this long after a renewal was started. */
export const RENEWAL_PAUSE_MS = 3600_000
/** Longer than the function may run, shorter than Lambda waits before it retries. */
export const RENEWAL_UNDERWAY_MS = 30_000
/** Each takes several calls to IoT Core's control plane, and the function has only seconds. */
export const RETIRED_AT_ONCE = 10

/**
 * A connected device asks for a certificate for a new key with `{"csr"}`. The old certificate stays
 * valid until the device sends `{"inUse": true}` over a connection made with the new one.
 */
export async function renew(request: DeviceRequest, ports: RenewPorts): Promise<RenewResult> {
  const device = await ports.devices.find(request.deviceId)
  if (request.body?.inUse === true) return retireOthers(request, device, ports)
  const csr = await readCertificateRequest(request.body?.csr)
  if (!device || device.revokedAt !== undefined || 'fault' in csr)
    return refuse('BadCertificateRequest', request, ports)
  const known = admittedOf(device, csr.keyHash)
  if (known) return hand(known.certificate, request, ports)
  const decision = decideRenewal(device, csr.keyHash, request.certificateId, ports.clock.now())
  if (decision === 'underway') return 'underway'
  if (decision === 'tooSoon') return refuse('TooManyRenewals', request, ports)
  return next(request, { ...decision, device, csr }, ports)
}

/** What makes room for the new certificate. */
interface Room {
  readonly retire: readonly DeviceCertificate[]
  readonly isEnough: boolean
}

/**
 * Only one renewal is in progress at a time, and then none for another key for an hour: requests in
 * a loop must not reach the CA's key or IoT Core, or fill the record. The certificate with which
 * the device is connected stays, and so does one that this key already has.
 */
export function decideRenewal(
  { renewal, certificates }: DeviceRecord,
  keyHash: string,
  inUse: string | undefined,
  now: number,
): Room | 'underway' | 'tooSoon' {
  const since = renewal ? now - renewal.startedAt : Number.POSITIVE_INFINITY
  const isSame = renewal?.keyHash === keyHash
  if (isSame && since < RENEWAL_UNDERWAY_MS) return 'underway'
  if (!isSame && since < RENEWAL_PAUSE_MS) return 'tooSoon'
  const others = certificates.filter((one) => one.keyHash !== keyHash)
  const surplus = Math.max(0, others.length - (MAX_CERTIFICATES - 1))
  const retirable = others.filter(({ certificateId }) => certificateId !== inUse).reverse()
  const retire = retirable.slice(0, Math.min(surplus, RETIRED_AT_ONCE))
  return { retire, isEnough: retire.length === surplus }
}

async function next(
  request: DeviceRequest,
  { device, csr, retire, isEnough }: Room & { device: DeviceRecord; csr: CertificateRequest },
  ports: RenewPorts,
): Promise<RenewResult> {
  await retireAll(request, retire, ports)
  if (!isEnough) return refuse('TooManyRenewals', request, ports)
  const { deviceId } = request
  const renewal = { keyHash: csr.keyHash, startedAt: ports.clock.now() }
  // before the CA signs: of many simultaneous requests, only one continues
  if (!(await ports.devices.beginRenewal(deviceId, renewal, device.renewal))) return 'underway'
  const issued = await issue(deviceId, device, csr, ports)
  if (!issued) return refuse('BadCertificateRequest', request, ports)
  return hand(issued.certificate, request, ports)
}

async function hand(
  certificate: string,
  { deviceId }: DeviceRequest,
  { connections }: RenewPorts,
): Promise<RenewResult> {
  const message: DownMessage<'certificate'> = { certificate }
  const told = await connections.tell(deviceId, downTopics.certificate, JSON.stringify(message))
  return told === 'told' ? 'renewed' : 'unheard'
}

async function refuse(
  reason: DeviceErrorReason,
  request: DeviceRequest,
  { connections }: RenewPorts,
): Promise<'refused'> {
  await tellError(connections, request, 'renew', reason)
  return 'refused'
}

/**
 * Ends every certificate of the device except the newest, once the device is connected with that
 * one.
 */
async function retireOthers(
  request: DeviceRequest,
  device: DeviceRecord | undefined,
  ports: RenewPorts,
): Promise<'settled' | 'refused'> {
  const [newest, ...others] = device?.certificates ?? []
  if (!newest || newest.certificateId !== request.certificateId) return 'refused'
  await retireAll(request, others.slice(-RETIRED_AT_ONCE), ports)
  return 'settled'
}

async function retireAll(
  { deviceId }: DeviceRequest,
  certificates: readonly DeviceCertificate[],
  { registry, devices }: RenewPorts,
): Promise<void> {
  const ids = certificates.map(({ certificateId }) => certificateId)
  for (const id of ids) await registry.retire(deviceId, id)
  if (ids.length > 0) await devices.forgetCertificates(deviceId, ids)
}
