import type { DeviceRecord, Devices } from '../../../core/activate.ts'
import type { DeviceId } from '../../../core/identifiers.ts'
import type { Access } from './access.ts'

/** Every device is on record; only whether it is revoked is kept. */
export class DeviceStore {
  readonly #revoked = new Map<DeviceId, number>()

  find(deviceId: DeviceId): DeviceRecord {
    const revokedAt = this.#revoked.get(deviceId)
    const record = { deviceId, activatedAt: 0, certificates: [] }
    return revokedAt === undefined ? record : { ...record, revokedAt }
  }

  revoke(deviceId: DeviceId, at: number): void {
    if (!this.#revoked.has(deviceId)) this.#revoked.set(deviceId, at)
  }
}

export function memoryDevices(store: DeviceStore, access: Access): Pick<Devices, 'find'> {
  return { find: (deviceId) => access('devices.find', deviceId, () => store.find(deviceId)) }
}
