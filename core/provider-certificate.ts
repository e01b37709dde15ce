import { X509Certificate } from 'node:crypto'
import forge from 'node-forge'
import type { SigningKey, Validity } from './certificate.ts'
import { children, type Node, nullValue, parseDer, pem, sequence, toDer, utf8 } from './der.ts'
import type { Topic } from './identifiers.ts'
import { keyIdentifierOf, SHA256_WITH_RSA, signed, subjectOf } from './provider-authority.ts'
import { providerOids } from './provider-trust.ts'
import { pushTypes } from './push-type.ts'

const { asn1, pki } = forge

export interface ProviderSubject {
  /** The first becomes the UID. */
  readonly topics: readonly [Topic, ...Topic[]]
  /** SubjectPublicKeyInfo of an RSA key, DER. */
  readonly publicKey: Uint8Array
}

/** RFC 5280, appendix A: ub-common-name. Strict readers refuse a certificate with a longer one. */
const MAX_COMMON_NAME = 64

/**
 * A provider's certificate in the form of Apple's push certificates (apns-contract §5): UID as first
 * RDN, the two environment markers that node-apn looks for, and the topic list. PEM.
 *
 * @param serial 16 random bytes; made positive and of full length here (RFC 5280 §4.1.2.2).
 */
export async function issueProviderCertificate(
  subject: ProviderSubject,
  validity: Validity,
  serial: Uint8Array,
  authority: { readonly certificate: string; readonly key: SigningKey },
): Promise<string> {
  const issuer = new X509Certificate(authority.certificate)
  const content = toBeSigned(subject, validity, positive(serial), issuer)
  return pem('CERTIFICATE', toDer(await signed(content, authority.key)))
}

/** Its place in TBSCertificate (RFC 5280 §4.1), whose first field is the version. */
const ISSUER_FIELD = 3

function toBeSigned(
  { topics, publicKey }: ProviderSubject,
  validity: Validity,
  serial: string,
  issuer: X509Certificate,
): Node {
  const certificate = pki.createCertificate()
  certificate.publicKey = pki.publicKeyFromAsn1(parseDer(publicKey)) as forge.pki.rsa.PublicKey
  certificate.serialNumber = serial
  Object.assign(certificate.validity, validity)
  certificate.setSubject(subjectAttributes(topics[0]))
  certificate.setExtensions(extensions(topics, issuer))
  certificate.siginfo.algorithmOid = SHA256_WITH_RSA
  const content = tbsCertificate(certificate)
  children(content)[ISSUER_FIELD] = subjectOf(issuer)
  return content
}

/** Public in forge's code and documentation, absent from its types. */
const { getTBSCertificate: tbsCertificate } = pki as unknown as {
  getTBSCertificate(certificate: forge.pki.Certificate): Node
}

function subjectAttributes(topic: Topic): forge.pki.CertificateField[] {
  const commonName = `Apple Push Services: ${topic}`.slice(0, MAX_COMMON_NAME)
  const valueTagClass = asn1.Type.UTF8
  // forge's types call this a tag class; its code wants the string type
  return [
    { type: providerOids.userId, value: topic, valueTagClass },
    { name: 'commonName', value: commonName, valueTagClass },
  ] as unknown as forge.pki.CertificateField[]
}

function extensions(topics: readonly Topic[], issuer: X509Certificate): object[] {
  return [
    { name: 'basicConstraints', critical: true, cA: false },
    { name: 'keyUsage', critical: true, digitalSignature: true, keyEncipherment: true },
    { name: 'extKeyUsage', clientAuth: true },
    { name: 'subjectKeyIdentifier' },
    { name: 'authorityKeyIdentifier', keyIdentifier: keyIdentifierOf(issuer).toString('latin1') },
    { id: providerOids.development, value: nullValue() },
    { id: providerOids.production, value: nullValue() },
    { id: providerOids.topics, value: topicList(topics) },
  ]
}

/** SEQUENCE of pairs: UTF8String topic, SEQUENCE { UTF8String kind }. */
function topicList(topics: readonly Topic[]): Node {
  return sequence(topics.flatMap((topic) => [utf8(topic), sequence([utf8(kindOf(topic))])]))
}

/** The use of a topic, named after the push type whose suffix it has. */
function kindOf(topic: Topic): string {
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
