import { type IssuePorts, issue } from './activate.ts'
import { readCertificateRequest } from './certificate.ts'
import { type DeviceRequest, tellError } from './device-request.ts'
import { type Connections, downTopics } from './ports.ts'

export interface RenewPorts extends IssuePorts {
  readonly connections: Connections
}

export type RenewResult = 'renewed' | 'refused' | 'unheard'

/**
 * A connected device asks for a certificate for a new key. The old one stays good until the device
 * asks with the new one in use: then `retireOthers` ends it.
 */
export async function renew(request: DeviceRequest, ports: RenewPorts): Promise<RenewResult> {
  const device = await ports.devices.find(request.deviceId)
  const csr = await readCertificateRequest(request.body?.csr)
  if (!device || device.revokedAt !== undefined || 'fault' in csr) {
    await tellError(ports.connections, request, 'renew', 'BadCertificateRequest')
    return 'refused'
  }
  const issued = await issue(request.deviceId, csr, ports)
  if ('reason' in issued) return 'refused'
  const message = JSON.stringify({ certificate: issued.certificate })
  const sent = await ports.connections.send(request.deviceId, downTopics.certificate, message)
  if (sent === 'busy') throw new Error('the device could not be sent its certificate yet')
  return sent === 'acknowledged' ? 'renewed' : 'unheard'
}

/** Ends every certificate of the device but the one it has just connected with. */
export async function retireOthers(
  request: DeviceRequest,
  inUse: string,
  ports: Pick<IssuePorts, 'devices' | 'registry'>,
): Promise<number> {
  const device = await ports.devices.find(request.deviceId)
  const newest = device?.certificates[0]
  // connected with an older one: the renewed certificate has not arrived yet
  if (!device || newest?.certificateId !== inUse) return 0
  const others = device.certificates.slice(1)
  for (const { certificateId } of others)
    await ports.registry.retire(request.deviceId, certificateId)
  if (others.length > 0) await ports.devices.keepCertificate(request.deviceId, inUse)
  return others.length
}
