import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { RegistrationRecords } from '@heliograph/core/operator-ports'
import { n, s } from '../attributes.ts'
import { table } from '../table.ts'

export function registrationRecords(
  client: DynamoDBClient,
  tableName: string,
): RegistrationRecords {
  const { updateIf } = table(client, tableName)
  return {
    async noteExpiry(deviceId, topic, at) {
      const item = await updateIf(
        { deviceId: s(deviceId), topic: s(topic) },
        {
          UpdateExpression: 'SET expiredAt = :at',
          ConditionExpression: 'unregisteredAt = :at',
          ExpressionAttributeValues: { ':at': n(at) },
        },
      )
      return item !== undefined
    },
  }
}
