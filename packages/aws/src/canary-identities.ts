import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { DecryptCommand, EncryptCommand, type KMSClient } from '@aws-sdk/client-kms'
import type { CanaryIdentities, CanaryIdentity } from '@heliograph/core/canary/enrollment'
import { b, s } from './attributes.ts'
import { table } from './table.ts'

type Name = 'identity' | 'next'

/** Binds what is sealed to its use and name: KMS unwraps its key only with the same context. */
const contextOf = (name: Name) => ({ purpose: 'heliograph-canary', name })

const CIPHER = 'aes-256-gcm'
const KEY_BYTES = 32
/** NIST SP 800-38D, 8.2: a random one of 96 bits; a key seals one text. */
const IV_BYTES = 12
const TAG_BYTES = 16

/**
 * The canary's table: an item each for who it is and for the key of an enrollment under way. Each is sealed under a
 * key of its own, which KMS wraps: a private key is too long for KMS itself. An item that cannot be opened is a fault:
 * the canary is silent then, and the alarm tells of it.
 */
export function canaryIdentities(
  dynamoDb: DynamoDBClient,
  kms: KMSClient,
  tableName: string,
  keyArn: string,
): CanaryIdentities {
  const { get, put } = table(dynamoDb, tableName)
  const unwrapped = new Map<string, Uint8Array>()

  /** KMS is asked once for each key and execution environment. */
  async function unwrap(name: Name, wrapped: Uint8Array): Promise<Uint8Array> {
    const id = Buffer.from(wrapped).toString('base64')
    const known = unwrapped.get(id)
    if (known) return known
    const { Plaintext: key } = await kms.send(
      new DecryptCommand({
        ...{ KeyId: keyArn, CiphertextBlob: wrapped, EncryptionContext: contextOf(name) },
      }),
    )
    if (key?.length !== KEY_BYTES) throw new Error(`the canary's ${name} cannot be unwrapped`)
    unwrapped.clear()
    unwrapped.set(id, key)
    return key
  }

  async function read(name: Name): Promise<string | undefined> {
    const item = await get({ name: s(name) })
    if (!item) return undefined
    const { wrapped, sealed } = { wrapped: item.wrapped?.B, sealed: item.sealed?.B }
    if (!wrapped || !sealed) throw new Error(`the canary's ${name} on record is malformed`)
    return unseal(await unwrap(name, wrapped), sealed, name)
  }

  async function write(name: Name, text: string): Promise<void> {
    const key = randomBytes(KEY_BYTES)
    const { CiphertextBlob: wrapped } = await kms.send(
      new EncryptCommand({ KeyId: keyArn, Plaintext: key, EncryptionContext: contextOf(name) }),
    )
    if (!wrapped) throw new Error('KMS wrapped no key')
    await put({ name: s(name), wrapped: b(wrapped), sealed: b(seal(key, text, name)) })
  }

  return {
    async find() {
      const text = await read('identity')
      return text === undefined ? undefined : (JSON.parse(text) as CanaryIdentity)
    },
    keep: (identity) => write('identity', JSON.stringify(identity)),
    findNext: () => read('next'),
    keepNext: (privateKey) => write('next', privateKey),
  }
}

function seal(key: Uint8Array, text: string, name: Name): Buffer {
  const iv = randomBytes(IV_BYTES)
  const cipher = createCipheriv(CIPHER, key, iv).setAAD(Buffer.from(name))
  const sealed = [cipher.update(text, 'utf8'), cipher.final()]
  return Buffer.concat([iv, ...sealed, cipher.getAuthTag()])
}

/** @throws where anything of it was changed. */
function unseal(key: Uint8Array, sealed: Uint8Array, name: Name): string {
  const bytes = Buffer.from(sealed)
  const tagAt = bytes.length - TAG_BYTES
  const decipher = createDecipheriv(CIPHER, key, bytes.subarray(0, IV_BYTES), {
    authTagLength: TAG_BYTES,
  })
  decipher.setAAD(Buffer.from(name)).setAuthTag(bytes.subarray(tagAt))
  const opened = [decipher.update(bytes.subarray(IV_BYTES, tagAt)), decipher.final()]
  return Buffer.concat(opened).toString('utf8')
}
