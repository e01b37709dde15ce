import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { EncryptCommand, type KMSClient } from '@aws-sdk/client-kms'
import type { MovedTokenKey } from '@heliograph/core/operator-ports'
import type { TokenKey } from '@heliograph/core/ports'
import type { KeyInRing } from '@heliograph/core/token/key-ring'
import { b, n, s } from '../attributes.ts'
import { table } from '../table.ts'
import { encryptionContext, unwrapTokenKey } from '../token-keys.ts'

/** A key of the ring with its plain bytes; retired ones too: an operator may ask what a dead token was. */
export async function openTokenKey(
  client: KMSClient,
  { wrapped, ...key }: KeyInRing,
): Promise<TokenKey> {
  return { ...key, key: await unwrapTokenKey(client, key.id, wrapped) }
}

/** Where the token keys of a stage are. */
export interface TokenKeyPlace {
  readonly dynamoDb: DynamoDBClient
  readonly kms: KMSClient
  readonly tableName: string
  readonly wrapKeyArn: string
}

/** Keeps a key of another deployment, wrapped as one that was made here; false if its id is taken. */
export async function keepTokenKey(
  { dynamoDb, kms, tableName, wrapKeyArn }: TokenKeyPlace,
  { id, createdAt, retiredAt, key }: MovedTokenKey,
): Promise<boolean> {
  const { CiphertextBlob: wrapped } = await kms.send(
    new EncryptCommand({
      KeyId: wrapKeyArn,
      Plaintext: key,
      EncryptionContext: encryptionContext(id),
    }),
  )
  if (!wrapped) throw new Error('KMS returned no ciphertext')
  const item = { keyId: s(id), createdAt: n(createdAt), wrapped: b(wrapped) }
  return table(dynamoDb, tableName).putIf(
    retiredAt === undefined ? item : { ...item, retiredAt: n(retiredAt) },
    { ConditionExpression: 'attribute_not_exists(keyId)' },
  )
}
