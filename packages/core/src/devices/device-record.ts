import type { DeviceId } from '@heliograph/protocol/identifiers'
import type { DeviceCertificate, DeviceRecord } from '../ports.ts'

/**
 * The one in use, the next one, and one whose answer was lost. Without a limit, a device could fill
 * up its record until nothing more can be noted in it.
 */
export const MAX_CERTIFICATES = 3

/** A device without a certificate; it is stored once it has one. */
export function newDeviceRecord(deviceId: DeviceId, activatedAt: number): DeviceRecord {
  return { deviceId, activatedAt, certificates: [] }
}

/**
 * The device with one more certificate, or the same record if the key already has one.
 *
 * @throws if the device is revoked or has `MAX_CERTIFICATES`.
 */
export function withCertificate(
  device: DeviceRecord,
  certificate: DeviceCertificate,
): DeviceRecord {
  const { deviceId, revokedAt, certificates } = device
  if (revokedAt !== undefined) throw new Error(`device ${deviceId} has been revoked`)
  if (certificates.some(({ keyHash }) => keyHash === certificate.keyHash)) return device
  if (certificates.length >= MAX_CERTIFICATES)
    throw new Error(`device ${deviceId} has ${MAX_CERTIFICATES} certificates already`)
  return { ...device, certificates: [certificate, ...certificates] }
}

/** The certificates, with this one marked as known to IoT Core. */
export function withAdmitted(
  certificates: readonly DeviceCertificate[],
  certificateId: string,
): readonly DeviceCertificate[] {
  return certificates.map((one) =>
    one.certificateId === certificateId ? { ...one, admitted: true } : one,
  )
}

/** The certificates without these. */
export function without(
  certificates: readonly DeviceCertificate[],
  certificateIds: readonly string[],
): readonly DeviceCertificate[] {
  return certificates.filter(({ certificateId }) => !certificateIds.includes(certificateId))
}
