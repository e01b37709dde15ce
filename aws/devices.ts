import {
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb'
import type { DeviceCertificate, DeviceRecord, Devices } from '../core/activate.ts'
import type { DeviceId } from '../core/identifiers.ts'
import { defined, type Item, n, number, optionalNumber, s, text } from './attributes.ts'

/** The devices table: one item per device, its certificates newest first. */
export function devices(client: DynamoDBClient, tableName: string): Devices {
  const keyOf = (deviceId: DeviceId): Item => ({ deviceId: s(deviceId) })

  async function find(deviceId: DeviceId): Promise<DeviceRecord | undefined> {
    const { Item: item } = await client.send(
      new GetItemCommand({ TableName: tableName, Key: keyOf(deviceId), ConsistentRead: true }),
    )
    return item && deviceRecordOf(item)
  }

  async function make(record: DeviceRecord): Promise<void> {
    await client.send(
      new PutItemCommand({
        TableName: tableName,
        Item: {
          ...keyOf(record.deviceId),
          activatedAt: n(record.activatedAt),
          certificates: { L: record.certificates.map(certificateItem) },
          version: n(1),
        },
        ConditionExpression: 'attribute_not_exists(deviceId)',
      }),
    )
  }

  /** Replaces the list if it has not changed since it was read. */
  async function replace(
    record: DeviceRecord & { readonly version: number },
    certificates: readonly DeviceCertificate[],
  ): Promise<void> {
    await client.send(
      new UpdateItemCommand({
        TableName: tableName,
        Key: keyOf(record.deviceId),
        UpdateExpression: 'SET certificates = :certificates, version = :next',
        ConditionExpression: 'version = :version',
        ExpressionAttributeValues: {
          ':certificates': { L: certificates.map(certificateItem) },
          ':version': n(record.version),
          ':next': n(record.version + 1),
        },
      }),
    )
  }

  async function findVersion(deviceId: DeviceId) {
    const { Item: item } = await client.send(
      new GetItemCommand({ TableName: tableName, Key: keyOf(deviceId), ConsistentRead: true }),
    )
    return item && { ...deviceRecordOf(item), version: number(item, 'version') }
  }

  async function change(
    deviceId: DeviceId,
    edit: (certificates: readonly DeviceCertificate[]) => readonly DeviceCertificate[],
  ): Promise<void> {
    await whileContended(async () => {
      const record = await findVersion(deviceId)
      if (record) await replace(record, edit(record.certificates))
    })
  }

  return {
    find,

    addCertificate: (deviceId, certificate, nowMs) =>
      whileContended(async () => {
        const record = await findVersion(deviceId)
        if (record?.revokedAt !== undefined) throw new Error(`device ${deviceId} has been revoked`)
        if (record?.certificates.some(({ keyHash }) => keyHash === certificate.keyHash))
          return record
        const certificates = [certificate, ...(record?.certificates ?? [])]
        if (record) await replace(record, certificates)
        else await make({ deviceId, activatedAt: nowMs, certificates })
        return { deviceId, activatedAt: nowMs, ...record, certificates }
      }),

    keepCertificate: (deviceId, certificateId) =>
      change(deviceId, (all) => all.filter((one) => one.certificateId === certificateId)),

    forgetCertificate: (deviceId, certificateId) =>
      change(deviceId, (all) => all.filter((one) => one.certificateId !== certificateId)),
  }
}

const MAX_TRIES = 8

/** Read, decide, write if unchanged: tried again when another caller was faster. */
async function whileContended<T>(attempt: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await attempt()
    } catch (fault) {
      if (!(fault instanceof ConditionalCheckFailedException) || tries === MAX_TRIES) throw fault
    }
  }
}

function certificateItem(certificate: DeviceCertificate) {
  const { certificateId, keyHash, notAfter } = certificate
  return {
    M: {
      certificateId: s(certificateId),
      keyHash: s(keyHash),
      certificate: s(certificate.certificate),
      notAfter: n(notAfter),
    },
  }
}

export function deviceRecordOf(item: Item): DeviceRecord {
  return defined({
    deviceId: text(item, 'deviceId') as DeviceId,
    activatedAt: number(item, 'activatedAt'),
    revokedAt: optionalNumber(item, 'revokedAt'),
    certificates: (item.certificates?.L ?? []).map(({ M: entry = {} }) => ({
      certificateId: text(entry, 'certificateId'),
      keyHash: text(entry, 'keyHash'),
      certificate: text(entry, 'certificate'),
      notAfter: number(entry, 'notAfter'),
    })),
  }) as DeviceRecord
}
