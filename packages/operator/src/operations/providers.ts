import { X509Certificate } from 'node:crypto'
import { existsSync } from 'node:fs'
import type { ProviderRecord } from '@heliograph/core/ports'
import { fingerprintOf } from '@heliograph/core/trust/provider-trust'
import { isRevocationReason, type RevocationReason } from '@heliograph/core/trust/revocation-list'
import { type Fingerprint, parseFingerprint } from '@heliograph/protocol/identifiers'
import type { Deployment } from '../deployment.ts'
import { Failure } from '../failure.ts'
import { readText } from '../files.ts'
import { issueRevocationList } from '../x509/revocation-list.ts'
import { findAuthority } from './authority.ts'
import { signingKeyOf } from './ports.ts'

const DAY_MS = 24 * 3600_000

export type ProviderState = 'valid' | 'not valid yet' | 'expired' | 'revoked'

export function providerState(record: ProviderRecord, nowMs: number): ProviderState {
  if (record.revokedAt !== undefined) return 'revoked'
  if (record.notAfter < nowMs) return 'expired'
  return record.notBefore > nowMs ? 'not valid yet' : 'valid'
}

export function listProviders({ ports }: Deployment): Promise<readonly ProviderRecord[]> {
  return ports.providers.list()
}

/**
 * Permanently revokes a certificate: accept refuses it once its cached answer expires, at most 30 s
 * later (`packages/core/src/cached.ts`). The time and reason of the first revocation are kept.
 */
export async function revokeProvider(
  deployment: Deployment,
  which: string,
  reason: RevocationReason,
): Promise<ProviderRecord> {
  const { ports, clock } = deployment
  const records = ports.providers
  const fingerprint = await resolve(which, () => records.list())
  const revoked = await records.revoke(fingerprint, clock.now(), reason)
  if (revoked) return revoked
  throw new Failure('notFound', `no certificate ${fingerprint} is on record in this deployment`)
}

/** The first digits of a fingerprint that still tell certificates apart. */
const MIN_PREFIX = 8

/** A certificate file, a fingerprint with or without colons, or its first digits. */
async function resolve(
  which: string,
  list: () => Promise<readonly ProviderRecord[]>,
): Promise<Fingerprint> {
  if (existsSync(which)) return fingerprintOfFile(which)
  const digits = which.replaceAll(':', '').toLowerCase()
  const whole = parseFingerprint(digits)
  if (whole) return whole
  if (digits.length < MIN_PREFIX || !/^[0-9a-f]{1,64}$/.test(digits))
    throw new Failure(
      'usage',
      `"${which}" is neither a certificate file nor a fingerprint (64 hex digits, or at least the first ${MIN_PREFIX})`,
    )
  const matches = (await list()).filter(({ fingerprint }) => fingerprint.startsWith(digits))
  const [only] = matches
  if (!only) throw new Failure('notFound', `no certificate on record starts with ${digits}`)
  if (matches.length > 1)
    throw new Failure(
      'usage',
      `${matches.length} certificates start with ${digits}: give more digits`,
    )
  return only.fingerprint
}

async function fingerprintOfFile(path: string): Promise<Fingerprint> {
  const text = await readText(path, 'certificate')
  try {
    return fingerprintOf(new X509Certificate(text))
  } catch {
    throw new Failure(
      'usage',
      `${path} is not a certificate in PEM: give the .pem file, not the .p12`,
    )
  }
}

/** The CRL of every revoked certificate, expired ones included, PEM. */
export async function makeRevocationList(
  deployment: Deployment,
  days: number,
): Promise<{ readonly pem: string; readonly revoked: number; readonly nextUpdate: number }> {
  const { clock } = deployment
  const authority = await findAuthority(deployment, 'provider')
  const revoked = (await listProviders(deployment)).flatMap(revokedCertificate)
  const now = clock.now()
  const nextUpdate = now + days * DAY_MS
  const key = signingKeyOf(deployment, 'provider')
  const pem = await issueRevocationList(
    revoked,
    { thisUpdate: new Date(now), nextUpdate: new Date(nextUpdate) },
    { certificate: authority.certificate, key },
  )
  return { pem, revoked: revoked.length, nextUpdate }
}

function revokedCertificate({ serial, revokedAt, revocationReason = '' }: ProviderRecord) {
  if (revokedAt === undefined) return []
  const reason = isRevocationReason(revocationReason) ? revocationReason : 'unspecified'
  return [{ serial, revokedAt, reason }]
}
