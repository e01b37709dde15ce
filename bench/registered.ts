import { randomBytes } from 'node:crypto'
import { BatchWriteItemCommand, type WriteRequest } from '@aws-sdk/client-dynamodb'
import { tokenKeyRing } from '@heliograph/aws/token-keys'
import { deviceIdFromBytes } from '@heliograph/core/device-id'
import { sealToken } from '@heliograph/core/token/token'
import type { DeviceToken, Topic } from '@heliograph/protocol/identifiers'
import type { AwsDeployment } from '../packages/operator/src/aws-stage.ts'
import { inParallel } from './fleet.ts'

/** Items in one call (DynamoDB: BatchWriteItem). */
const MOST_ITEMS = 25

/**
 * Tokens of devices that are on record as registered and have never connected: as good as any to a provider, and
 * made in seconds where a hundred thousand activations would take an hour.
 */
export async function registerOffline(
  { clients, outputs, clock }: AwsDeployment,
  topic: Topic,
  count: number,
): Promise<DeviceToken[]> {
  const ring = tokenKeyRing(clients.dynamoDb, clients.kms, outputs.TokenKeysTable, clock)
  const [primary] = await ring.keys()
  if (!primary) throw new Error('the stage has no token key')
  const ids = Array.from({ length: count }, () =>
    deviceIdFromBytes(new Uint8Array(randomBytes(10))),
  )
  const now = { N: String(clock.now()) }
  const put = (deviceId: string): WriteRequest => ({
    PutRequest: {
      Item: {
        deviceId: { S: deviceId },
        topic: { S: topic },
        state: { S: 'live' },
        changedAt: now,
        registeredAt: now,
      },
    },
  })
  await inParallel(Math.ceil(count / MOST_ITEMS), 8, async (batch) => {
    const some = ids.slice(batch * MOST_ITEMS, (batch + 1) * MOST_ITEMS)
    const RequestItems = { [outputs.RegistrationsTable]: some.map(put) }
    await clients.dynamoDb.send(new BatchWriteItemCommand({ RequestItems }))
  })
  return ids.map((deviceId) => sealToken(primary, deviceId, topic))
}
