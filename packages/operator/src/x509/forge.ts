import forge from 'node-forge'

/**
 * Everything that node-forge does here, in the only file that imports it: ASN.1 values (X.680) in
 * DER, the content of certificates, PKCS#12. If its types differ from its code and documentation,
 * they are corrected here.
 */

const { asn1, pki, pkcs12 } = forge

/** An ASN.1 value. */
export type Node = forge.asn1.Asn1

const { UNIVERSAL, CONTEXT_SPECIFIC } = asn1.Class

export function parseDer(der: Uint8Array): Node {
  return asn1.fromDer(Buffer.from(der).toString('latin1'))
}

export function toDer(node: Node): Buffer {
  return Buffer.from(asn1.toDer(node).getBytes(), 'latin1')
}

/** The parts of a constructed value; throws if it is a primitive one or missing. */
export function children(node: Node | undefined): Node[] {
  if (!node || !Array.isArray(node.value)) throw new Error('constructed value expected')
  return node.value
}

/** The bytes of a primitive value. */
export function bytesOf(node: Node | undefined): Buffer {
  if (typeof node?.value !== 'string') throw new Error('primitive value expected')
  return Buffer.from(node.value, 'latin1')
}

/**
 * The bytes of a BIT STRING, starting with the count of unused bits; forge parses DER inside, and
 * keeps these bytes as well.
 */
export function bitsOf(node: Node | undefined): Buffer {
  const { bitStringContents } = (node ?? {}) as { readonly bitStringContents?: string }
  return bitStringContents === undefined ? bytesOf(node) : Buffer.from(bitStringContents, 'latin1')
}

const primitive = (type: number, bytes: Uint8Array): Node =>
  asn1.create(UNIVERSAL, type, false, Buffer.from(bytes).toString('latin1'))

export const sequence = (parts: Node[]): Node =>
  asn1.create(UNIVERSAL, asn1.Type.SEQUENCE, true, parts)

/** `[number] EXPLICIT`. */
export const tagged = (number: number, content: Node): Node =>
  asn1.create(CONTEXT_SPECIFIC, number, true, [content])

/** `[number] IMPLICIT OCTET STRING`. */
export const taggedOctets = (number: number, bytes: Uint8Array): Node =>
  asn1.create(CONTEXT_SPECIFIC, number, false, Buffer.from(bytes).toString('latin1'))

export const nullValue = (): Node => primitive(asn1.Type.NULL, new Uint8Array())
export const octets = (bytes: Uint8Array): Node => primitive(asn1.Type.OCTETSTRING, bytes)
export const utf8 = (text: string): Node => primitive(asn1.Type.UTF8, Buffer.from(text, 'utf8'))

/** Whole bytes only: no unused bits. */
export const bits = (bytes: Uint8Array): Node =>
  primitive(asn1.Type.BITSTRING, Buffer.concat([new Uint8Array(1), bytes]))

export const oid = (id: string): Node =>
  asn1.create(UNIVERSAL, asn1.Type.OID, false, asn1.oidToDer(id).getBytes())

/** A non-negative INTEGER from big-endian bytes: as short as can be, with no sign bit. */
export function integer(bytes: Uint8Array): Node {
  const start = bytes.findIndex((byte) => byte !== 0)
  const significant = start < 0 ? new Uint8Array(1) : bytes.subarray(start)
  const signed = (significant[0] ?? 0) >= 0x80
  const padded = signed ? Buffer.concat([new Uint8Array(1), significant]) : significant
  return primitive(asn1.Type.INTEGER, padded)
}

