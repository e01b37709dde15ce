import { createPrivateKey, type KeyObject, sign } from 'node:crypto'
import type { ProviderKeyId, TeamId } from '@heliograph/protocol/identifiers'
import { Failure } from '../failure.ts'

/** Signs provider tokens, and gives the one to send now. */
export interface ProviderTokens {
  /** The value of the header `authorization`. */
  authorization(): string
}

export interface ProviderTokenKey {
  readonly keyId: ProviderKeyId
  readonly teamId: TeamId
  /** The private half: PKCS#8 in PEM, as Apple's `.p8`. */
  readonly p8: string
}

/** A token is good for an hour (apns-contract, ExpiredProviderToken); this leaves ten minutes for a clock that is wrong. */
const RENEW_AFTER_MS = 50 * 60_000

/** Provider tokens of one key; each is sent for up to 50 minutes, so that the service checks few signatures. */
export function providerTokens(
  { keyId, teamId, p8 }: ProviderTokenKey,
  now: () => number,
): ProviderTokens {
  const key = readKey(p8)
  let token = ''
  let madeAt = Number.NEGATIVE_INFINITY
  return {
    authorization() {
      const age = now() - madeAt
      // a clock that was put back makes a token of the future
      if (age < 0 || age >= RENEW_AFTER_MS) {
        madeAt = now()
        token = makeToken({ alg: 'ES256', kid: keyId }, { iss: teamId, iat: seconds(madeAt) }, key)
      }
      return `bearer ${token}`
    },
  }
}

/** RFC 7519, signed as RFC 7518 section 3.4 says: the two halves of the signature, not DER. */
function makeToken(header: object, claims: object, key: KeyObject): string {
  const signed = [header, claims].map((part) => base64url(JSON.stringify(part))).join('.')
  const signature = sign('sha256', Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' })
  return `${signed}.${signature.toString('base64url')}`
}

const base64url = (text: string) => Buffer.from(text).toString('base64url')

const seconds = (ms: number) => Math.floor(ms / 1_000)

function readKey(p8: string): KeyObject {
  const key = parseKey(p8)
  if (key?.asymmetricKeyDetails?.namedCurve === 'prime256v1') return key
  throw new Failure(
    'usage',
    'this is not the .p8 file of a provider key: an unencrypted P-256 key in PEM, as provider key create and Apple write it',
  )
}

function parseKey(p8: string): KeyObject | undefined {
  try {
    return createPrivateKey({ key: p8, format: 'pem' })
  } catch {
    return undefined
  }
}
