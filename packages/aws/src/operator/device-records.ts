import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { MAX_CERTIFICATES } from '@heliograph/core/devices/device-record'
import type { DeviceRecords } from '@heliograph/core/operator-ports'
import type { DeviceCertificate, DeviceRecord } from '@heliograph/core/ports'
import type { DeviceId } from '@heliograph/protocol/identifiers'
import { n, s } from '../attributes.ts'
import { certificateList, deviceRecordOf, devices } from '../devices.ts'
import { table } from '../table.ts'
import { scan } from './scan.ts'

export function deviceRecords(client: DynamoDBClient, tableName: string): DeviceRecords {
  const { updateIf } = table(client, tableName)
  return {
    async list(limit) {
      const found: DeviceRecord[] = []
      for await (const item of scan(client, tableName)) {
        if (found.length === limit) return { devices: found, more: true }
        found.push(deviceRecordOf(item))
      }
      return { devices: found, more: false }
    },

    async noteImport(deviceId, exportedAt) {
      await updateIf(
        { deviceId: s(deviceId) },
        {
          UpdateExpression: 'SET importedAt = :at',
          ConditionExpression:
            'attribute_exists(deviceId) AND (attribute_not_exists(importedAt) OR importedAt < :at)',
          ExpressionAttributeValues: { ':at': n(exportedAt) },
        },
      )
    },

    async revoke(deviceId, at) {
      try {
        return await mark(deviceId, at)
      } catch (fault) {
        if (!isTooLarge(fault)) throw fault
        return markTrimmed(deviceId, at)
      }
    },
  }

  /** The version makes a renewal that is under way read the record again. */
  async function mark(
    deviceId: DeviceId,
    at: number,
    kept?: readonly DeviceCertificate[],
  ): Promise<DeviceRecord | undefined> {
    const item = await updateIf(
      { deviceId: s(deviceId) },
      {
        UpdateExpression: `SET revokedAt = if_not_exists(revokedAt, :at)${
          kept ? ', certificates = :kept' : ''
        } ADD version :one`,
        ConditionExpression: 'attribute_exists(deviceId)',
        ExpressionAttributeValues: {
          ':at': n(at),
          ':one': n(1),
          ...(kept && { ':kept': certificateList(kept) }),
        },
      },
    )
    return item && deviceRecordOf(item)
  }

  /**
   * A record that was filled before there was a bound on certificates has no room for the mark. What
   * is left out of it IoT Core still knows: it has them attached to the device.
   */
  async function markTrimmed(deviceId: DeviceId, at: number): Promise<DeviceRecord | undefined> {
    const device = await devices(client, tableName).find(deviceId)
    if (!device) return undefined
    const { certificates } = device
    const marked = await mark(deviceId, at, certificates.slice(0, MAX_CERTIFICATES))
    return marked && { ...marked, certificates }
  }
}

/** An item has at most 400 kB; DynamoDB has no specific exception for this. */
function isTooLarge(fault: unknown): boolean {
  return (
    fault instanceof Error && fault.name === 'ValidationException' && /size/i.test(fault.message)
  )
}
