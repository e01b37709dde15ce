import { createPublicKey, type KeyObject, randomBytes } from 'node:crypto'
import { AwsError } from '../answer.ts'
import { decrypt, type EncryptionContext, encrypt, keyIdOf } from './cipher.ts'
import type { Key, KeyStore } from './key-store.ts'
import { hashBytes, signDigest, signMessage, verifyDigest, verifyMessage } from './signature.ts'
import { algorithmsOf, type SigningAlgorithm } from './specs.ts'

export type Json = Record<string, unknown>

/** One operation of KMS after the key is found and the caller allowed. */
type KeyOperation = (key: Key, input: Json, store: KeyStore) => Json | Promise<Json>

/** kms: Message of Sign, Plaintext of Encrypt; bytes. */
const maxBytes = 4096

/** Operations on one key; the input's KeyId, or the ciphertext, names it. */
export const keyOperations: Readonly<Record<string, KeyOperation>> = {
  Decrypt: decryptWith,
  DescribeKey: (key, _input, { identity }) => ({ KeyMetadata: metadata(key, identity.accountId) }),
  DisableKey: (key, _input, store) => setEnabled(key, false, store),
  EnableKey: (key, _input, store) => setEnabled(key, true, store),
  Encrypt: encryptWith,
  GenerateDataKey: (key, input) => generateDataKey(key, input, true),
  GenerateDataKeyWithoutPlaintext: (key, input) => generateDataKey(key, input, false),
  GetPublicKey: getPublicKey,
  Sign: signWith,
  Verify: verifyWith,
}

/** Operations that are about no key in particular. */
export const storeOperations: Readonly<Record<string, (store: KeyStore, input: Json) => Json>> = {
  ListAliases: listAliases,
  ListKeys: (store) => ({
    Keys: store.keys().map(({ keyId, arn }) => ({ KeyId: keyId, KeyArn: arn })),
    Truncated: false,
  }),
}

/** The key that an operation is about; throws NotFoundException, or what Decrypt has to say. */
export function keyFor(operation: string, input: Json, store: KeyStore): Key {
  if (operation === 'Decrypt') return keyOfCiphertext(input, store)
  if (typeof input.KeyId !== 'string') throw invalid('KeyId must be given.')
  return store.find(input.KeyId)
}

function keyOfCiphertext(input: Json, store: KeyStore): Key {
  const keyId = keyIdOf(bytesOf(input, 'CiphertextBlob', Number.POSITIVE_INFINITY))
  const made = keyId === undefined ? undefined : store.keys().find((key) => key.keyId === keyId)
  if (made === undefined)
    throw new AwsError('InvalidCiphertextException', 'Not made by a key of here.')
  if (typeof input.KeyId === 'string' && store.find(input.KeyId) !== made)
    throw new AwsError(
      'IncorrectKeyException',
      'The key ID in the request does not identify a CMK that can perform this operation.',
    )
  return made
}

async function setEnabled(key: Key, enabled: boolean, store: KeyStore): Promise<Json> {
  key.enabled = enabled
  await store.save()
  return {}
}

function encryptWith(key: Key, input: Json): Json {
  const plaintext = bytesOf(input, 'Plaintext', maxBytes)
  const blob = encrypt(key.keyId, symmetric(key, 'Encrypt'), plaintext, contextOf(input))
  return {
    CiphertextBlob: blob.toString('base64'),
    KeyId: key.arn,
    EncryptionAlgorithm: 'SYMMETRIC_DEFAULT',
  }
}

function decryptWith(key: Key, input: Json): Json {
  const ciphertext = bytesOf(input, 'CiphertextBlob', Number.POSITIVE_INFINITY)
  const plaintext = decrypt(symmetric(key, 'Decrypt'), ciphertext, contextOf(input))
  if (plaintext === undefined)
    throw new AwsError('InvalidCiphertextException', 'The ciphertext or its context was changed.')
  return {
    Plaintext: plaintext.toString('base64'),
    KeyId: key.arn,
    EncryptionAlgorithm: 'SYMMETRIC_DEFAULT',
  }
}

function generateDataKey(key: Key, input: Json, withPlaintext: boolean): Json {
  const secret = symmetric(key, 'GenerateDataKey')
  const plaintext = randomBytes(dataKeyBytes(input))
  const blob = encrypt(key.keyId, secret, plaintext, contextOf(input))
  const wrapped = { CiphertextBlob: blob.toString('base64'), KeyId: key.arn }
  return withPlaintext ? { ...wrapped, Plaintext: plaintext.toString('base64') } : wrapped
}

function dataKeyBytes({ KeySpec, NumberOfBytes }: Json): number {
  if ((KeySpec === undefined) === (NumberOfBytes === undefined))
    throw invalid('Please specify either number of bytes or key spec.')
  if (KeySpec === 'AES_256') return 32
  if (KeySpec === 'AES_128') return 16
  const bytes = Number(NumberOfBytes)
  if (!Number.isInteger(bytes) || bytes < 1 || bytes > 1024)
    throw invalid('NumberOfBytes must be 1 to 1024, KeySpec AES_128 or AES_256.')
  return bytes
}

function getPublicKey(key: Key): Json {
  const { privateKey, algorithms } = signing(key, 'GetPublicKey')
  const der = createPublicKey(privateKey).export({ type: 'spki', format: 'der' })
  return {
    KeyId: key.arn,
    PublicKey: der.toString('base64'),
    KeySpec: key.spec,
    CustomerMasterKeySpec: key.spec,
    KeyUsage: 'SIGN_VERIFY',
    SigningAlgorithms: Object.keys(algorithms),
  }
}

