import {
  createHash,
  createSign,
  generateKeyPairSync,
  type KeyObject,
  X509Certificate,
} from 'node:crypto'
import type { Authority, ProviderRecord, SigningKey } from '@heliograph/core/ports'
import { issueAuthority } from '@heliograph/core/trust/certificate'
import { readProviderCertificate } from '@heliograph/core/trust/provider-trust'
import type { Topic } from '@heliograph/protocol/identifiers'
import type { CertificateCache } from '../../packages/core/src/send/authenticate.ts'
import { issueProviderCertificate } from '../../packages/operator/src/x509/provider-certificate.ts'

export interface Certificates {
  readonly authority: Authority
  /** Two good ones, and one from another CA with the same name. */
  readonly good: readonly ProviderCertificate[]
  readonly foreign: ProviderCertificate
  /** Shared by all runs: reading a certificate always gives the same. */
  readonly cache: CertificateCache
  /** Of provider keys: the operator hands out the first of them one by one; the last is somebody else's. */
  readonly keyPairs: readonly KeyPair[]
}

export interface KeyPair {
  /** SubjectPublicKeyInfo, DER in base64. */
  readonly publicKey: string
  readonly privateKey: KeyObject
}

const KEY_PAIRS = 4

export interface ProviderCertificate {
  readonly pem: string
  readonly record: ProviderRecord
}

/** The topics of every run; a provider certificate names them all. */
export const topics = ['com.example.a', 'com.example.b', 'com.example.c'] as unknown as readonly [
  Topic,
  ...Topic[],
]

const validity = { notBefore: new Date('2020-01-01'), notAfter: new Date('2050-01-01') }

/** Made once per process: RSA keys take their time. */
export async function makeCertificates(): Promise<Certificates> {
  const ours = await makeAuthority()
  const theirs = await makeAuthority()
  return {
    authority: { name: 'provider', certificate: ours.certificate, keyArn: 'simulated' },
    good: [await issue(ours, 1), await issue(ours, 2)],
    foreign: await issue(theirs, 3),
    cache: new Map(),
    keyPairs: Array.from({ length: KEY_PAIRS }, makeKeyPair),
  }
}

function makeKeyPair(): KeyPair {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const der = publicKey.export({ format: 'der', type: 'spki' })
  return { publicKey: der.toString('base64'), privateKey }
}

async function makeAuthority(): Promise<{ certificate: string; key: SigningKey }> {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const key: SigningKey = {
    algorithm: 'RSA-2048',
    sign: async (message) => createSign('sha256').update(message).sign(privateKey),
  }
  const der = publicKey.export({ format: 'der', type: 'spki' })
  const certificate = await issueAuthority('provider', der, validity, serial(0), key)
  return { certificate, key }
}

async function issue(
  authority: { certificate: string; key: SigningKey },
  number: number,
): Promise<ProviderCertificate> {
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const der = publicKey.export({ format: 'der', type: 'spki' })
  const subject = { topics, publicKey: der }
  const pem = await issueProviderCertificate(subject, validity, serial(number), authority)
  const read = readProviderCertificate(pem, new X509Certificate(authority.certificate))
  if ('fault' in read) throw new Error(read.fault)
  const { fingerprint, notBefore, notAfter } = read
  const of = { fingerprint, notBefore, notAfter, topics: read.topics }
  return { pem, record: { ...of, serial: String(number), subject: '', issuedAt: 0 } }
}

function serial(number: number): Uint8Array {
  return createHash('sha256').update(`serial ${number}`).digest().subarray(0, 16)
}
