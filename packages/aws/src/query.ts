import {
  type DynamoDBClient,
  paginateQuery,
  type QueryCommandInput,
} from '@aws-sdk/client-dynamodb'
import type { DeviceId } from '@heliograph/protocol/identifiers'
import { type Item, s } from './attributes.ts'

/** All items under one device id, read consistently. */
export function ofDevice(tableName: string, deviceId: DeviceId): QueryCommandInput {
  return {
    TableName: tableName,
    KeyConditionExpression: 'deviceId = :deviceId',
    ExpressionAttributeValues: { ':deviceId': s(deviceId) },
    ConsistentRead: true,
  }
}

/** Every page of a query. */
export async function queryAll(client: DynamoDBClient, input: QueryCommandInput): Promise<Item[]> {
  const items: Item[] = []
  for await (const page of paginateQuery({ client }, input)) items.push(...(page.Items ?? []))
  return items
}
