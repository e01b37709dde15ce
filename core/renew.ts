import { type DeviceRecord, type IssuePorts, issue } from './activate.ts'
import { readCertificateRequest } from './certificate.ts'
import { type DeviceRequest, tellError } from './device-request.ts'
import { type Connections, downTopics } from './ports.ts'

export interface RenewPorts extends IssuePorts {
  readonly connections: Connections
}

export type RenewResult = 'renewed' | 'refused' | 'unheard' | 'settled'

/**
 * A connected device asks for a certificate for a new key with `{"csr"}`. The old one stays good
 * until the device says `{"inUse": true}` over a connection made with the new one.
 */
export async function renew(request: DeviceRequest, ports: RenewPorts): Promise<RenewResult> {
  const device = await ports.devices.find(request.deviceId)
  if (request.body?.inUse === true) return retireOthers(request, device, ports)
  const csr = await readCertificateRequest(request.body?.csr)
  if (!device || device.revokedAt !== undefined || 'fault' in csr) return refuse(request, ports)
  const issued = await issue(request.deviceId, csr, ports)
  if ('reason' in issued) return refuse(request, ports)
  const message = JSON.stringify({ certificate: issued.certificate })
  const sent = await ports.connections.send(request.deviceId, downTopics.certificate, message)
  if (sent === 'busy') throw new Error('the device could not be sent its certificate yet')
  return sent === 'acknowledged' ? 'renewed' : 'unheard'
}

async function refuse(request: DeviceRequest, ports: RenewPorts): Promise<'refused'> {
  await tellError(ports.connections, request, 'renew', 'BadCertificateRequest')
  return 'refused'
}

/** Ends every certificate of the device but the newest, once that is the one it is connected with. */
async function retireOthers(
  request: DeviceRequest,
  device: DeviceRecord | undefined,
  ports: RenewPorts,
): Promise<'settled' | 'refused'> {
  const [newest, ...others] = device?.certificates ?? []
  if (!newest || newest.certificateId !== request.certificateId) return 'refused'
  for (const { certificateId } of others)
    await ports.registry.retire(request.deviceId, certificateId)
  if (others.length > 0) await ports.devices.keepCertificate(request.deviceId, newest.certificateId)
  return 'settled'
}
