import type { KeyObject } from 'node:crypto'
import type { ProviderRequest } from '@heliograph/core/send/provider-request'

import type { Topic } from '@heliograph/protocol/identifiers'
import { TOKEN_LIFETIME_MS } from '../../packages/core/src/trust/provider-token.ts'
import type { ProviderCertificate } from './certificates.ts'
import type { Cloud } from './lambda.ts'
import { type HeldKey, type HeldToken, signToken } from './provider-keys.ts'
import type { ProviderHabits } from './settings.ts'

/** The bound of I4: how long accept may believe a certificate or a key that it has read. */
export const TRUST_CACHE_SECONDS = 30

/** How old a token is when it is made: mostly new, sometimes about to expire. */
const AGES_MS = [0, 0, 0, TOKEN_LIFETIME_MS - 20_000]
const LONG_AGO_MS = 2 * TOKEN_LIFETIME_MS
/** A token says whole seconds. */
const ROUNDING_MS = 1_000
/** Where the provider's requests come from, and those of somebody without its keys. */
const ADDRESSES = { own: '203.0.113.1', stranger: '198.51.100.1' }

export type Credential =
  | { readonly certificate: ProviderCertificate }
  | { readonly token: HeldToken }

export interface CredentialParts {
  readonly cloud: Cloud
  readonly habits: ProviderHabits
  readonly certificates: readonly ProviderCertificate[]
  readonly foreign: ProviderCertificate
  readonly foreignKey: KeyObject
  /** Those that the operator has handed out, the newest last. */
  readonly keys: readonly HeldKey[]
  /** When a certificate was revoked (true time). */
  revokedAt(certificate: ProviderCertificate): number | undefined
}

/** What a provider shows of itself, good and bad, and what the service may make of it. */
export class Credentials {
  readonly #parts: CredentialParts
  readonly #tokens = new Map<HeldKey, HeldToken>()

  constructor(parts: CredentialParts) {
    this.#parts = parts
  }

  next(): Credential {
    const { cloud, habits, certificates, foreign } = this.#parts
    if (habits.byToken > 0 && cloud.random.chance(habits.byToken)) return { token: this.#token() }
    const isStranger = cloud.faults.chance(habits.strangers)
    return { certificate: isStranger ? foreign : cloud.random.pick(certificates) }
  }

  /** Why it must not be served, or undefined. */
  flawOf(credential: Credential, topic: Topic, startedAt: number): string | undefined {
    const isLate = (revokedAt: number | undefined) =>
      revokedAt !== undefined && startedAt > revokedAt + TRUST_CACHE_SECONDS * 1000 + this.#slack
    if ('certificate' in credential) {
      const { certificate } = credential
      if (certificate === this.#parts.foreign) return 'a certificate of another CA'
      return isLate(this.#parts.revokedAt(certificate)) ? 'a revoked certificate' : undefined
    }
    const { key, issuedAt, isForged } = credential.token
    if (isForged) return 'a forged token'
    if (isLate(key.revokedAt)) return 'a token of a revoked key'
    if (startedAt - issuedAt > TOKEN_LIFETIME_MS + this.#slack) return 'an expired token'
    return key.record.topics.includes(topic) ? undefined : 'a token of a key for other topics'
  }

  /** Whether a refusal for this reason has its cause in what truly happened. */
  mayRefuse(credential: Credential, topic: Topic, reason: string | undefined): boolean {
    const { scheduler } = this.#parts.cloud
    if ('certificate' in credential) {
      const { certificate } = credential
      const isBad =
        certificate === this.#parts.foreign || this.#parts.revokedAt(certificate) !== undefined
      return reason === 'BadCertificate' && isBad
    }
    const { key, issuedAt, isForged } = credential.token
    switch (reason) {
      case 'InvalidProviderToken':
        return isForged || key.revokedAt !== undefined
      case 'ExpiredProviderToken':
        return scheduler.now - issuedAt > TOKEN_LIFETIME_MS - this.#slack
      case 'TopicDisallowed':
        return !key.record.topics.includes(topic)
      default:
        // a flood of garbage, and it alone, has its share of the checks used up
        return reason === 'TooManyRequests' && isForged
    }
  }

  /** Clocks are off, either way, and set anew. */
  get #slack(): number {
    return 2 * this.#parts.cloud.skew + ROUNDING_MS
  }

  #token(): HeldToken {
    const { cloud, habits, keys, foreignKey } = this.#parts
    const { random, scheduler } = cloud
    // its servers do not all hear of a new key at once
    const key = random.chance(0.2) ? random.pick(keys) : (keys.at(-1) as HeldKey)
    if (cloud.faults.chance(habits.badTokens)) {
      const isForged = random.chance(0.5)
      const issuedAt = isForged ? scheduler.now : scheduler.now - LONG_AGO_MS
      return signToken(key, issuedAt, isForged ? foreignKey : undefined)
    }
    const known = this.#tokens.get(key)
    const isOld = known && scheduler.now - known.issuedAt > TOKEN_LIFETIME_MS
    if (known && !random.chance(isOld ? 0.5 : 0.05)) return known
    const made = signToken(key, scheduler.now - random.pick(AGES_MS))
    this.#tokens.set(key, made)
    return made
  }
}

/** The parts of a request that say who sends it. */
export function presented(
  credential: Credential,
): Pick<ProviderRequest, 'headers' | 'clientCertificate' | 'tokenSource'> {
  if ('certificate' in credential)
    return { headers: {}, clientCertificate: credential.certificate.pem }
  const { text, isForged } = credential.token
  return {
    headers: { authorization: `bearer ${text}` },
    clientCertificate: undefined,
    tokenSource: isForged ? ADDRESSES.stranger : ADDRESSES.own,
  }
}
