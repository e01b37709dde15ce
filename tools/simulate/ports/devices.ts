import type { DeviceRecord, Devices } from '@heliograph/core/ports'
import type { DeviceId } from '@heliograph/protocol/identifiers'
import type { Access } from './access.ts'

/** The id of the one certificate that a device here has. */
export const ownCertificate = (deviceId: DeviceId) => `certificate of ${deviceId}`

/** Every device is on record with one certificate; only whether it is revoked is kept. */
export class DeviceStore {
  readonly #revoked = new Map<DeviceId, number>()

  find(deviceId: DeviceId): DeviceRecord {
    const revokedAt = this.#revoked.get(deviceId)
    const certificateId = ownCertificate(deviceId)
    const certificate = { certificateId, keyHash: '', certificate: '', notAfter: 0 }
    const record = { deviceId, activatedAt: 0, certificates: [certificate] }
    return revokedAt === undefined ? record : { ...record, revokedAt }
  }

  revoke(deviceId: DeviceId, at: number): void {
    if (!this.#revoked.has(deviceId)) this.#revoked.set(deviceId, at)
  }
}

export function memoryDevices(store: DeviceStore, access: Access): Pick<Devices, 'find'> {
  return { find: (deviceId) => access('devices.find', deviceId, () => store.find(deviceId)) }
}
