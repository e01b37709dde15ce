import type { KeyObject } from 'node:crypto'
import type { ECDSA } from '@noble/curves/abstract/weierstrass.js'
import { p256, p384 } from '@noble/curves/nist.js'

/** ECDSA over a given digest (FIPS 186-5, 6.4), which Node's crypto would hash a second time. */

const curves: Readonly<Record<string, ECDSA>> = { 'P-256': p256, 'P-384': p384 }

/** The digest as it is, and both halves of the curve's order for s, as OpenSSL and KMS have it. */
const asGiven = { prehash: false, lowS: false, format: 'der' } as const

/** A DER signature. As with KMS, no two of them are alike. */
export function signDigestEcdsa(key: KeyObject, digest: Buffer): Buffer {
  const { curve, secret } = secretOf(key)
  return Buffer.from(curve.sign(digest, secret, { ...asGiven, extraEntropy: true }))
}

/** `key` is the private key; also false for anything that is not a DER signature. */
export function verifyDigestEcdsa(key: KeyObject, digest: Buffer, signature: Buffer): boolean {
  const { curve, secret } = secretOf(key)
  try {
    return curve.verify(signature, digest, curve.getPublicKey(secret), asGiven)
  } catch {
    return false
  }
}

function secretOf(key: KeyObject): { curve: ECDSA; secret: Buffer } {
  const { crv = '', d = '' } = key.export({ format: 'jwk' })
  const curve = curves[crv]
  if (curve === undefined) throw new Error(`There is no curve ${crv} here.`)
  return { curve, secret: Buffer.from(d, 'base64url') }
}
