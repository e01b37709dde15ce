import { X509Certificate } from 'node:crypto'
import { type Fingerprint, parseTopic, type Topic } from '@heliograph/protocol/identifiers'
import { type Rejection, reject } from '@heliograph/protocol/rejection'
import type { ProviderRecord } from '../ports.ts'
import { children, contextTag, type Element, oidOf, readDer, tags, textOf } from './der-reader.ts'

/** Object identifiers of Apple's push certificates (apns-contract §5). */
export const providerOids = {
  userId: '0.9.2342.19200300.100.1.1',
  development: '1.2.840.113635.100.6.3.1',
  production: '1.2.840.113635.100.6.3.2',
  topics: '1.2.840.113635.100.6.3.6',
} as const

/** How far a provider certificate's validity may disagree with this clock. */
export const CLOCK_SKEW_MS = 60_000

export const MAX_TOPICS = 1_000

/** What the service needs of a client certificate; made once per certificate and cached. */
export interface ProviderCertificate {
  readonly fingerprint: Fingerprint
  /** UID first, then the topic list; without repeats. */
  readonly topics: readonly Topic[]
  readonly notBefore: number
  readonly notAfter: number
  /** Signed by the provider CA's key and named after it. */
  readonly issued: boolean
}

/** Reads a client certificate, or says why it is not one of ours. */
export function readProviderCertificate(
  pem: string,
  authority: X509Certificate,
): ProviderCertificate | { readonly fault: string } {
  const certificate = parseX509(pem)
  if (!certificate) return { fault: 'the client certificate cannot be read' }
  const topics = readTopics(certificate.raw)
  if (!Array.isArray(topics)) return topics
  return {
    fingerprint: fingerprintOf(certificate),
    topics,
    notBefore: Date.parse(certificate.validFrom),
    notAfter: Date.parse(certificate.validTo),
    issued: isIssuedBy(certificate, authority),
  }
}

export function fingerprintOf(certificate: X509Certificate): Fingerprint {
  return certificate.fingerprint256.replaceAll(':', '').toLowerCase() as Fingerprint
}

/**
 * Whether this certificate may send now. It must be on record; the absence of a revocation is not
 * enough, so a lost or empty table admits nobody.
 */
export function judgeProvider(
  certificate: ProviderCertificate,
  record: ProviderRecord | undefined,
  nowMs: number,
): Rejection | undefined {
  const refuse = (detail: string) => reject('BadCertificate', detail)
  if (!certificate.issued) return refuse('the client certificate is not from this provider CA')
  if (nowMs < certificate.notBefore - CLOCK_SKEW_MS)
    return refuse('the client certificate is not valid yet')
  if (nowMs > certificate.notAfter + CLOCK_SKEW_MS)
    return refuse('the client certificate has expired: issue another')
  if (!record) return refuse('the client certificate is not on record here')
  if (record.revokedAt !== undefined) return refuse('the client certificate has been revoked')
  return undefined
}

function parseX509(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem)
  } catch {
    return undefined
  }
}

function isIssuedBy(certificate: X509Certificate, authority: X509Certificate): boolean {
  return certificate.checkIssued(authority) && certificate.verify(authority.publicKey)
}

type Fault = { readonly fault: string }

/** Node shows no unknown extensions and loses the order of names, so the DER is read here. */
function readTopics(der: Buffer): Topic[] | Fault {
  try {
    const fields = children(children(readDer(der))[0])
    const versioned = fields[0]?.tag === contextTag(0) ? 1 : 0
    const userIds = attributeValues(fields[versioned + 4], providerOids.userId)
    if (userIds.length !== 1) return { fault: 'the certificate must have exactly one UID' }
    return checkTopics([...userIds, ...listedTopics(extension(fields, providerOids.topics))])
  } catch {
    return { fault: 'the client certificate is not well-formed' }
  }
}

function checkTopics(values: readonly string[]): Topic[] | Fault {
  // the UID is usually in the list, too
  if (new Set(values).size > MAX_TOPICS) return { fault: `more than ${MAX_TOPICS} topics` }
  const topics = values.map(parseTopic)
  const good = topics.filter((topic): topic is Topic => topic !== undefined)
  return good.length === topics.length
    ? [...new Set(good)]
    : { fault: 'a topic of the certificate is not a bundle id' }
}

/** The values of one attribute type in a distinguished name. */
function attributeValues(name: Element | undefined, type: string): string[] {
  return children(name)
    .flatMap((relative) => children(relative))
    .map((attribute) => children(attribute))
    .filter(([attributeType]) => oidOf(attributeType) === type)
    .map(([, value]) => textOf(value))
}

/** `extensions [3]` of TBSCertificate (RFC 5280 §4.1). */
const EXTENSIONS = contextTag(3)

/** The content of the extension, or undefined if the certificate does not have it. */
function extension(fields: readonly Element[], id: string): Element | undefined {
  const wrapped = fields.find(({ tag }) => tag === EXTENSIONS)
  if (!wrapped) return undefined
  const matches = children(children(wrapped)[0])
    .map((entry) => children(entry))
    .filter(([entryId]) => oidOf(entryId) === id)
  if (matches.length > 1) throw new Error('extension appears twice')
  const octets = matches[0]?.at(-1)
  if (!octets) return undefined
  if (octets.tag !== tags.octetString) throw new Error('octets expected')
  return readDer(octets.content)
}

/** SEQUENCE of pairs: UTF8String topic, SEQUENCE { UTF8String kind … }. */
function listedTopics(list: Element | undefined): string[] {
  if (!list) return []
  const parts = children(list)
  if (parts.length % 2 !== 0) throw new Error('pairs expected')
  return parts.filter((_, index) => index % 2 === 0).map(textOf)
}
