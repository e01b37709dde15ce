import {
  ConditionalCheckFailedException,
  type DynamoDBClient,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb'
import type { DeviceId, Topic } from '../../core/identifiers.ts'
import { n, s } from '../attributes.ts'

/** What an operator does with the registrations table. */
export interface RegistrationRecords {
  /** Notes that it was the operator who ended the registration at `at`; false where that is not its end. */
  noteExpiry(deviceId: DeviceId, topic: Topic, at: number): Promise<boolean>
}

export function registrationRecords(
  client: DynamoDBClient,
  tableName: string,
): RegistrationRecords {
  return {
    async noteExpiry(deviceId, topic, at) {
      try {
        await client.send(
          new UpdateItemCommand({
            TableName: tableName,
            Key: { deviceId: s(deviceId), topic: s(topic) },
            UpdateExpression: 'SET expiredAt = :at',
            ConditionExpression: 'unregisteredAt = :at',
            ExpressionAttributeValues: { ':at': n(at) },
          }),
        )
        return true
      } catch (fault) {
        if (fault instanceof ConditionalCheckFailedException) return false
        throw fault
      }
    },
  }
}
