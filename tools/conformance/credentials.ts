import { createHmac, createPublicKey, generateKeyPairSync, sign } from 'node:crypto'
import { makeToken, type TokenIdentity, type TokenShape } from './bearer.ts'

/** What a connection is made with. */
export interface KeyPair {
  readonly cert: string
  readonly key: string
}

/** What to present for a case's `auth`: which certificate, if any, and which `authorization`. */
export interface Presented {
  readonly certificate: 'any' | 'cert-single' | 'cert-multi' | undefined
  readonly authorization?: string
}

const pair = () => generateKeyPairSync('ec', { namedCurve: 'P-256' })
const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
const seconds = () => Math.floor(Date.now() / 1000)

/** A key that is on no record, for a target that takes no tokens, or none of these. */
function strangerOf(tokens: TokenIdentity | undefined): TokenIdentity {
  const { keyId = 'ABC123DEFG', teamId = 'DEF123GHIJ' } = tokens ?? {}
  return { keyId, teamId, key: pair().privateKey }
}

type Make = (own: TokenIdentity, stranger: TokenIdentity) => string

const shaped =
  (shape: TokenShape, scheme = 'bearer'): Make =>
  (own) =>
    `${scheme} ${makeToken(own, Date.now(), shape)}`
const issued =
  (ago: number): Make =>
  (own, stranger) =>
    shaped({ claims: { iat: seconds() - ago } })(own, stranger)
const header = (more: Readonly<Record<string, unknown>>) => shaped({ header: more })

/** Signed with what everybody knows: the public key as an HMAC's secret. */
const symmetric: Make = ({ keyId, teamId, key }) => {
  const text = `${part({ alg: 'HS256', kid: keyId })}.${part({ iss: teamId, iat: seconds() })}`
  const secret = createPublicKey(key).export({ type: 'spki', format: 'pem' })
  return `bearer ${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`
}

const asymmetric: Make = ({ keyId, teamId }) => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const text = `${part({ alg: 'RS256', kid: keyId })}.${part({ iss: teamId, iat: seconds() })}`
  return `bearer ${text}.${sign('sha256', Buffer.from(text), privateKey).toString('base64url')}`
}

/** A token that brings its own key along. */
const embedded: Make = (_own, stranger) => {
  const jwk = createPublicKey(stranger.key).export({ format: 'jwk' })
  return `bearer ${makeToken(stranger, Date.now(), { header: { jwk } })}`
}

const malformed: Make = ({ keyId, teamId }) =>
  `bearer ${part({ alg: 'ES256', kid: keyId })}.${part({ iss: teamId, iat: seconds() })}`

const authorizations: Readonly<Record<string, Make>> = {
  jwt: shaped({}),
  'jwt:empty': () => 'bearer ',
  'jwt:malformed': malformed,
  'jwt:bad-signature': (_own, stranger) => `bearer ${makeToken(stranger, Date.now())}`,
  'jwt:other-team': shaped({ claims: { iss: 'OTHERTEAM0' } }),
  'jwt:alg-none': shaped({ header: { alg: 'none' }, signature: 'none' }),
  'jwt:typ': header({ typ: 'JWT' }),
  'jwt:der': shaped({ signature: 'der' }),
  'jwt:padded': shaped({ alphabet: 'padded' }),
  'jwt:es512': shaped({ header: { alg: 'ES512' }, hash: 'sha512', signature: 'wide' }),
  'jwt:float': shaped({ claims: { iat: Date.now() / 1000 } }),
  'jwt:Bearer': shaped({}, 'Bearer'),
  'jwt:basic': shaped({}, 'Basic'),
  'jwt:59-minutes': issued(59 * 60),
  'jwt:61-minutes': issued(61 * 60),
  'jwt:in-61-minutes': issued(-61 * 60),
  'jwt:milliseconds': shaped({ claims: { iat: Date.now() } }),
  'jwt:no-iat': shaped({ claims: { iat: undefined } }),
  'jwt:hs256': symmetric,
  'jwt:rs256': asymmetric,
  'jwt:jwk': embedded,
  'jwt:x5c': header({ x5c: ['MIIB'] }),
  'jwt:jku': header({ jku: 'https://keys.example/jwks' }),
  'jwt:crit': header({ crit: ['exp'] }),
  'jwt:no-kid': header({ kid: undefined }),
  'jwt:unknown-kid': header({ kid: 'ZZZZZZZZZZ' }),
}

/** @param tokens the provider key of a target that takes tokens. */
export function presented(auth = 'any', tokens?: TokenIdentity): Presented {
  const stranger = strangerOf(tokens)
  const own = tokens ?? stranger
  if (auth === 'none') return { certificate: undefined }
  if (auth === 'cert-single+jwt:malformed')
    return { certificate: 'cert-single', authorization: malformed(own, stranger) }
  if (auth === 'any' || auth === 'cert-single' || auth === 'cert-multi')
    return { certificate: auth }
  const make = authorizations[auth]
  if (!make) throw new Error(`nobody knows the credential ${auth}`)
  return { certificate: undefined, authorization: make(own, stranger) }
}
