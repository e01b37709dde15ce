import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'

/**
 * Ciphertexts of the embedded KMS: version (1 byte), key id (16 bytes), nonce (12), AES-256-GCM text,
 * tag (16). Version, key id and encryption context are authenticated, so none can be changed.
 */

export type EncryptionContext = Readonly<Record<string, string>>

const version = 1
const headerBytes = 17
const nonceBytes = 12
const tagBytes = 16

export function encrypt(
  keyId: string,
  secret: Buffer,
  plaintext: Buffer,
  context: EncryptionContext,
): Buffer {
  const header = Buffer.concat([
    Buffer.from([version]),
    Buffer.from(keyId.replaceAll('-', ''), 'hex'),
  ])
  const nonce = randomBytes(nonceBytes)
  const cipher = createCipheriv('aes-256-gcm', secret, nonce)
  cipher.setAAD(associatedData(header, context))
  return Buffer.concat([
    header,
    nonce,
    cipher.update(plaintext),
    cipher.final(),
    cipher.getAuthTag(),
  ])
}

/** The id of the key that made a ciphertext; undefined when it cannot be one of this KMS. */
export function keyIdOf(ciphertext: Buffer): string | undefined {
  if (ciphertext.length < headerBytes + nonceBytes + tagBytes || ciphertext[0] !== version)
    return undefined
  const hex = ciphertext.toString('hex', 1, headerBytes)
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

/** Undefined when the ciphertext or the context is not what was encrypted. */
export function decrypt(
  secret: Buffer,
  ciphertext: Buffer,
  context: EncryptionContext,
): Buffer | undefined {
  const header = ciphertext.subarray(0, headerBytes)
  const nonce = ciphertext.subarray(headerBytes, headerBytes + nonceBytes)
  const decipher = createDecipheriv('aes-256-gcm', secret, nonce)
  decipher.setAAD(associatedData(header, context))
  decipher.setAuthTag(ciphertext.subarray(-tagBytes))
  try {
    const text = ciphertext.subarray(headerBytes + nonceBytes, -tagBytes)
    return Buffer.concat([decipher.update(text), decipher.final()])
  } catch {
    return undefined
  }
}

/** The pairs in a fixed order: kms:encrypt_context says that order does not matter. */
function associatedData(header: Buffer, context: EncryptionContext): Buffer {
  const pairs = Object.entries(context).sort(([one], [other]) => (one < other ? -1 : 1))
  return Buffer.concat([header, Buffer.from(JSON.stringify(pairs))])
}