export function integerOf(value: number | bigint): Node {
  const hex = value.toString(16)
  return integer(Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex'))
}

export const enumerated = (value: number): Node =>
  primitive(asn1.Type.ENUMERATED, Uint8Array.of(value))

/** RFC 5280 §4.1.2.5: UTCTime up to the year 2049, GeneralizedTime after it; whole seconds. */
export function time(date: Date): Node {
  return date.getUTCFullYear() < 2050
    ? asn1.create(UNIVERSAL, asn1.Type.UTCTIME, false, asn1.dateToUtcTime(date))
    : asn1.create(UNIVERSAL, asn1.Type.GENERALIZEDTIME, false, asn1.dateToGeneralizedTime(date))
}

export function pem(label: string, der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}

export interface CertificateContent {
  /** Hex. */
  readonly serial: string
  readonly validity: { readonly notBefore: Date; readonly notAfter: Date }
  readonly issuer: Node
  /** One RDN each, as UTF8String. */
  readonly subject: readonly { readonly oid: string; readonly text: string }[]
  /** SubjectPublicKeyInfo of an RSA key, DER. */
  readonly publicKey: Uint8Array
  /** OID. */
  readonly signatureAlgorithm: string
  readonly extensions: readonly CertificateExtension[]
}

/**
 * An extension that forge knows by name, with the parameters that it needs, or any other with its
 * value.
 */
export type CertificateExtension =
  | { readonly name: string; readonly [option: string]: boolean | string }
  | { readonly id: string; readonly value: Node }

/** Its place in TBSCertificate (RFC 5280 §4.1), whose first field is the version. */
const ISSUER_FIELD = 3

/** A TBSCertificate (RFC 5280 §4.1). */
export function certificateContent(content: CertificateContent): Node {
  const certificate = pki.createCertificate()
  certificate.publicKey = pki.publicKeyFromAsn1(
    parseDer(content.publicKey),
  ) as forge.pki.rsa.PublicKey
  certificate.serialNumber = content.serial
  Object.assign(certificate.validity, content.validity)
  certificate.setSubject(content.subject.map(attribute))
  certificate.setExtensions([...content.extensions])
  certificate.siginfo.algorithmOid = content.signatureAlgorithm
  const node = tbsCertificate(certificate)
  children(node)[ISSUER_FIELD] = content.issuer
  return node
}

/** Public in forge's code and documentation, absent from its types. */
const { getTBSCertificate: tbsCertificate } = pki as unknown as {
  getTBSCertificate(certificate: forge.pki.Certificate): Node
}

function attribute({ oid: type, text: value }: CertificateContent['subject'][number]) {
  // forge's types call this a tag class; its code wants the string type
  const valueTagClass = asn1.Type.UTF8 as unknown as forge.asn1.Class
  return { type, value, valueTagClass }
}

/** A PFX without MAC (RFC 7292 §4): a safe with the certificates, and one with the key, as it is. */
export function pkcs12Content({ key, certificates, friendlyName }: KeyAndChain): Node {
  // forge itself knows no MAC but SHA-1
  const options = { useMac: false, friendlyName }
  const chain = certificates.map((one) => pki.certificateFromPem(one))
  return pkcs12.toPkcs12Asn1(pki.privateKeyFromPem(key), chain, null, options)
}

export interface KeyAndChain {
  /** PKCS#8, PEM. */
  readonly key: string
  /** PEM; the one that belongs to the key first. */
  readonly certificates: readonly string[]
  readonly friendlyName: string
}

/** RFC 7292, appendix B.3: the purpose "MAC key" of the key derivation. */
const MAC_KEY = 3

/** The key for a MAC with SHA-256 over a PKCS#12 file (RFC 7292, appendix B). */
export function pkcs12MacKey(passphrase: string, salt: Buffer, iterations: number): Buffer {
  const derive = pkcs12.generateKey as unknown as DeriveKey
  const buffer = forge.util.createBuffer(salt.toString('latin1'))
  const key = derive(passphrase, buffer, MAC_KEY, iterations, 32, forge.md.sha256.create())
  return Buffer.from(key.getBytes(), 'latin1')
}

/** forge's types leave the digest out. */
type DeriveKey = (
  passphrase: string,
  salt: forge.util.ByteStringBuffer,
  purpose: number,
  iterations: number,
  length: number,
  digest: forge.md.MessageDigest,
) => forge.util.ByteStringBuffer
