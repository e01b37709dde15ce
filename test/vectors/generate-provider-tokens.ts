import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { makeToken, type TokenShape } from '../../tools/conformance/bearer.ts'

/**
 * Writes `provider-tokens.json`: a key on record, tokens in every shape that clients send, and tokens that
 * break one thing each. Run it with `npx tsx test/vectors/generate-provider-tokens.ts`; signatures are
 * random, so every run gives others.
 */
const AT = Date.parse('2026-11-25T12:00:00Z')
const now = AT / 1000
const pair = () => generateKeyPairSync('ec', { namedCurve: 'P-256' })
const [ours, theirs] = [pair(), pair()]
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const identity = { keyId: 'ABC123DEFG', teamId: 'DEF123GHIJ', key: ours.privateKey }
const token = (shape: TokenShape = {}, key: KeyObject = ours.privateKey) =>
  makeToken({ ...identity, key }, AT, shape)
const spki = (key: KeyObject, type: 'pem' | 'der' = 'der') =>
  key.export({ type: 'spki', format: type as 'der' }) as Buffer | string

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const [header = '', claims = '', signature = ''] = token().split('.')
const signedParts = `${header}.${claims}`

/** Signed as asked, over parts that are given as text. */
function over(first: string, second: string): string {
  const text = `${first}.${second}`
  const key = { key: ours.privateKey, dsaEncoding: 'ieee-p1363' } as const
  return `${text}.${sign('sha256', Buffer.from(text), key).toString('base64url')}`
}

