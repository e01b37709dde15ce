import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import {
  newDeviceRecord,
  withAdmitted,
  withCertificate,
  without,
} from '@heliograph/core/devices/device-record'
import type { DeviceCertificate, DeviceRecord, Devices, Renewal } from '@heliograph/core/ports'
import { type DeviceId, parseDeviceId } from '@heliograph/protocol/identifiers'
import {
  defined,
  type Item,
  n,
  number,
  optionalNumber,
  optionalText,
  parsed,
  s,
  text,
} from './attributes.ts'
import { type ConditionalUpdate, table } from './table.ts'

/** The certificates that writes of the devices table take as they are. */
export const certificateList = (certificates: readonly DeviceCertificate[]) => ({
  L: certificates.map(certificateItem),
})

/** The devices table: one item per device, its certificates newest first. */
export function devices(client: DynamoDBClient, tableName: string): Devices {
  const keyOf = (deviceId: DeviceId): Item => ({ deviceId: s(deviceId) })

  const { get, putIf, updateIf } = table(client, tableName)

  async function find(deviceId: DeviceId): Promise<DeviceRecord | undefined> {
    const item = await get(keyOf(deviceId))
    return item && deviceRecordOf(item)
  }

  /** False if the device already exists. */
  function make({ deviceId, activatedAt, certificates }: DeviceRecord): Promise<boolean> {
    const item = {
      ...keyOf(deviceId),
      activatedAt: n(activatedAt),
      certificates: certificateList(certificates),
      version: n(1),
    }
    return putIf(item, { ConditionExpression: 'attribute_not_exists(deviceId)' })
  }

  /** Replaces the list if it has not changed since it was read; says whether it did. */
  async function replace(
    { deviceId, version }: VersionedRecord,
    certificates: readonly DeviceCertificate[],
  ): Promise<boolean> {
    const item = await updateIf(keyOf(deviceId), {
      UpdateExpression: 'SET certificates = :certificates, version = :next',
      ConditionExpression: 'version = :version',
      ExpressionAttributeValues: {
        ':certificates': certificateList(certificates),
        ':version': n(version),
        ':next': n(version + 1),
      },
    })
    return item !== undefined
  }

  async function findVersion(deviceId: DeviceId): Promise<VersionedRecord | undefined> {
    const item = await get(keyOf(deviceId))
    return item && { ...deviceRecordOf(item), version: number(item, 'version') }
  }

  /** Returns the device with the changed list; a revoked device stays as it is. */
  async function change(
    deviceId: DeviceId,
    edit: (certificates: readonly DeviceCertificate[]) => readonly DeviceCertificate[],
  ): Promise<DeviceRecord | undefined> {
    return whileContended(async () => {
      const record = await findVersion(deviceId)
      if (!record || record.revokedAt !== undefined) return record
      const certificates = edit(record.certificates)
      return (await replace(record, certificates)) ? { ...record, certificates } : 'contended'
    })
  }

  return {
    find,

    addCertificate: (deviceId, certificate, nowMs) =>
      whileContended(async () => {
        const record = await findVersion(deviceId)
        const changed = withCertificate(record ?? newDeviceRecord(deviceId, nowMs), certificate)
        if (changed === record) return changed
        const done = await (record ? replace(record, changed.certificates) : make(changed))
        return done ? changed : 'contended'
      }),

    confirmCertificate: (deviceId, certificateId) =>
      change(deviceId, (all) => withAdmitted(all, certificateId)),

    async forgetCertificates(deviceId, certificateIds) {
      await change(deviceId, (all) => without(all, certificateIds))
    },

    beginRenewal: async (deviceId, renewal, previous) =>
      (await updateIf(keyOf(deviceId), renewalBegun(renewal, previous))) !== undefined,
  }
}

type VersionedRecord = DeviceRecord & { readonly version: number }

/** The change that starts a renewal, unless another one was started since the previous one. */
function renewalBegun(
  { keyHash, startedAt }: Renewal,
  previous: Renewal | undefined,
): ConditionalUpdate {
  return {
    UpdateExpression: 'SET renewalKeyHash = :keyHash, renewalStartedAt = :startedAt',
    ConditionExpression: `attribute_exists(deviceId) AND attribute_not_exists(revokedAt) AND ${
      previous
        ? 'renewalStartedAt = :previous AND renewalKeyHash = :previousKeyHash'
        : 'attribute_not_exists(renewalStartedAt)'
    }`,
    ExpressionAttributeValues: {
      ':keyHash': s(keyHash),
      ':startedAt': n(startedAt),
      ...(previous && {
        ':previous': n(previous.startedAt),
        ':previousKeyHash': s(previous.keyHash),
      }),
    },
  }
}

const MAX_TRIES = 8

/** Read, decide, write if unchanged: tried again when another caller was faster. */
async function whileContended<T>(attempt: () => Promise<T | 'contended'>): Promise<T> {
  for (let tries = 1; tries <= MAX_TRIES; tries += 1) {
    const result = await attempt()
    if (result !== 'contended') return result
  }
  throw new Error('others have changed this device again and again: send the request once more')
}

function certificateItem(certificate: DeviceCertificate) {
  const { certificateId, keyHash, notAfter, admitted } = certificate
  return {
    M: {
      certificateId: s(certificateId),
      keyHash: s(keyHash),
      certificate: s(certificate.certificate),
      notAfter: n(notAfter),
      ...(admitted && { admitted: { BOOL: true } }),
    },
  }
}

export function deviceRecordOf(item: Item): DeviceRecord {
  return defined({
    deviceId: parsed(item, 'deviceId', parseDeviceId),
    activatedAt: number(item, 'activatedAt'),
    revokedAt: optionalNumber(item, 'revokedAt'),
    renewal: renewalOf(item),
    importedAt: optionalNumber(item, 'importedAt'),
    certificates: (item.certificates?.L ?? []).map(({ M: entry = {} }) => certificateOf(entry)),
  }) as DeviceRecord
}

function renewalOf(item: Item): DeviceRecord['renewal'] {
  const [keyHash, startedAt] = [
    optionalText(item, 'renewalKeyHash'),
    optionalNumber(item, 'renewalStartedAt'),
  ]
  return keyHash === undefined || startedAt === undefined ? undefined : { keyHash, startedAt }
}

function certificateOf(entry: Item): DeviceCertificate {
  return {
    certificateId: text(entry, 'certificateId'),
    keyHash: text(entry, 'keyHash'),
    certificate: text(entry, 'certificate'),
    notAfter: number(entry, 'notAfter'),
    ...(entry.admitted?.BOOL && { admitted: true }),
  }
}
