import { X509Certificate } from 'node:crypto'
import {
  newDeviceRecord,
  withAdmitted,
  withCertificate,
  without,
} from '@heliograph/core/devices/device-record'
import type { DeviceAdmissions, DeviceRecords } from '@heliograph/core/operator-ports'
import type {
  DeviceCertificate,
  DeviceRecord,
  DeviceRegistry,
  Devices,
} from '@heliograph/core/ports'
import type { DeviceId } from '@heliograph/protocol/identifiers'
import { readDeviceCertificate } from '../trust/device-certificate.ts'
import type { Environment } from './environment.ts'

/** Who may connect, asked at every handshake. */
export interface Admissions {
  /** Whether this certificate (its id: SHA-256 of its DER, hex) lets the device in now. */
  mayConnect(deviceId: DeviceId, certificateId: string): boolean
}

type Edit = (certificates: readonly DeviceCertificate[]) => readonly DeviceCertificate[]

/** The devices with their certificates, newest first, and which certificates have been made useless. */
export function devices(environment: Environment): Devices & DeviceRecords & Admissions {
  const records = environment.table<DeviceRecord, DeviceId>('devices')
  const retired = environment.table<number, [DeviceId, string]>('retired certificates')

  function keep(record: DeviceRecord): DeviceRecord {
    records.put(record.deviceId, record)
    return record
  }

  /** Returns the device with the changed list; a revoked device stays as it is. */
  function edited(deviceId: DeviceId, edit: Edit): DeviceRecord | undefined {
    const record = records.get(deviceId)
    if (!record || record.revokedAt !== undefined) return record
    return keep({ ...record, certificates: edit(record.certificates) })
  }

  return {
    find: async (deviceId) => records.get(deviceId),

    addCertificate: (deviceId, certificate, nowMs) =>
      environment.change(() => {
        const record = records.get(deviceId)
        const changed = withCertificate(record ?? newDeviceRecord(deviceId, nowMs), certificate)
        return changed === record ? changed : keep(changed)
      }),

    confirmCertificate: (deviceId, certificateId) =>
      environment.change(() => edited(deviceId, (all) => withAdmitted(all, certificateId))),

    async forgetCertificates(deviceId, certificateIds) {
      await environment.change(() => {
        edited(deviceId, (all) => without(all, certificateIds))
        // a certificate that is not on record admits nobody
        for (const id of certificateIds) retired.remove([deviceId, id])
      })
    },

    beginRenewal: (deviceId, renewal, previous) =>
      environment.change(() => {
        const record = records.get(deviceId)
        if (!record || record.revokedAt !== undefined) return false
        const { renewal: latest } = record
        if (latest?.keyHash !== previous?.keyHash || latest?.startedAt !== previous?.startedAt)
          return false
        keep({ ...record, renewal })
        return true
      }),

    async list(limit) {
      const found = [...records.getRange({ limit: limit + 1 })].map(({ value }) => value)
      return { devices: found.slice(0, limit), more: found.length > limit }
    },

    noteImport: (deviceId, exportedAt) =>
      environment.change(() => {
        const record = records.get(deviceId)
        if (record && exportedAt > (record.importedAt ?? 0))
          keep({ ...record, importedAt: exportedAt })
      }),

    revoke: (deviceId, at) =>
      environment.change(() => {
        const record = records.get(deviceId)
        return record && keep({ revokedAt: at, ...record })
      }),

    mayConnect(deviceId, certificateId) {
      const record = records.get(deviceId)
      if (!record || record.revokedAt !== undefined) return false
      const known = record.certificates.find((one) => one.certificateId === certificateId)
      return known?.admitted === true && !retired.doesExist([deviceId, certificateId])
    },
  }
}

/**
 * The record is the registry: a certificate that is marked as admitted there admits its device
 * until it is disabled.
 */
export function deviceRegistry(
  environment: Environment,
  disconnect: (deviceId: DeviceId, certificateId: string) => void,
): DeviceRegistry & DeviceAdmissions {
  const records = environment.table<DeviceRecord, DeviceId>('devices')
  const retired = environment.table<number, [DeviceId, string]>('retired certificates')
  return {
    async admit(deviceId, certificate) {
      const owner = readDeviceCertificate(new X509Certificate(certificate))?.deviceId
      if (owner !== deviceId)
        throw new Error(`the certificate belongs to ${owner ?? 'no device'}, not to ${deviceId}`)
    },
    async attached(deviceId) {
      const known = records.get(deviceId)?.certificates ?? []
      const ids = known.map(({ certificateId }) => certificateId)
      return ids.filter((id) => !retired.doesExist([deviceId, id]))
    },
    async retire(deviceId, certificateId) {
      await environment.change(() => void retired.put([deviceId, certificateId], 1))
      disconnect(deviceId, certificateId)
    },
  }
}
