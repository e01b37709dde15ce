import { X509Certificate } from 'node:crypto'
import {
  describeRevocationList,
  type ListPeriod,
  type RevocationEntry,
  type RevocationList,
  type RevokedCertificate,
} from '@heliograph/core/trust/revocation-list'
import {
  enumerated,
  integer,
  integerOf,
  type Node,
  octets,
  oid,
  pem,
  sequence,
  tagged,
  taggedOctets,
  time,
  toDer,
} from './forge.ts'
import {
  type IssuingAuthority,
  keyIdentifierOf,
  signatureAlgorithm,
  signed,
  subjectOf,
} from './provider-authority.ts'

/** Issues a CRL of the provider CA, PEM; `describeRevocationList` decides what it contains. */
export async function issueRevocationList(
  revoked: readonly RevokedCertificate[],
  period: ListPeriod,
  { certificate, key }: IssuingAuthority,
): Promise<string> {
  const list = encode(describeRevocationList(revoked, period), new X509Certificate(certificate))
  return pem('X509 CRL', toDer(await signed(list, key)))
}

const VERSION_2 = 1

function encode(list: RevocationList, issuer: X509Certificate): Node {
  const { thisUpdate, nextUpdate, entries } = list
  return sequence([
    integerOf(VERSION_2),
    signatureAlgorithm(),
    subjectOf(issuer),
    time(thisUpdate),
    time(nextUpdate),
    // RFC 5280 §5.1.2.6: absent, not empty, if nothing is revoked
    ...(entries.length > 0 ? [sequence(entries.map(encodeEntry))] : []),
    tagged(0, sequence(listExtensions(list, issuer))),
  ])
}

const REASON_CODE = '2.5.29.21'
const CRL_NUMBER = '2.5.29.20'
const AUTHORITY_KEY = '2.5.29.35'

function encodeEntry({ serial, revokedAt, reasonCode }: RevocationEntry): Node {
  const number = integer(Buffer.from(serial.length % 2 === 0 ? serial : `0${serial}`, 'hex'))
  const parts = [number, time(revokedAt)]
  if (reasonCode === undefined) return sequence(parts)
  return sequence([...parts, sequence([extension(REASON_CODE, enumerated(reasonCode))])])
}

function listExtensions({ number }: RevocationList, issuer: X509Certificate): Node[] {
  return [
    extension(AUTHORITY_KEY, sequence([taggedOctets(0, keyIdentifierOf(issuer))])),
    extension(CRL_NUMBER, integerOf(number)),
  ]
}

function extension(id: string, value: Node): Node {
  return sequence([oid(id), octets(toDer(value))])
}
