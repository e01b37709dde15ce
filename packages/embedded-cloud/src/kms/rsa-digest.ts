import {
  constants,
  createHash,
  createPublicKey,
  type KeyObject,
  privateEncrypt,
  publicDecrypt,
  randomBytes,
} from 'node:crypto'
import type { Hash } from './specs.ts'

/** RSA signatures over a given digest (RFC 8017, 8.1 and 8.2), which Node's `sign` would hash again. */

/** DER of DigestInfo up to the digest (RFC 8017, 9.2, note 1). */
const digestInfo: Readonly<Record<Hash, string>> = {
  sha256: '3031300d060960864801650304020105000420',
  sha384: '3041300d060960864801650304020205000430',
  sha512: '3051300d060960864801650304020305000440',
}

export function signDigestPkcs1(key: KeyObject, hash: Hash, digest: Buffer): Buffer {
  return privateEncrypt(
    { key, padding: constants.RSA_PKCS1_PADDING },
    Buffer.concat([Buffer.from(digestInfo[hash], 'hex'), digest]),
  )
}

export function verifyDigestPkcs1(
  key: KeyObject,
  hash: Hash,
  digest: Buffer,
  signature: Buffer,
): boolean {
  const opened = open(key, signature, constants.RSA_PKCS1_PADDING)
  return opened?.equals(Buffer.concat([Buffer.from(digestInfo[hash], 'hex'), digest])) ?? false
}

export function signDigestPss(key: KeyObject, hash: Hash, digest: Buffer): Buffer {
  const encoded = encodePss(hash, digest, modulusBits(key) - 1)
  return privateEncrypt({ key, padding: constants.RSA_NO_PADDING }, encoded)
}

export function verifyDigestPss(
  key: KeyObject,
  hash: Hash,
  digest: Buffer,
  signature: Buffer,
): boolean {
  const opened = open(key, signature, constants.RSA_NO_PADDING)
  return opened !== undefined && verifyPss(hash, digest, opened, modulusBits(key) - 1)
}

function open(key: KeyObject, signature: Buffer, padding: number): Buffer | undefined {
  try {
    return publicDecrypt({ key: createPublicKey(key), padding }, signature)
  } catch {
    return undefined
  }
}

function modulusBits(key: KeyObject): number {
  return key.asymmetricKeyDetails?.modulusLength ?? 2048
}

/** EMSA-PSS-ENCODE, RFC 8017 9.1.1, with a salt as long as the hash; moduli here are whole bytes long. */
function encodePss(hash: Hash, digest: Buffer, bits: number): Buffer {
  const salt = randomBytes(digest.length)
  const seal = sealOf(hash, digest, salt)
  const length = Math.ceil(bits / 8)
  const padding = Buffer.alloc(length - salt.length - seal.length - 2)
  const block = Buffer.concat([padding, Buffer.from([1]), salt])
  const masked = xor(block, mask(hash, seal, block.length))
  masked[0] = (masked[0] ?? 0) & (0xff >> (8 * length - bits))
  return Buffer.concat([masked, seal, Buffer.from([0xbc])])
}

/** EMSA-PSS-VERIFY, RFC 8017 9.1.2. */
function verifyPss(hash: Hash, digest: Buffer, encoded: Buffer, bits: number): boolean {
  const blockLength = encoded.length - digest.length - 1
  const seal = encoded.subarray(blockLength, -1)
  const unused = 8 * encoded.length - bits
  if (encoded.at(-1) !== 0xbc || (encoded[0] ?? 0) >> (8 - unused) !== 0) return false
  const block = xor(encoded.subarray(0, blockLength), mask(hash, seal, blockLength))
  block[0] = (block[0] ?? 0) & (0xff >> unused)
  const start = blockLength - digest.length
  const padded = block.subarray(0, start - 1).every((byte) => byte === 0) && block[start - 1] === 1
  return padded && sealOf(hash, digest, block.subarray(start)).equals(seal)
}

function sealOf(hash: Hash, digest: Buffer, salt: Buffer): Buffer {
  return createHash(hash).update(Buffer.alloc(8)).update(digest).update(salt).digest()
}

/** MGF1, RFC 8017 B.2.1. */
function mask(hash: Hash, seed: Buffer, length: number): Buffer {
  const parts: Buffer[] = []
  for (let counter = 0, size = 0; size < length; counter += 1) {
    const number = Buffer.alloc(4)
    number.writeUInt32BE(counter)
    const part = createHash(hash).update(seed).update(number).digest()
    parts.push(part)
    size += part.length
  }
  return Buffer.concat(parts).subarray(0, length)
}

function xor(one: Buffer, other: Buffer): Buffer {
  return Buffer.from(one.map((byte, index) => byte ^ (other[index] ?? 0)))
}