/** HS256 with the public key as the secret: what an algorithm taken from the token would believe. */
function symmetric(secret: string | Buffer, alg = 'HS256'): string {
  const text = `${part({ alg, kid: identity.keyId })}.${claims}`
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`
}

function asymmetric(alg: string): string {
  const text = `${part({ alg, kid: identity.keyId })}.${claims}`
  return `${text}.${sign('sha256', Buffer.from(text), rsa.privateKey).toString('base64url')}`
}

const jwkOf = (key: KeyObject) => key.export({ format: 'jwk' })
const flipped = (text: string) =>
  `${text.slice(0, -6)}${text.at(-6) === 'A' ? 'B' : 'A'}${text.slice(-5)}`
const shortened = Buffer.from(signature, 'base64url').subarray(0, 63).toString('base64url')
const zeros = (bytes: number) => Buffer.alloc(bytes).toString('base64url')
const spoiltWide = () => {
  const [first = '', second = '', last = ''] = token({ signature: 'wide' }).split('.')
  const bytes = Buffer.from(last, 'base64url')
  bytes.writeUInt8(1, 0)
  return `${first}.${second}.${bytes.toString('base64url')}`
}

const valid: readonly (readonly [string, string])[] = [
  ['raw signature (node-apn, sideshow/apns2, aioapns)', token()],
  ['with typ (apns2 on npm)', token({ header: { typ: 'JWT' } })],
  ['DER signature (pushy, apnotic, Apple’s shell recipe)', token({ signature: 'der' })],
  ['base64 with padding and + / (dotAPNS)', token({ alphabet: 'padded' })],
  ['DER in base64 with padding', token({ alphabet: 'padded', signature: 'der' })],
  ['iat as a float (PyAPNs2)', token({ claims: { iat: now + 0.123456 } })],
  ['iat as text', token({ claims: { iat: String(now) } })],
  [
    'ES512, SHA-512 and 132 bytes on a P-256 key (pushok)',
    token({ header: { alg: 'ES512' }, hash: 'sha512', signature: 'wide' }),
  ],
  ['132 bytes with ES256', token({ signature: 'wide' })],
  ['ES512 in 64 bytes', token({ header: { alg: 'ES512' }, hash: 'sha512' })],
  ['iat 59 minutes ago', token({ claims: { iat: now - 3540 } })],
  ['iat 59 minutes ahead', token({ claims: { iat: now + 3540 } })],
  ['further claims, which nobody reads', token({ claims: { aud: 'x', exp: now - 1, sub: 'y' } })],
]

const invalid: readonly (readonly [string, string])[] = [
  ['alg none, no signature', token({ header: { alg: 'none' }, signature: 'none' })],
  ['alg none, with a good signature', token({ header: { alg: 'none' } })],
  ['alg None', token({ header: { alg: 'None' } })],
  ['alg absent', token({ header: { alg: undefined } })],
  ['alg es256 in small letters', token({ header: { alg: 'es256' } })],
  ['alg as a list', token({ header: { alg: ['ES256'] } })],
  ['alg ES384', token({ header: { alg: 'ES384' } })],
  ['alg ES256K', token({ header: { alg: 'ES256K' } })],
  ['alg EdDSA', token({ header: { alg: 'EdDSA' } })],
  ['HS256 with the public key in PEM as secret', symmetric(spki(ours.publicKey, 'pem'))],
  ['HS256 with the public key in DER as secret', symmetric(spki(ours.publicKey))],
  ['HS256 with an empty secret', symmetric('')],
  ['HMAC under the name ES256', symmetric(spki(ours.publicKey, 'pem'), 'ES256')],
  ['RS256', asymmetric('RS256')],
  ['PS256', asymmetric('PS256')],
  ['an RSA signature under the name ES256', asymmetric('ES256')],
  [
    'jwk in the header, signed with it',
    token({ header: { jwk: jwkOf(theirs.publicKey) } }, theirs.privateKey),
  ],
  ['jwk in the header of a good token', token({ header: { jwk: jwkOf(ours.publicKey) } })],
  ['x5c in the header', token({ header: { x5c: ['MIIB'] } })],
  ['jku in the header', token({ header: { jku: 'https://evil.example/keys' } })],
  ['x5u in the header', token({ header: { x5u: 'https://evil.example/cert' } })],
  ['crit that nobody knows', token({ header: { crit: ['exp'], exp: now } })],
  ['crit that is empty', token({ header: { crit: [] } })],
  ['another key’s signature', token({}, theirs.privateKey)],
  ['ES256 signed with SHA-512', token({ hash: 'sha512' })],
  ['ES512 signed with SHA-256', token({ header: { alg: 'ES512' } })],
  ['signature with one bit changed', `${signedParts}.${flipped(signature)}`],
  ['signature of zeros', `${signedParts}.${zeros(64)}`],
  ['signature of zeros in 132 bytes', `${signedParts}.${zeros(132)}`],
  ['132 bytes with something before the last 32', spoiltWide()],
  [
    'DER of zeros',
    `${signedParts}.${Buffer.from([0x30, 6, 2, 1, 0, 2, 1, 0]).toString('base64url')}`,
  ],
  ['DER that breaks off', `${signedParts}.${Buffer.from([0x30, 0x45, 2]).toString('base64url')}`],
  ['signature one byte short', `${signedParts}.${shortened}`],
  ['signature empty', `${signedParts}.`],
  ['signature absent', signedParts],
  ['four parts', `${token()}.${signature}`],
  ['five parts, as an encrypted token', `${token()}.${signature}.${signature}`],
  [
    'claims of another token',
    `${header}.${part({ iss: identity.teamId, iat: now - 1 })}.${signature}`,
  ],
  ['kid absent', token({ header: { kid: undefined } })],
  ['kid of nine characters', token({ header: { kid: 'ABC123DEF' } })],
  ['kid in small letters', token({ header: { kid: 'abc123defg' } })],
  ['kid that is not text', token({ header: { kid: 1234567890 } })],
  ['kid that leads out of the keys', token({ header: { kid: 'topic#com.' } })],
  ['kid that is not on record', token({ header: { kid: 'ZZZZZZZZZZ' } })],
  ['iss absent', token({ claims: { iss: undefined } })],
  ['iss of another team', token({ claims: { iss: 'OTHERTEAM0' } })],
  ['iss as a list', token({ claims: { iss: [identity.teamId] } })],
  ['header that is not JSON', over(Buffer.from('{alg').toString('base64url'), claims)],
  ['header that is a list', over(part(['ES256']), claims)],
  ['header that is null', over(part(null), claims)],
  ['claims that are text', over(header, part('x'))],
  ['a character outside both alphabets', over(`${header}*`, claims)],
  ['padding in the middle', over(`${header}=`, `=${claims}`)],
  ['a line end in a part', over(`${header}\n`, claims)],
  [
    'longer than any honest one',
    over(part({ alg: 'ES256', kid: identity.keyId, pad: 'x'.repeat(2_000) }), claims),
  ],
]

const expired: readonly (readonly [string, string])[] = [
  ['iat 61 minutes ago', token({ claims: { iat: now - 3660 } })],
  ['iat 61 minutes ahead', token({ claims: { iat: now + 3660 } })],
  ['iat in milliseconds', token({ claims: { iat: AT } })],
  ['iat 0', token({ claims: { iat: 0 } })],
  ['iat empty', token({ claims: { iat: '' } })],
  ['iat absent', token({ claims: { iat: undefined } })],
  ['iat null', token({ claims: { iat: null } })],
  ['iat true', token({ claims: { iat: true } })],
  ['iat as a list', token({ claims: { iat: [now] } })],
  ['iat as words', token({ claims: { iat: 'now' } })],
  [
    'iat beyond all numbers',
    over(header, Buffer.from('{"iss":"DEF123GHIJ","iat":1e999}').toString('base64url')),
  ],
]

const rows = (all: readonly (readonly [string, string])[]) =>
  all.map(([name, text]) => ({ case: name, token: text }))
const file = {
  at: new Date(AT).toISOString(),
  key: {
    keyId: identity.keyId,
    teamId: identity.teamId,
    publicKey: (spki(ours.publicKey) as Buffer).toString('base64'),
  },
  valid: rows(valid),
  invalid: rows(invalid),
  expired: rows(expired),
}
writeFileSync(
  new URL('./provider-tokens.json', import.meta.url),
  `${JSON.stringify(file, null, 2)}\n`,
)
