import { generateKeyPair, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'

/** The key specs with which KMS signs, as far as they are supported here (kms:symm-asymm-choose-key-spec). */
export const asymmetricSpecs = {
  RSA_2048: { type: 'rsa', bits: 2048 },
  RSA_3072: { type: 'rsa', bits: 3072 },
  RSA_4096: { type: 'rsa', bits: 4096 },
  ECC_NIST_P256: { type: 'ec', curve: 'prime256v1', hash: 'sha256' },
  ECC_NIST_P384: { type: 'ec', curve: 'secp384r1', hash: 'sha384' },
} as const

export type AsymmetricSpec = keyof typeof asymmetricSpecs

export type Hash = 'sha256' | 'sha384' | 'sha512'

export interface SigningAlgorithm {
  readonly scheme: 'pkcs1' | 'pss' | 'ecdsa'
  readonly hash: Hash
}

const rsaAlgorithms: Readonly<Record<string, SigningAlgorithm>> = {
  RSASSA_PKCS1_V1_5_SHA_256: { scheme: 'pkcs1', hash: 'sha256' },
  RSASSA_PKCS1_V1_5_SHA_384: { scheme: 'pkcs1', hash: 'sha384' },
  RSASSA_PKCS1_V1_5_SHA_512: { scheme: 'pkcs1', hash: 'sha512' },
  RSASSA_PSS_SHA_256: { scheme: 'pss', hash: 'sha256' },
  RSASSA_PSS_SHA_384: { scheme: 'pss', hash: 'sha384' },
  RSASSA_PSS_SHA_512: { scheme: 'pss', hash: 'sha512' },
}

/** The signing algorithms that a key spec allows, by their KMS names. */
export function algorithmsOf(spec: AsymmetricSpec): Readonly<Record<string, SigningAlgorithm>> {
  const details = asymmetricSpecs[spec]
  if (details.type === 'rsa') return rsaAlgorithms
  const { hash } = details
  return { [`ECDSA_${hash.replace('sha', 'SHA_')}`]: { scheme: 'ecdsa', hash } }
}

const generate = promisify(generateKeyPair)

/** Makes a private key; 100 to 150 ms for RSA_2048. */
export async function generatePrivateKey(spec: AsymmetricSpec): Promise<KeyObject> {
  const details = asymmetricSpecs[spec]
  const { privateKey } =
    details.type === 'rsa'
      ? await generate('rsa', { modulusLength: details.bits })
      : await generate('ec', { namedCurve: details.curve })
  return privateKey
}
