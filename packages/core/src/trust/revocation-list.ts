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

/** What is in a version 2 CRL (RFC 5280 §5), apart from its issuer. */
export interface RevocationList extends ListPeriod {
  /** CRL number (§5.2.3). */
  readonly number: number
  readonly entries: readonly RevocationEntry[]
}

export interface RevocationEntry {
  /** Hex. */
  readonly serial: string
  readonly revokedAt: Date
  /** Reason code; absent for `unspecified`, which is said by leaving it out (§5.3.1). */
  readonly reasonCode?: number
}

/**
 * The revocation list of the provider CA. The service itself asks its table; the list is for programs
 * that check chains on their own. Its number must only grow: milliseconds do, and nobody has to
 * remember the last one.
 */
export function describeRevocationList(
  revoked: readonly RevokedCertificate[],
  period: ListPeriod,
): RevocationList {
  return { ...period, number: period.thisUpdate.getTime(), entries: revoked.map(entryOf) }
}

function entryOf({ serial, revokedAt, reason }: RevokedCertificate): RevocationEntry {
  const entry = { serial, revokedAt: new Date(revokedAt) }
  return reason === 'unspecified' ? entry : { ...entry, reasonCode: revocationReasons[reason] }
}
