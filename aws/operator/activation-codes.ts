import { type DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb'
import { n, s } from '../attributes.ts'

export interface ActivationCode {
  readonly codeHash: string
  /** UNIX seconds. */
  readonly expiresAt: number
  /** Milliseconds since the epoch. */
  readonly createdAt: number
  /** One code for many devices: for local use only. */
  readonly reusable: boolean
}

/** Puts activation codes on record, by their hashes. */
export function activationCodes(client: DynamoDBClient, tableName: string) {
  return {
    async add({ codeHash, expiresAt, createdAt, reusable }: ActivationCode): Promise<void> {
      await client.send(
        new PutItemCommand({
          TableName: tableName,
          Item: {
            codeHash: s(codeHash),
            expiresAt: n(expiresAt),
            createdAt: n(createdAt),
            ...(reusable ? { reusable: { BOOL: true } } : {}),
          },
        }),
      )
    },
  }
}
