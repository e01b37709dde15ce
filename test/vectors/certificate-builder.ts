import { createSign, generateKeyPairSync, type KeyObject } from 'node:crypto'
import forge from 'node-forge'
import {
  bits,
  integer,
  type Node,
  nullValue,
  octets,
  oid,
  parseDer,
  pem,
  sequence,
  tagged,
  time,
  toDer,
  utf8,
} from '../../packages/operator/src/x509/forge.ts'

/** Writes certificates field by field, wrong ones too; independent of packages/operator/src/x509/provider-certificate.ts. */

const { asn1 } = forge

export interface Pair {
  readonly publicKey: KeyObject
  readonly privateKey: KeyObject
}

export function rsaPair(modulusLength = 2048): Pair {
  return generateKeyPairSync('rsa', { modulusLength })
}

export interface Content {
  readonly serial: Uint8Array
  readonly issuer: Node
  readonly subject: Node
  readonly notBefore: Date
  readonly notAfter: Date
  readonly publicKey: KeyObject
  readonly extensions: readonly Node[]
}

const SHA256_WITH_RSA = '1.2.840.113549.1.1.11'
const algorithm = () => sequence([oid(SHA256_WITH_RSA), nullValue()])

/** The DER of the certificate, signed by the given key. */
export function certificateDer(content: Content, signer: KeyObject): Buffer {
  const body = sequence([
    tagged(0, integer(Uint8Array.of(2))),
    integer(content.serial),
    algorithm(),
    content.issuer,
    sequence([time(content.notBefore), time(content.notAfter)]),
    content.subject,
    parseDer(content.publicKey.export({ type: 'spki', format: 'der' })),
    ...(content.extensions.length > 0 ? [tagged(3, sequence([...content.extensions]))] : []),
  ])
  const signature = createSign('sha256').update(toDer(body)).sign(signer)
  return toDer(sequence([body, algorithm(), bits(signature)]))
}

export const certificatePem = (der: Buffer): string => pem('CERTIFICATE', der)

/** A distinguished name; each inner list is one RDN of [attribute type, value]. */
export function name(rdns: readonly (readonly (readonly [string, Node])[])[]): Node {
  const set = (attributes: readonly (readonly [string, Node])[]) =>
    asn1.create(
      asn1.Class.UNIVERSAL,
      asn1.Type.SET,
      true,
      attributes.map(([type, value]) => sequence([oid(type), value])),
    )
  return sequence(rdns.map(set))
}

export const UID = '0.9.2342.19200300.100.1.1'
export const COMMON_NAME = '2.5.4.3'
export const ORGANIZATION = '2.5.4.10'

const typed = (type: number, bytes: Buffer): Node =>
  asn1.create(asn1.Class.UNIVERSAL, type, false, bytes.toString('latin1'))

export const printable = (text: string): Node =>
  typed(asn1.Type.PRINTABLESTRING, Buffer.from(text, 'latin1'))
export const ia5 = (text: string): Node => typed(asn1.Type.IA5STRING, Buffer.from(text, 'latin1'))
export const teletex = (text: string): Node => typed(20, Buffer.from(text, 'latin1'))
/** forge writes the two bytes of each character itself. */
export const bmp = (text: string): Node =>
  asn1.create(asn1.Class.UNIVERSAL, asn1.Type.BMPSTRING, false, text)
/** UniversalString: four bytes a character. */
export const universal = (text: string): Node =>
  typed(28, Buffer.concat([...text].map((c) => Buffer.from([0, 0, 0, c.charCodeAt(0)]))))

export function extension(id: string, value: Node | Buffer, critical = false): Node {
  const der = Buffer.isBuffer(value) ? value : toDer(value)
  const flag = asn1.create(asn1.Class.UNIVERSAL, asn1.Type.BOOLEAN, false, '\xff')
  return sequence([oid(id), ...(critical ? [flag] : []), octets(der)])
}

export const TOPIC_LIST = '1.2.840.113635.100.6.3.6'

/** SEQUENCE of pairs: topic, SEQUENCE { kind }. */
export function topicList(topics: readonly string[], text: (topic: string) => Node = utf8): Node {
  return sequence(topics.flatMap((topic) => [text(topic), sequence([utf8('app')])]))
}

export const basicConstraints = (authority: boolean): Node => {
  const yes = asn1.create(asn1.Class.UNIVERSAL, asn1.Type.BOOLEAN, false, '\xff')
  return extension('2.5.29.19', sequence(authority ? [yes] : []), true)
}
