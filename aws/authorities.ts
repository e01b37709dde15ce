import { type DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb'
import type { Authorities, Authority } from '../core/ports.ts'
import { s, text } from './attributes.ts'

/** The authorities table: the certificate and KMS key of each CA. A CA never changes, so it is kept once read. */
export function authorities(
  client: DynamoDBClient,
  tableName: string,
): Authorities & { save(authority: Authority): Promise<void> } {
  const known = new Map<string, Authority>()
  return {
    async find(name) {
      const cached = known.get(name)
      if (cached) return cached
      const { Item: item } = await client.send(
        new GetItemCommand({ TableName: tableName, Key: { name: s(name) }, ConsistentRead: true }),
      )
      if (!item) return undefined
      const authority = {
        name,
        certificate: text(item, 'certificate'),
        keyArn: text(item, 'keyArn'),
      }
      known.set(name, authority)
      return authority
    },
    async save({ name, certificate, keyArn }) {
      const item = { name: s(name), certificate: s(certificate), keyArn: s(keyArn) }
      await client.send(new PutItemCommand({ TableName: tableName, Item: item }))
    },
  }
}
