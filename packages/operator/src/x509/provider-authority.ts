import { createHash, type X509Certificate } from 'node:crypto'
import type { SigningKey } from '@heliograph/core/ports'
import {
  bits,
  bitsOf,
  children,
  type Node,
  nullValue,
  oid,
  parseDer,
  sequence,
  toDer,
} from './forge.ts'

/** What the provider CA's certificates and revocation lists have in common. */

/** The provider CA: its certificate (PEM) and its key. */
export interface IssuingAuthority {
  readonly certificate: string
  readonly key: SigningKey
}

/** sha256WithRSAEncryption. */
export const SHA256_WITH_RSA = '1.2.840.113549.1.1.11'

/** With the NULL that RFC 4055 §5 requires. */
export const signatureAlgorithm = (): Node => sequence([oid(SHA256_WITH_RSA), nullValue()])

/** `SEQUENCE { content, algorithm, signature }`, the frame of certificates and CRLs. */
export async function signed(content: Node, key: SigningKey): Promise<Node> {
  if (key.algorithm !== 'RSA-2048') throw new Error('the provider CA signs with RSA')
  const signature = await key.sign(toDer(content))
  return sequence([content, signatureAlgorithm(), bits(signature)])
}

/** Places in TBSCertificate (RFC 5280 §4.1), whose first field is the version. */
const SUBJECT_FIELD = 5
const PUBLIC_KEY_FIELD = 6

/**
 * The name in its original DER: re-encoded with other string types, it would be another name to
 * OpenSSL.
 */
export function subjectOf(certificate: X509Certificate): Node {
  const name = contentFields(certificate)[SUBJECT_FIELD]
  if (!name) throw new Error('the CA certificate has no subject')
  return name
}

/** RFC 5280 §4.2.1.2, method 1: SHA-1 of the key's bits, which the CA's own certificate carries too. */
export function keyIdentifierOf(certificate: X509Certificate): Buffer {
  const [, key] = children(contentFields(certificate)[PUBLIC_KEY_FIELD])
  const withoutCountOfUnusedBits = bitsOf(key).subarray(1)
  return createHash('sha1').update(withoutCountOfUnusedBits).digest()
}

function contentFields(certificate: X509Certificate): Node[] {
  const [content] = children(parseDer(certificate.raw))
  return children(content)
}
