import { type DynamoDBClient, paginateScan } from '@aws-sdk/client-dynamodb'
import type { Item } from '../attributes.ts'

/** Items of a table as they come, page by page; for tables that grow with the number of devices. */
export async function* scan(client: DynamoDBClient, tableName: string): AsyncGenerator<Item> {
  const input = { TableName: tableName, ConsistentRead: true }
  for await (const page of paginateScan({ client }, input)) yield* page.Items ?? []
}
