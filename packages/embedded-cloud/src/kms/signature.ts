import { constants, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import { signDigestEcdsa, verifyDigestEcdsa } from './ecdsa-digest.ts'
import { signDigestPkcs1, signDigestPss, verifyDigestPkcs1, verifyDigestPss } from './rsa-digest.ts'
import type { Hash, SigningAlgorithm } from './specs.ts'

/** Signing as KMS does it: of a message, or of a digest that the caller has made. */

/** Length of a hash in bytes. */
export const hashBytes: Readonly<Record<Hash, number>> = { sha256: 32, sha384: 48, sha512: 64 }

/** Signs a message; ECDSA signatures are DER, as KMS gives them. */
export function signMessage(key: KeyObject, algorithm: SigningAlgorithm, message: Buffer): Buffer {
  return sign(algorithm.hash, message, { key, ...padding(algorithm) })
}

export function verifyMessage(
  key: KeyObject,
  algorithm: SigningAlgorithm,
  message: Buffer,
  signature: Buffer,
): boolean {
  return verify(
    algorithm.hash,
    message,
    { key: createPublicKey(key), ...padding(algorithm) },
    signature,
  )
}

function padding({ scheme }: SigningAlgorithm): object {
  if (scheme === 'pkcs1') return { padding: constants.RSA_PKCS1_PADDING }
  // kms: the salt is as long as the hash.
  if (scheme === 'pss')
    return {
      padding: constants.RSA_PKCS1_PSS_PADDING,
      saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
    }
  return { dsaEncoding: 'der' }
}

/** Signs a digest, which Node's own `sign` would hash a second time. */
export function signDigest(
  key: KeyObject,
  { scheme, hash }: SigningAlgorithm,
  digest: Buffer,
): Buffer {
  if (scheme === 'pkcs1') return signDigestPkcs1(key, hash, digest)
  if (scheme === 'pss') return signDigestPss(key, hash, digest)
  return signDigestEcdsa(key, digest)
}

/** `key` is the private key, whose public half checks the signature. */
export function verifyDigest(
  key: KeyObject,
  { scheme, hash }: SigningAlgorithm,
  digest: Buffer,
  signature: Buffer,
): boolean {
  if (scheme === 'pkcs1') return verifyDigestPkcs1(key, hash, digest, signature)
  if (scheme === 'pss') return verifyDigestPss(key, hash, digest, signature)
  return verifyDigestEcdsa(key, digest, signature)
}
