import { type DynamoDBClient, paginateScan } from '@aws-sdk/client-dynamodb'
import {
  DecryptCommand,
  GenerateDataKeyWithoutPlaintextCommand,
  type KMSClient,
} from '@aws-sdk/client-kms'
import type {
  Clock,
  TokenKey,
  TokenKeyRing,
  TokenKeyState,
  TokenKeyStore,
  WrappedKey,
} from '@heliograph/core/ports'
import { believedRing } from '@heliograph/core/token/believed-ring'
import { type KeyInRing, ringOf } from '@heliograph/core/token/key-ring'
import { TOKEN_KEY_BYTES } from '@heliograph/core/token/token'
import { parseTokenKeyId, type TokenKeyId } from '@heliograph/protocol/identifiers'
import { b, defined, type Item, n, number, optionalNumber, parsed, s } from './attributes.ts'
import { table } from './table.ts'

/** Binds a wrapped key to its use and name: KMS unwraps it only with the same context. */
export function encryptionContext(id: TokenKeyId): Record<string, string> {
  return { purpose: 'heliograph-token-key', keyId: id }
}

/** The token keys table, and the KMS key that wraps its keys. */
export function tokenKeyStore(
  dynamoDb: DynamoDBClient,
  kms: KMSClient,
  tableName: string,
  wrapKeyArn: string,
): TokenKeyStore {
  const { putIf, updateIf } = table(dynamoDb, tableName)
  return {
    list: () => listKeys(dynamoDb, tableName),
    async create(id, createdAt) {
      const { CiphertextBlob: wrapped } = await kms.send(
        new GenerateDataKeyWithoutPlaintextCommand({
          KeyId: wrapKeyArn,
          NumberOfBytes: TOKEN_KEY_BYTES,
          EncryptionContext: encryptionContext(id),
        }),
      )
      if (!wrapped) throw new Error('KMS returned no data key')
      const item = { keyId: s(id), createdAt: n(createdAt), wrapped: b(wrapped) }
      const isNew = await putIf(item, { ConditionExpression: 'attribute_not_exists(keyId)' })
      if (!isNew) throw new Error(`token key ${id} already exists`)
    },
    async retire(id, at) {
      const retired = await updateIf(
        { keyId: s(id) },
        {
          UpdateExpression: 'SET retiredAt = if_not_exists(retiredAt, :at)',
          ConditionExpression: 'attribute_exists(keyId)',
          ExpressionAttributeValues: { ':at': n(at) },
        },
      )
      if (!retired) throw new Error(`there is no token key ${id}`)
    },
  }
}

async function listKeys(dynamoDb: DynamoDBClient, tableName: string): Promise<WrappedKey[]> {
  const items: Item[] = []
  const input = { TableName: tableName, ConsistentRead: true }
  for await (const page of paginateScan({ client: dynamoDb }, input))
    items.push(...(page.Items ?? []))
  return items.map(
    (item) =>
      defined({
        id: parsed(item, 'keyId', parseTokenKeyId),
        createdAt: number(item, 'createdAt'),
        retiredAt: optionalNumber(item, 'retiredAt'),
        wrapped: item.wrapped?.B ?? new Uint8Array(),
      }) as WrappedKey,
  )
}

/** Keys that open tokens and make good seals. */
const LIVE: readonly TokenKeyState[] = ['primary', 'accepted']
/** Including retired keys, for callers that must recognize old tokens but no longer act on them. */
export const EVERY_KEY: readonly TokenKeyState[] = [...LIVE, 'retired']

/**
 * The unwrapped ring, kept in memory. KMS is asked once per key and execution environment, never on
 * a notification's path whose key is known.
 */
export function tokenKeyRing(
  dynamoDb: DynamoDBClient,
  kms: KMSClient,
  tableName: string,
  clock: Clock,
  states = LIVE,
): TokenKeyRing {
  const unwrapped = new Map<TokenKeyId, Uint8Array>()

  async function read(): Promise<readonly TokenKey[]> {
    const keys = ringOf(await listKeys(dynamoDb, tableName))
    return Promise.all(keys.filter(({ state }) => states.includes(state)).map(unwrap))
  }

  async function unwrap({ wrapped, ...key }: KeyInRing): Promise<TokenKey> {
    const bytes = unwrapped.get(key.id) ?? (await unwrapTokenKey(kms, key.id, wrapped))
    unwrapped.set(key.id, bytes)
    return { ...key, key: bytes }
  }

  return believedRing(read, clock)
}

/** The plain key of a wrapped one; KMS refuses if the context differs. */
export async function unwrapTokenKey(
  kms: KMSClient,
  id: TokenKeyId,
  wrapped: Uint8Array,
): Promise<Uint8Array> {
  const { Plaintext: key } = await kms.send(
    new DecryptCommand({ CiphertextBlob: wrapped, EncryptionContext: encryptionContext(id) }),
  )
  if (key?.length !== TOKEN_KEY_BYTES) throw new Error(`token key ${id} cannot be unwrapped`)
  return key
}
