import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { Authorities, Authority } from '@heliograph/core/ports'
import { s, text } from './attributes.ts'
import { table } from './table.ts'

/** The authorities table: the certificate and KMS key of each CA. A CA never changes, so it is kept once read. */
export function authorities(
  client: DynamoDBClient,
  tableName: string,
): Authorities & { save(authority: Authority): Promise<void> } {
  const { get, put } = table(client, tableName)
  const known = new Map<string, Authority>()
  return {
    async find(name) {
      const cached = known.get(name)
      if (cached) return cached
      const item = await get({ name: s(name) })
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
      await put({ name: s(name), certificate: s(certificate), keyArn: s(keyArn) })
    },
  }
}
