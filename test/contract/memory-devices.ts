import {
  newDeviceRecord,
  withAdmitted,
  withCertificate,
  without,
} from '@heliograph/core/devices/device-record'
import type {
  ActivationCode,
  Activations,
  DeviceCertificate,
  DeviceRecord,
  Devices,
  Pace,
  Renewal,
} from '@heliograph/core/ports'
import type { DeviceId } from '@heliograph/protocol/identifiers'

/** The devices table in memory. */
export class MemoryDevices implements Devices {
  readonly #records = new Map<DeviceId, DeviceRecord>()

  /** A record as an earlier version of the service may have left it. */
  put(record: DeviceRecord): void {
    this.#records.set(record.deviceId, record)
  }

  get all(): DeviceRecord[] {
    return [...this.#records.values()]
  }

  async find(deviceId: DeviceId): Promise<DeviceRecord | undefined> {
    return this.#records.get(deviceId)
  }

  async addCertificate(
    deviceId: DeviceId,
    certificate: DeviceCertificate,
    nowMs: number,
  ): Promise<DeviceRecord> {
    const record = this.#records.get(deviceId) ?? newDeviceRecord(deviceId, nowMs)
    return this.#keep(withCertificate(record, certificate))
  }

  async confirmCertificate(
    deviceId: DeviceId,
    certificateId: string,
  ): Promise<DeviceRecord | undefined> {
    return this.#change(deviceId, (all) => withAdmitted(all, certificateId))
  }

  async forgetCertificates(deviceId: DeviceId, ids: readonly string[]): Promise<void> {
    this.#change(deviceId, (all) => without(all, ids))
  }

  async beginRenewal(
    deviceId: DeviceId,
    renewal: Renewal,
    previous: Renewal | undefined,
  ): Promise<boolean> {
    const record = this.#records.get(deviceId)
    if (!record || record.revokedAt !== undefined) return false
    if (JSON.stringify(record.renewal) !== JSON.stringify(previous)) return false
    this.#keep({ ...record, renewal })
    return true
  }

  revoke(deviceId: DeviceId, at: number): DeviceRecord | undefined {
    const record = this.#records.get(deviceId)
    return record && this.#keep({ revokedAt: at, ...record })
  }

  #change(
    deviceId: DeviceId,
    edit: (certificates: readonly DeviceCertificate[]) => readonly DeviceCertificate[],
  ): DeviceRecord | undefined {
    const record = this.#records.get(deviceId)
    if (!record || record.revokedAt !== undefined) return record
    return this.#keep({ ...record, certificates: edit(record.certificates) })
  }

  #keep(record: DeviceRecord): DeviceRecord {
    this.#records.set(record.deviceId, record)
    return record
  }
}

/** The activations table in memory. */
export class MemoryActivations implements Activations {
  readonly #codes = new Map<string, ActivationCode>()
  readonly #bound = new Map<string, { keyHash: string; deviceId: DeviceId }>()
  readonly #taken = new Map<number, number>()

  invite(codeHash: string, expiresAt: number, reusable = false): void {
    this.#codes.set(codeHash, { codeHash, expiresAt, reusable })
  }

  async find(codeHash: string): Promise<ActivationCode | undefined> {
    const code = this.#codes.get(codeHash)
    const boundTo = this.#bound.get(codeHash)
    return code && boundTo ? { ...code, boundTo } : code
  }

  async redeem(
    { codeHash, reusable }: ActivationCode,
    keyHash: string,
    candidate: DeviceId,
  ): Promise<DeviceId | undefined> {
    const key = reusable ? `${codeHash}#${keyHash}` : codeHash
    const bound = this.#bound.get(key) ?? { keyHash, deviceId: candidate }
    this.#bound.set(key, bound)
    return bound.keyHash === keyHash ? bound.deviceId : undefined
  }

  pace(perSecond: number): Pace {
    return {
      take: async (nowMs) => {
        const second = Math.floor(nowMs / 1000)
        const taken = (this.#taken.get(second) ?? 0) + 1
        this.#taken.set(second, taken)
        return Math.floor((taken - 1) / perSecond)
      },
    }
  }
}
