import { generateKeyPair, randomBytes, X509Certificate } from 'node:crypto'
import { promisify } from 'node:util'
import type { ProviderRecord } from '@heliograph/core/ports'
import type { Validity } from '@heliograph/core/trust/certificate'
import type { ProviderSubject } from '@heliograph/core/trust/provider-certificate'
import { MAX_TOPICS, readProviderCertificate } from '@heliograph/core/trust/provider-trust'
import { type Fingerprint, parseTopic, type Topic } from '@heliograph/protocol/identifiers'
import { base32crockford } from '@scure/base'
import type { Deployment } from '../deployment.ts'
import { Failure } from '../failure.ts'
import { makePkcs12 } from '../x509/pkcs12.ts'
import { issueProviderCertificate } from '../x509/provider-certificate.ts'
import { type FoundAuthority, findAuthority } from './authority.ts'
import { signingKeyOf } from './ports.ts'

export interface ProviderOrder {
  /** Bundle ids, with the suffix of their push type if they have one; the first becomes the UID. */
  readonly topics: readonly string[]
  /** How long the certificate is valid; default 398. */
  readonly days?: number
  /** For the PKCS#12 file; generated if absent. */
  readonly passphrase?: string
}

export interface IssuedProvider {
  readonly fingerprint: Fingerprint
  readonly certificatePem: string
  /** PKCS#8, unencrypted. */
  readonly keyPem: string
  readonly p12: Buffer
  readonly passphrase: string
  readonly record: ProviderRecord
}

export const DEFAULT_DAYS = 398
export const MAX_DAYS = 3650
const DAY_MS = 24 * 3600_000
/** Certificates count from a little earlier, for gateways whose clock is behind. */
const BACKDATE_MS = 5 * 60_000

/**
 * Creates a key and a certificate for a provider. The certificate is recorded before anyone has it,
 * because `accept` admits only recorded certificates. The private key exists only in the result.
 */
export async function issueProvider(
  deployment: Deployment,
  order: ProviderOrder,
): Promise<IssuedProvider> {
  const topics = checkTopics(order.topics)
  const passphrase = checkPassphrase(order.passphrase ?? makePassphrase())
  const { publicKey, privateKey: keyPem } = await makeKeyPair()
  const days = order.days ?? DEFAULT_DAYS
  const certified = await certify(deployment, { topics, publicKey, days })
  const { certificatePem, authorityPem, record } = certified
  const certificates = [certificatePem, authorityPem]
  const p12 = makePkcs12({ key: keyPem, certificates, friendlyName: topics[0] }, passphrase)
  await deployment.ports.providers.save(record)
  return { fingerprint: record.fingerprint, certificatePem, keyPem, p12, passphrase, record }
}

export interface CertifiedProvider {
  readonly certificatePem: string
  /** Of the CA. */
  readonly authorityPem: string
  readonly record: ProviderRecord
}

/** The certificate for a key that somebody else holds, DER; it lets nobody in before its record is saved. */
export async function certify(
  deployment: Deployment,
  { topics, publicKey, days }: ProviderSubject & { readonly days: number },
): Promise<CertifiedProvider> {
  const authority = await findAuthority(deployment, 'provider')
  const certificatePem = await issueProviderCertificate(
    { topics, publicKey },
    validityOf(deployment.clock.now(), days, authority),
    deployment.ids.bytes(16),
    { certificate: authority.certificate, key: signingKeyOf(deployment, 'provider') },
  )
  const record = recordOf(certificatePem, authority.certificate, deployment.clock.now())
  return { certificatePem, authorityPem: authority.certificate, record }
}

/** The topics without repeats; a `Failure` that names the first invalid one. */
export function checkTopics(texts: readonly string[]): [Topic, ...Topic[]] {
  const topics = [...new Set(texts)].map((text) => parseTopic(text) ?? refuseTopic(text))
  const [first, ...others] = topics
  if (!first) throw new Failure('usage', 'name at least one topic, for example com.example.app')
  if (topics.length > MAX_TOPICS)
    throw new Failure('usage', `a certificate names at most ${MAX_TOPICS} topics: issue several`)
  return [first, ...others]
}

function refuseTopic(text: string): never {
  throw new Failure(
    'usage',
    `"${text}" is not a topic: use the app's bundle id, for example com.example.app`,
  )
}

const MIN_PASSPHRASE = 8

function checkPassphrase(passphrase: string): string {
  if (/^[\x20-\x7e]{8,200}$/.test(passphrase)) return passphrase
  throw new Failure(
    'usage',
    `the passphrase must be ${MIN_PASSPHRASE} to 200 printable ASCII characters`,
  )
}

/** 130 random bits, in characters that nobody confuses. */
function makePassphrase(): string {
  return base32crockford.encode(randomBytes(20)).slice(0, 26).toLowerCase()
}

function validityOf(nowMs: number, days: number, { notAfter }: FoundAuthority): Validity {
  if (!Number.isInteger(days) || days < 1 || days > MAX_DAYS)
    throw new Failure('usage', `--days must be a whole number from 1 to ${MAX_DAYS}`)
  return {
    notBefore: new Date(nowMs - BACKDATE_MS),
    notAfter: new Date(Math.min(nowMs + days * DAY_MS, notAfter)),
  }
}

const generate = promisify(generateKeyPair)

/** In a separate thread, so that the process stays responsive in the meantime. */
function makeKeyPair(): Promise<{ publicKey: Buffer; privateKey: string }> {
  return generate('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'der' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })
}

/** Node's TLS, and so the embedded edge, reads no certificate chain above 100 kB. */
const MAX_CERTIFICATE_BYTES = 64_000

/**
 * Reads the certificate as `accept` will: a certificate that it would refuse is never given out.
 */
function recordOf(pem: string, authorityPem: string, issuedAt: number): ProviderRecord {
  const read = readProviderCertificate(pem, new X509Certificate(authorityPem))
  if ('fault' in read) throw new Error(`the new certificate is not well-formed: ${read.fault}`)
  if (!read.issued)
    throw new Failure(
      'refused',
      'the key of the provider CA does not belong to its certificate: deploy the State stack again',
    )
  const certificate = new X509Certificate(pem)
  if (certificate.raw.length > MAX_CERTIFICATE_BYTES)
    throw new Failure('usage', 'the topics make the certificate too large: issue several')
  const { fingerprint, topics, notBefore, notAfter } = read
  return {
    ...{ fingerprint, topics, notBefore, notAfter, issuedAt },
    serial: certificate.serialNumber.toLowerCase(),
    subject: certificate.subject.replaceAll('\n', ', '),
  }
}
