import {
  type DynamoDBClient,
  PutItemCommand,
  paginateScan,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb'
import {
  DecryptCommand,
  GenerateDataKeyWithoutPlaintextCommand,
  type KMSClient,
} from '@aws-sdk/client-kms'
import type { TokenKeyId } from '../core/identifiers.ts'
import { type KeyInRing, ringOf, type WrappedKey } from '../core/key-ring.ts'
import type { Clock, TokenKey, TokenKeyRing } from '../core/ports.ts'
import type { TokenKeyStore } from '../core/rotate.ts'
import { TOKEN_KEY_BYTES } from '../core/token.ts'
import { b, defined, type Item, n, number, optionalNumber, s, text } from './attributes.ts'

/** Binds a wrapped key to its use and name: KMS unwraps it only with the same context. */
function encryptionContext(id: TokenKeyId): Record<string, string> {
  return { purpose: 'heliograph-token-key', keyId: id }
}

/** The token keys table and the KMS key that wraps what is in it. */
export function tokenKeyStore(
  dynamoDb: DynamoDBClient,
  kms: KMSClient,
  tableName: string,
  wrapKeyArn: string,
): TokenKeyStore {
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
      await dynamoDb.send(
        new PutItemCommand({
          TableName: tableName,
          Item: { keyId: s(id), createdAt: n(createdAt), wrapped: b(wrapped) },
          ConditionExpression: 'attribute_not_exists(keyId)',
        }),
      )
    },
    async retire(id, at) {
      await dynamoDb.send(
        new UpdateItemCommand({
          TableName: tableName,
          Key: { keyId: s(id) },
          UpdateExpression: 'SET retiredAt = if_not_exists(retiredAt, :at)',
          ConditionExpression: 'attribute_exists(keyId)',
          ExpressionAttributeValues: { ':at': n(at) },
        }),
      )
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
        id: text(item, 'keyId') as TokenKeyId,
        createdAt: number(item, 'createdAt'),
        retiredAt: optionalNumber(item, 'retiredAt'),
        wrapped: item.wrapped?.B ?? new Uint8Array(),
      }) as WrappedKey,
  )
}

/** How long a ring is believed: a retired key stops opening tokens everywhere within this time. */
const RING_SECONDS = 60
/** How often the ring may be read again for a token that no key opens, or to seal a new one. */
const REFRESH_SECONDS = 0.25

/**
 * The unwrapped ring, kept in memory. KMS is asked once per key and execution environment, never on
 * the way of a notification whose key is known.
 */
export function tokenKeyRing(
  dynamoDb: DynamoDBClient,
  kms: KMSClient,
  tableName: string,
  clock: Clock,
): TokenKeyRing {
  const unwrapped = new Map<TokenKeyId, Uint8Array>()

  async function read(): Promise<readonly TokenKey[]> {
    const live = ringOf(await listKeys(dynamoDb, tableName)).filter(
      (key) => key.state !== 'retired',
    )
    return Promise.all(live.map(unwrap))
  }

  async function unwrap({ wrapped, ...key }: KeyInRing): Promise<TokenKey> {
    const bytes = unwrapped.get(key.id) ?? (await unwrapTokenKey(kms, key.id, wrapped))
    unwrapped.set(key.id, bytes)
    return { ...key, key: bytes }
  }

  return believedRing(read, clock)
}

/**
 * A ring that is read once in a while; what is asked meanwhile shares one read. A refresh that is due
 * is not put off by the ordinary reads: a new key may have come right after one.
 */
export function believedRing(read: () => Promise<readonly TokenKey[]>, clock: Clock): TokenKeyRing {
  let reading: Promise<readonly TokenKey[]> | undefined
  let readAt = Number.NEGATIVE_INFINITY
  let refreshedAt = Number.NEGATIVE_INFINITY

  function readAgain(): Promise<readonly TokenKey[]> {
    readAt = clock.now()
    const attempt = read()
    reading = attempt
    // a failed read must not be believed for a minute
    attempt.catch(() => {
      if (reading === attempt) reading = undefined
    })
    return attempt
  }

  return {
    keys: () => (reading && isWithin(RING_SECONDS, readAt, clock.now()) ? reading : readAgain()),
    refreshed: () => {
      if (reading && isWithin(REFRESH_SECONDS, refreshedAt, clock.now())) return reading
      refreshedAt = clock.now()
      return readAgain()
    },
  }
}

/** A clock that ran backwards makes a reading old, not young. */
function isWithin(seconds: number, since: number, now: number): boolean {
  return now >= since && now - since < seconds * 1000
}

/** The plain key of a wrapped one; KMS refuses where the context is another. */
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
