import { X509Certificate } from 'node:crypto'
import type { SigningKey } from './certificate.ts'
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
} from './der.ts'
import { keyIdentifierOf, signatureAlgorithm, signed, subjectOf } from './provider-authority.ts'

/** Why a certificate was revoked: the names and numbers of RFC 5280 §5.3.1 that fit a provider. */
export const revocationReasons = {
  unspecified: 0,
  keyCompromise: 1,
  affiliationChanged: 3,
  superseded: 4,
  cessationOfOperation: 5,
  privilegeWithdrawn: 9,
} as const

export type RevocationReason = keyof typeof revocationReasons

export function isRevocationReason(text: string): text is RevocationReason {
  return Object.hasOwn(revocationReasons, text)
}

export interface RevokedCertificate {
  /** Hex. */
  readonly serial: string
  /** Milliseconds since the epoch. */
  readonly revokedAt: number
  readonly reason: RevocationReason
}

export interface ListPeriod {
  readonly thisUpdate: Date
  readonly nextUpdate: Date
}

/**
 * An X.509 version 2 CRL of the provider CA (RFC 5280 §5), PEM. The service itself asks its table;
 * the list is for programs that check chains on their own.
 */
export async function issueRevocationList(
  revoked: readonly RevokedCertificate[],
  period: ListPeriod,
  authority: { readonly certificate: string; readonly key: SigningKey },
): Promise<string> {
  const issuer = new X509Certificate(authority.certificate)
  const list = await signed(toBeSigned(revoked, period, issuer), authority.key)
  return pem('X509 CRL', toDer(list))
}

const VERSION_2 = 1

function toBeSigned(
  revoked: readonly RevokedCertificate[],
  { thisUpdate, nextUpdate }: ListPeriod,
  issuer: X509Certificate,
): Node {
  return sequence([
    integerOf(VERSION_2),
    signatureAlgorithm(),
    subjectOf(issuer),
    time(thisUpdate),
    time(nextUpdate),
    // RFC 5280 §5.1.2.6: absent, not empty, where nothing is revoked
    ...(revoked.length > 0 ? [sequence(revoked.map(entryOf))] : []),
    tagged(0, sequence(listExtensions(thisUpdate, issuer))),
  ])
}

function entryOf({ serial, revokedAt, reason }: RevokedCertificate): Node {
  const number = integer(Buffer.from(serial.length % 2 === 0 ? serial : `0${serial}`, 'hex'))
  const parts = [number, time(new Date(revokedAt))]
  // RFC 5280 §5.3.1: "unspecified" is said by leaving the reason out
  if (reason === 'unspecified') return sequence(parts)
  return sequence([
    ...parts,
    sequence([extension(REASON_CODE, enumerated(revocationReasons[reason]))]),
  ])
}

const REASON_CODE = '2.5.29.21'
const CRL_NUMBER = '2.5.29.20'
const AUTHORITY_KEY = '2.5.29.35'

/** The number must only grow: milliseconds do, and nobody has to remember the last one. */
function listExtensions(thisUpdate: Date, issuer: X509Certificate): Node[] {
  return [
    extension(AUTHORITY_KEY, sequence([taggedOctets(0, keyIdentifierOf(issuer))])),
    extension(CRL_NUMBER, integerOf(thisUpdate.getTime())),
  ]
}

function extension(id: string, value: Node): Node {
  return sequence([oid(id), octets(toDer(value))])
}
