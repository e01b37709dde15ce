import { X509Certificate } from 'node:crypto'
import type { Validity } from '@heliograph/core/trust/certificate'
import {
  describeProviderCertificate,
  type ProviderCertificate,
  type ProviderSubject,
  type TopicUse,
} from '@heliograph/core/trust/provider-certificate'
import {
  type CertificateExtension,
  certificateContent,
  type Node,
  nullValue,
  pem,
  sequence,
  toDer,
  utf8,
} from './forge.ts'
import {
  type IssuingAuthority,
  keyIdentifierOf,
  SHA256_WITH_RSA,
  signed,
  subjectOf,
} from './provider-authority.ts'

/**
 * Issues a provider's certificate, PEM; `describeProviderCertificate` decides what it contains.
 *
 * @param serial 16 random bytes.
 */
export async function issueProviderCertificate(
  subject: ProviderSubject,
  validity: Validity,
  serial: Uint8Array,
  { certificate, key }: IssuingAuthority,
): Promise<string> {
  const content = describeProviderCertificate(subject, validity, serial)
  const toBeSigned = encode(content, new X509Certificate(certificate))
  return pem('CERTIFICATE', toDer(await signed(toBeSigned, key)))
}

function encode(content: ProviderCertificate, issuer: X509Certificate): Node {
  return certificateContent({
    ...content,
    issuer: subjectOf(issuer),
    signatureAlgorithm: SHA256_WITH_RSA,
    extensions: extensions(content, issuer),
  })
}

function extensions(content: ProviderCertificate, issuer: X509Certificate) {
  const { keyUsage, extendedKeyUsage, markers, topicList } = content
  return [
    { name: 'basicConstraints', critical: true, cA: false },
    { name: 'keyUsage', critical: true, ...allTrue(keyUsage) },
    { name: 'extKeyUsage', ...allTrue(extendedKeyUsage) },
    { name: 'subjectKeyIdentifier' },
    { name: 'authorityKeyIdentifier', keyIdentifier: keyIdentifierOf(issuer).toString('latin1') },
    ...markers.map((id) => ({ id, value: nullValue() })),
    { id: topicList.oid, value: sequence(topicList.topics.flatMap(pair)) },
  ] satisfies CertificateExtension[]
}

function allTrue(names: readonly string[]): Record<string, true> {
  return Object.fromEntries(names.map((name) => [name, true]))
}

const pair = ({ topic, use }: TopicUse): Node[] => [utf8(topic), sequence([utf8(use)])]
