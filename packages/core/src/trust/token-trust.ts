import { createPublicKey, type KeyObject, verify } from 'node:crypto'
import type { ProviderKeyId } from '@heliograph/protocol/identifiers'
import { type Rejection, reject } from '@heliograph/protocol/rejection'
import type { Clock, ProviderKey, ProviderKeys } from '../ports.ts'
import { rateLimit } from '../rate-limit.ts'
import { networkOf } from './network.ts'
import { isFresh, type Proof, type ProviderToken, readProviderToken } from './provider-token.ts'
import { type RememberedToken, RememberedTokens } from './remembered-tokens.ts'

export interface TokenTrustPorts {
  readonly clock: Clock
  /** It may answer from a cache of at most 30 s: so long a revoked key is believed (I4). */
  readonly keys: Pick<ProviderKeys, 'find'>
}

export interface TokenTrust {
  /**
   * The key that vouches for the bearer token of an `authorization` header. Faults of the port are
   * thrown.
   *
   * @param address where the request came from; limits how many unknown tokens are checked for it.
   */
  judge(authorization: string | undefined, address: string): Promise<ProviderKey | Rejection>
}

/**
 * Tokens not seen before that are checked in a second, of one network: under the name of one key, and in
 * all. Each costs a look-up and a signature, and anyone may ask for one.
 */
export const CHECKS_PER_SECOND = { ofKey: 20, ofNetwork: 100 } as const

/**
 * The verifier of provider tokens. It remembers what it has checked, so there is one per execution
 * environment. A token is never trusted for longer than its key: every request looks up the key and
 * checks again whether the token is still fresh.
 */
export function tokenTrust({ clock, keys }: TokenTrustPorts): TokenTrust {
  const remembered = new RememberedTokens()
  const mayCheck = checkLimits()
  const publicKeys = new WeakMap<ProviderKey, KeyObject>()

  function publicKeyOf(key: ProviderKey): KeyObject {
    const known = publicKeys.get(key)
    if (known) return known
    const made = readPublicKey(key)
    publicKeys.set(key, made)
    return made
  }

  async function judgeRemembered(
    text: string,
    token: RememberedToken,
  ): Promise<ProviderKey | Rejection | undefined> {
    const key = await keys.find(token.keyId)
    if (key?.publicKey !== token.publicKey) {
      remembered.forget(text)
      return undefined
    }
    return judgeKey(key, token) ?? (isFresh(token.issuedAt, clock.now()) ? key : expired)
  }

  async function check(text: string, address: string): Promise<ProviderKey | Rejection> {
    const token = readProviderToken(text)
    if ('fault' in token) return invalid(token.fault)
    if (!mayCheck(token.keyId, address, clock.now())) return tooMany
    const key = await keys.find(token.keyId)
    if (!key) return invalid(`key ${token.keyId} is not on record here`)
    const refusal = judgeKey(key, token)
    if (refusal) return refusal
    if (!isProven(token.proof, publicKeyOf(key)))
      return invalid(`not the signature of key ${key.keyId}`)
    if (!isFresh(token.issuedAt, clock.now())) return expired
    const { keyId, teamId, issuedAt } = token
    remembered.keep(text, { keyId, teamId, issuedAt, publicKey: key.publicKey })
    return key
  }

  return {
    async judge(authorization, address) {
      const text = BEARER.exec(authorization ?? '')?.[1]
      if (text === undefined) return missing
      const known = remembered.find(text)
      return (known && (await judgeRemembered(text, known))) ?? check(text, address)
    },
  }
}

const BEARER = /^bearer\s+(\S+)$/i

const invalid = (detail: string) => reject('InvalidProviderToken', detail)

const missing = reject('MissingProviderToken', 'neither a client certificate nor a bearer token')
const expired = reject(
  'ExpiredProviderToken',
  'iat is more than an hour from now: make a new token, and check your clock',
)
const tooMany = reject(
  'TooManyRequests',
  'too many new tokens: use one for 20 minutes and more, or send later',
)

function judgeKey(
  { keyId, teamId, revokedAt }: ProviderKey,
  token: Pick<ProviderToken, 'teamId'>,
): Rejection | undefined {
  if (revokedAt !== undefined) return invalid(`key ${keyId} has been revoked`)
  return teamId === token.teamId ? undefined : invalid(`iss is not the team of key ${keyId}`)
}

/** @throws if the record holds anything but a P-256 key: with another the algorithm would be another. */
function readPublicKey({ keyId, publicKey }: ProviderKey): KeyObject {
  const bytes = Buffer.from(publicKey, 'base64')
  const key = createPublicKey({ key: bytes, format: 'der', type: 'spki' })
  if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1')
    throw new Error(`key ${keyId} on record is not a P-256 key`)
  return key
}

function isProven({ signed, signature, form, hash }: Proof, key: KeyObject): boolean {
  return verify(hash, signed, { key, dsaEncoding: form }, signature)
}

/**
 * A network that floods the id of one key keeps the room for its other keys. There is no limit per
 * key over all networks: anyone who floods a key's id, which is not a secret, would lock out its
 * owner.
 */
function checkLimits() {
  const ofKey = rateLimit(CHECKS_PER_SECOND.ofKey)
  const ofNetwork = rateLimit(CHECKS_PER_SECOND.ofNetwork)
  return (keyId: ProviderKeyId, address: string, nowMs: number): boolean => {
    const network = networkOf(address)
    return ofKey.take(`${network} ${keyId}`, nowMs) && ofNetwork.take(network, nowMs)
  }
}
