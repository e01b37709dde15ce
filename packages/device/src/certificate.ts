import 'reflect-metadata' // @peculiar/x509 needs it before its own import
import { createPrivateKey, generateKeyPairSync, webcrypto, X509Certificate } from 'node:crypto'
import { Pkcs10CertificateRequestGenerator } from '@peculiar/x509'

const P256 = { name: 'ECDSA', namedCurve: 'P-256' }

/** A private key and the certificate for it, both PEM. */
export interface Credentials {
  readonly privateKey: string
  readonly certificate: string
}

/** A new P-256 private key, PKCS#8 PEM. */
export function makePrivateKey(): string {
  return generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  }).privateKey
}

/**
 * A certificate signing request (PKCS#10, PEM) for a private key. The name is only a place holder:
 * the service chooses the device id.
 */
export async function makeRequest(privateKey: string): Promise<string> {
  const request = await Pkcs10CertificateRequestGenerator.create(
    {
      name: 'CN=device',
      keys: await importKeys(privateKey),
      signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
    },
    webcrypto,
  )
  return request.toString('pem')
}

async function importKeys(privateKey: string): Promise<webcrypto.CryptoKeyPair> {
  const { subtle } = webcrypto
  const jwk = createPrivateKey(privateKey).export({ format: 'jwk' })
  const { d: _secret, ...publicJwk } = jwk
  return {
    privateKey: await subtle.importKey('jwk', jwk, P256, true, ['sign']),
    publicKey: await subtle.importKey('jwk', publicJwk, P256, true, ['verify']),
  }
}

/** True when the text is a certificate for this private key. */
export function belongTogether({ privateKey, certificate }: Credentials): boolean {
  try {
    return new X509Certificate(certificate).checkPrivateKey(createPrivateKey(privateKey))
  } catch {
    return false
  }
}

/** True when the text is a certificate, PEM. */
export function isCertificate(text: string): boolean {
  try {
    return new X509Certificate(text).raw.length > 0
  } catch {
    return false
  }
}

/** The common name a certificate was issued for: the device id. */
export function commonName(certificate: string): string | undefined {
  return /^CN=(.*)$/m.exec(new X509Certificate(certificate).subject)?.[1]
}

export type CertificateAge = 'fresh' | 'renewalDue' | 'expired'

/** Renewal is due when less than a third of the validity is left. */
export function certificateAge(certificate: string, nowMs: number): CertificateAge {
  const { validFrom, validTo } = new X509Certificate(certificate)
  const end = Date.parse(validTo)
  if (nowMs >= end) return 'expired'
  return end - nowMs < (end - Date.parse(validFrom)) / 3 ? 'renewalDue' : 'fresh'
}
