import {
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb'
import type { Activations, Redeemed } from '../core/activate.ts'
import type { DeviceId } from '../core/identifiers.ts'
import { type Item, n, number, optionalText, s, text } from './attributes.ts'

/**
 * The activations table: one item per code, by its hash. A code is bound to the first key that
 * redeems it; a `reusable` code (local use only) keeps one item per key beside its own.
 */
export function activations(client: DynamoDBClient, tableName: string): Activations {
  async function find(codeHash: string): Promise<Item | undefined> {
    const { Item: item } = await client.send(
      new GetItemCommand({
        TableName: tableName,
        Key: { codeHash: s(codeHash) },
        ConsistentRead: true,
      }),
    )
    return item
  }

  async function bind(
    key: string,
    keyHash: string,
    candidate: DeviceId,
    expiresAt: number,
  ): Promise<DeviceId> {
    const { Attributes: item } = await client.send(
      new UpdateItemCommand({
        TableName: tableName,
        Key: { codeHash: s(key) },
        UpdateExpression:
          'SET keyHash = :keyHash, deviceId = if_not_exists(deviceId, :candidate), expiresAt = :expiresAt',
        ConditionExpression: 'attribute_not_exists(keyHash) OR keyHash = :keyHash',
        ExpressionAttributeValues: {
          ':keyHash': s(keyHash),
          ':candidate': s(candidate),
          ':expiresAt': n(expiresAt),
        },
        ReturnValues: 'ALL_NEW',
      }),
    )
    if (!item) throw new Error('DynamoDB returned no item for an update')
    return text(item, 'deviceId') as DeviceId
  }

  return {
    async redeem(codeHash, keyHash, candidate, nowMs): Promise<Redeemed> {
      const code = await find(codeHash)
      if (!code) return { refused: 'unknown' }
      const expiresAt = number(code, 'expiresAt')
      // a device whose answer was lost may ask again after the code's time
      const isRepeat = optionalText(code, 'keyHash') === keyHash
      if (expiresAt * 1000 <= nowMs && !isRepeat) return { refused: 'expired' }
      const key = code.reusable?.BOOL ? `${codeHash}#${keyHash}` : codeHash
      try {
        return { deviceId: await bind(key, keyHash, candidate, expiresAt) }
      } catch (fault) {
        if (fault instanceof ConditionalCheckFailedException) return { refused: 'used' }
        throw fault
      }
    },
  }
}
