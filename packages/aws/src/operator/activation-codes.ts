import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { ActivationCodes } from '@heliograph/core/operator-ports'
import { n, s } from '../attributes.ts'
import { table } from '../table.ts'

/** Puts activation codes on record, by their hashes. */
export function activationCodes(client: DynamoDBClient, tableName: string): ActivationCodes {
  const { put } = table(client, tableName)
  return {
    async add({ codeHash, expiresAt, createdAt, reusable }) {
      await put({
        codeHash: s(codeHash),
        expiresAt: n(expiresAt),
        createdAt: n(createdAt),
        ...(reusable ? { reusable: { BOOL: true } } : {}),
      })
    },
  }
}
