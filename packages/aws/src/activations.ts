import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { ActivationCode, Activations, Pace } from '@heliograph/core/ports'
import { type DeviceId, parseDeviceId } from '@heliograph/protocol/identifiers'
import { type Item, n, number, optionalText, parsed, s, text } from './attributes.ts'
import { table } from './table.ts'

/**
 * The activations table: one item per code, by its hash. A code is bound to the first key that
 * redeems it; a `reusable` code (local use only) has one item per key in addition to its own.
 */
export function activations(client: DynamoDBClient, tableName: string): Activations {
  const { get, updateIf } = table(client, tableName)

  /** The device that the code is for; undefined if another key has it. */
  async function bind(
    key: string,
    keyHash: string,
    candidate: DeviceId,
    expiresAt: number,
  ): Promise<DeviceId | undefined> {
    const item = await updateIf(
      { codeHash: s(key) },
      {
        UpdateExpression:
          'SET keyHash = :keyHash, deviceId = if_not_exists(deviceId, :candidate), expiresAt = :expiresAt',
        ConditionExpression: 'attribute_not_exists(keyHash) OR keyHash = :keyHash',
        ExpressionAttributeValues: {
          ':keyHash': s(keyHash),
          ':candidate': s(candidate),
          ':expiresAt': n(Math.floor(expiresAt / 1000)),
        },
      },
    )
    return item && parsed(item, 'deviceId', parseDeviceId)
  }

  return {
    async find(codeHash) {
      const item = await get({ codeHash: s(codeHash) })
      return item && activationCodeOf(item)
    },

    redeem({ codeHash, reusable, expiresAt }, keyHash, candidate) {
      const key = reusable ? `${codeHash}#${keyHash}` : codeHash
      return bind(key, keyHash, candidate, expiresAt)
    },
  }
}

function activationCodeOf(item: Item): ActivationCode {
  const keyHash = optionalText(item, 'keyHash')
  return {
    codeHash: text(item, 'codeHash'),
    expiresAt: number(item, 'expiresAt') * 1000,
    reusable: item.reusable?.BOOL === true,
    ...(keyHash && { boundTo: { keyHash, deviceId: parsed(item, 'deviceId', parseDeviceId) } }),
  }
}

/** How long the count of a second is of use; DynamoDB deletes it some time after. */
const KEPT_SECONDS = 3600

/**
 * Counts in the activations table, one item a second, so that all executions keep one pace. A caller that
 * comes too late for a second is told to ask again in the second in which its place would be.
 */
export function activationPace(client: DynamoDBClient, tableName: string, perSecond: number): Pace {
  const { update } = table(client, tableName)
  return {
    async take(nowMs) {
      const second = Math.floor(nowMs / 1000)
      const item = await update(
        // no code's hash looks like this
        { codeHash: s(`pace#${second}`) },
        {
          UpdateExpression: 'SET expiresAt = :expiresAt ADD taken :one',
          ExpressionAttributeValues: { ':expiresAt': n(second + KEPT_SECONDS), ':one': n(1) },
        },
      )
      return Math.floor((number(item, 'taken') - 1) / perSecond)
    },
  }
}
