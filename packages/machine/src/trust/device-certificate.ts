import { createHash, type X509Certificate } from 'node:crypto'
import { type DeviceId, parseDeviceId } from '@heliograph/protocol/identifiers'

/** Whose certificate it is, and which; undefined if it names no device. */
export function readDeviceCertificate(
  certificate: X509Certificate,
): { readonly deviceId: DeviceId; readonly certificateId: string } | undefined {
  const deviceId = parseDeviceId(/^CN=(.+)$/m.exec(certificate.subject)?.[1])
  const certificateId = createHash('sha256').update(certificate.raw).digest('hex')
  return deviceId && { deviceId, certificateId }
}
