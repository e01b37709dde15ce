import asn1 from 'node-forge/lib/asn1.js'

/** ASN.1 values (X.680) in DER, for the few structures that no library here writes. */
export type Node = asn1.Asn1

const { UNIVERSAL, CONTEXT_SPECIFIC } = asn1.Class

export function parseDer(der: Uint8Array): Node {
  return asn1.fromDer(Buffer.from(der).toString('latin1'))
}

export function toDer(node: Node): Buffer {
  return Buffer.from(asn1.toDer(node).getBytes(), 'latin1')
}

/** The parts of a constructed value; throws where it is a primitive one or missing. */
export function children(node: Node | undefined): Node[] {
  if (!node || !Array.isArray(node.value)) throw new Error('constructed value expected')
  return node.value
}

/** The bytes of a primitive value. */
export function bytesOf(node: Node | undefined): Buffer {
  if (typeof node?.value !== 'string') throw new Error('primitive value expected')
  return Buffer.from(node.value, 'latin1')
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