function signWith(key: Key, input: Json): Json {
  const { privateKey, algorithm, message, digest } = signingInput(key, input, 'Sign')
  const sign = digest ? signDigest : signMessage
  return {
    KeyId: key.arn,
    Signature: sign(privateKey, algorithm, message).toString('base64'),
    SigningAlgorithm: input.SigningAlgorithm,
  }
}

function verifyWith(key: Key, input: Json): Json {
  const { privateKey, algorithm, message, digest } = signingInput(key, input, 'Verify')
  const signature = bytesOf(input, 'Signature', 6144)
  const verify = digest ? verifyDigest : verifyMessage
  if (!verify(privateKey, algorithm, message, signature))
    throw new AwsError(
      'KMSInvalidSignatureException',
      'The signature is not of this message and key.',
    )
  return { KeyId: key.arn, SignatureValid: true, SigningAlgorithm: input.SigningAlgorithm }
}

interface SigningInput {
  readonly privateKey: KeyObject
  readonly algorithm: SigningAlgorithm
  readonly message: Buffer
  readonly digest: boolean
}

function signingInput(key: Key, input: Json, operation: string): SigningInput {
  const { privateKey, algorithms } = signing(key, operation)
  const algorithm = algorithms[String(input.SigningAlgorithm)]
  if (algorithm === undefined)
    throw new AwsError(
      'InvalidKeyUsageException',
      `Algorithm ${input.SigningAlgorithm} is incompatible with key spec ${key.spec}.`,
    )
  const message = bytesOf(input, 'Message', maxBytes)
  const digest = input.MessageType === 'DIGEST'
  if (digest && message.length !== hashBytes[algorithm.hash])
    throw invalid(`Digest is invalid length for algorithm ${input.SigningAlgorithm}.`)
  return { privateKey, algorithm, message, digest }
}

function symmetric(key: Key, operation: string): Buffer {
  refuseDisabled(key)
  if (key.secret.kind === 'symmetric') return key.secret.bytes
  throw wrongUsage(key, operation)
}

function signing(
  key: Key,
  operation: string,
): { privateKey: KeyObject; algorithms: Readonly<Record<string, SigningAlgorithm>> } {
  refuseDisabled(key)
  if (key.secret.kind === 'private' && key.spec !== 'SYMMETRIC_DEFAULT')
    return { privateKey: key.secret.key, algorithms: algorithmsOf(key.spec) }
  // kms:GetPublicKey: a symmetric key is an unsupported operation there, a wrong usage elsewhere.
  if (operation === 'GetPublicKey')
    throw new AwsError('UnsupportedOperationException', `${key.arn} has no public key.`)
  throw wrongUsage(key, operation)
}

function refuseDisabled({ arn, enabled }: Key): void {
  if (!enabled) throw new AwsError('DisabledException', `${arn} is disabled.`)
}

function wrongUsage({ arn, spec }: Key, operation: string): AwsError {
  const usage = usageOf(spec)
  const message = `${arn} key usage is ${usage} which is not valid for ${operation}.`
  return new AwsError('InvalidKeyUsageException', message)
}

function usageOf(spec: Key['spec']): string {
  return spec === 'SYMMETRIC_DEFAULT' ? 'ENCRYPT_DECRYPT' : 'SIGN_VERIFY'
}

function metadata(key: Key, accountId: string): Json {
  const algorithms =
    key.spec === 'SYMMETRIC_DEFAULT'
      ? { EncryptionAlgorithms: ['SYMMETRIC_DEFAULT'] }
      : { SigningAlgorithms: Object.keys(algorithmsOf(key.spec)) }
  return {
    AWSAccountId: accountId,
    KeyId: key.keyId,
    Arn: key.arn,
    CreationDate: key.createdAt / 1000,
    Enabled: key.enabled,
    Description: key.description,
    KeyUsage: usageOf(key.spec),
    KeyState: keyState(key),
    ...(key.deletionAt !== undefined && { DeletionDate: key.deletionAt / 1000 }),
    Origin: 'AWS_KMS',
    KeyManager: 'CUSTOMER',
    KeySpec: key.spec,
    CustomerMasterKeySpec: key.spec,
    MultiRegion: false,
    ...algorithms,
  }
}

function keyState({ enabled, deletionAt }: Key): string {
  if (deletionAt !== undefined) return 'PendingDeletion'
  return enabled ? 'Enabled' : 'Disabled'
}

function listAliases(store: KeyStore, { KeyId }: Json): Json {
  const wanted = typeof KeyId === 'string' ? store.find(KeyId).keyId : undefined
  const some = store.aliases().filter(([, keyId]) => wanted === undefined || keyId === wanted)
  const Aliases = some.map(([name, keyId]) => ({
    AliasName: name,
    AliasArn: store.arnOf(name),
    TargetKeyId: keyId,
  }))
  return { Aliases, Truncated: false }
}

function bytesOf(input: Json, name: string, max: number): Buffer {
  const value = input[name]
  const bytes = Buffer.from(typeof value === 'string' ? value : '', 'base64')
  if (bytes.length >= 1 && bytes.length <= max) return bytes
  throw invalid(`${name} must have 1 to ${max} bytes.`)
}

/** The encryption context of a call; empty when it has none. */
export function contextOf({ EncryptionContext: context }: Json): EncryptionContext {
  return typeof context === 'object' && context !== null ? (context as EncryptionContext) : {}
}

function invalid(message: string): AwsError {
  return new AwsError('ValidationException', message)
}
