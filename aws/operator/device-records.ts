import {
  ConditionalCheckFailedException,
  type DynamoDBClient,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb'
import type { DeviceRecord } from '../../core/activate.ts'
import type { DeviceId } from '../../core/identifiers.ts'
import { n, s } from '../attributes.ts'
import { deviceRecordOf } from '../devices.ts'
import { scan } from './scan.ts'

/** What an operator does with the devices table. */
export interface DeviceRecords {
  /** At most `limit` devices in no order; `more` where there are others. */
  list(
    limit: number,
  ): Promise<{ readonly devices: readonly DeviceRecord[]; readonly more: boolean }>
  /** Marks a device as revoked; the first time stays. Undefined where there is no such device. */
  revoke(deviceId: DeviceId, at: number): Promise<DeviceRecord | undefined>
}

export function deviceRecords(client: DynamoDBClient, tableName: string): DeviceRecords {
  return {
    async list(limit) {
      const devices: DeviceRecord[] = []
      for await (const item of scan(client, tableName)) {
        if (devices.length === limit) return { devices, more: true }
        devices.push(deviceRecordOf(item))
      }
      return { devices, more: false }
    },

    async revoke(deviceId, at) {
      try {
        const { Attributes: item } = await client.send(
          new UpdateItemCommand({
            TableName: tableName,
            Key: { deviceId: s(deviceId) },
            // the version makes a renewal that is under way read the record again
            UpdateExpression: 'SET revokedAt = if_not_exists(revokedAt, :at) ADD version :one',
            ConditionExpression: 'attribute_exists(deviceId)',
            ExpressionAttributeValues: { ':at': n(at), ':one': n(1) },
            ReturnValues: 'ALL_NEW',
          }),
        )
        return item && deviceRecordOf(item)
      } catch (fault) {
        if (fault instanceof ConditionalCheckFailedException) return undefined
        throw fault
      }
    },
  }
}
