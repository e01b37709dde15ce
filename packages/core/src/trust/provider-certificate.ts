import type { Topic } from '@heliograph/protocol/identifiers'
import { pushTypes } from '@heliograph/protocol/push-type'
import type { Validity } from './certificate.ts'
import { providerOids } from './provider-trust.ts'

/** What is in a provider's certificate, apart from its issuer; how it is encoded is not said here. */
export interface ProviderCertificate {
  /** A positive INTEGER of 16 bytes, hex. */
  readonly serial: string
  readonly validity: Validity
  /** One RDN each, as UTF8String. */
  readonly subject: readonly { readonly oid: string; readonly text: string }[]
  /** SubjectPublicKeyInfo of an RSA key, DER. */
  readonly publicKey: Uint8Array
  /** Of the extension of that name (RFC 5280 §4.2.1.3), which is critical. */
  readonly keyUsage: readonly ('digitalSignature' | 'keyEncipherment')[]
  readonly extendedKeyUsage: readonly 'clientAuth'[]
  /** Extensions that hold NULL. */
  readonly markers: readonly string[]
  /** SEQUENCE of pairs: UTF8String topic, SEQUENCE { UTF8String use }. */
  readonly topicList: { readonly oid: string; readonly topics: readonly TopicUse[] }
}

export interface TopicUse {
  readonly topic: Topic
  readonly use: string
}

export interface ProviderSubject {
  /** The first becomes the UID. */
  readonly topics: readonly [Topic, ...Topic[]]
  /** SubjectPublicKeyInfo of an RSA key, DER. */
  readonly publicKey: Uint8Array
}

/**
 * A provider's certificate in the form of Apple's push certificates (apns-contract §5): UID as first
 * RDN, the two environment markers that node-apn looks for, and the topic list.
 *
 * @param serial 16 random bytes; made positive and of full length here (RFC 5280 §4.1.2.2).
 */
export function describeProviderCertificate(
  { topics, publicKey }: ProviderSubject,
  validity: Validity,
  serial: Uint8Array,
): ProviderCertificate {
  return {
    serial: positive(serial),
    validity,
    subject: [
      { oid: providerOids.userId, text: topics[0] },
      { oid: COMMON_NAME, text: commonNameOf(topics[0]) },
    ],
    publicKey,
    keyUsage: ['digitalSignature', 'keyEncipherment'],
    extendedKeyUsage: ['clientAuth'],
    markers: [providerOids.development, providerOids.production],
    topicList: {
      oid: providerOids.topics,
      topics: topics.map((topic) => ({ topic, use: useOf(topic) })),
    },
  }
}

const COMMON_NAME = '2.5.4.3'

/** RFC 5280, appendix A: ub-common-name. Strict readers refuse a certificate with a longer one. */
const MAX_COMMON_NAME = 64

function commonNameOf(topic: Topic): string {
  return `Apple Push Services: ${topic}`.slice(0, MAX_COMMON_NAME)
}

/** The use of a topic, named after the push type whose suffix it has. */
function useOf(topic: Topic): string {
  const match = Object.entries(pushTypes).find(
    ([, { suffix }]) => suffix !== '' && topic.endsWith(suffix),
  )
  return match?.[0] ?? 'app'
}

/** A positive INTEGER of 16 bytes, hex: neither a sign bit nor a leading zero. */
function positive(serial: Uint8Array): string {
  if (serial.length !== 16) throw new Error('a serial number is made of 16 random bytes')
  const bytes = Buffer.from(serial)
  bytes.writeUInt8((bytes.readUInt8(0) & 0x3f) | 0x40, 0)
  return bytes.toString('hex')
}
