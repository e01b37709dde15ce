import {
  type ProviderKeyId,
  parseProviderKeyId,
  parseTeamId,
  type TeamId,
} from '@heliograph/protocol/identifiers'

/** How far `iat` may be from now, either way (Apple: "refresh your token no less than once every 60 minutes"). */
export const TOKEN_LIFETIME_MS = 60 * 60_000

/** Characters; honest ones have about 200. */
const MAX_TOKEN_CHARACTERS = 2_048

/** What a provider token claims; nothing of it is true before the proof is checked. */
export interface ProviderToken {
  readonly keyId: ProviderKeyId
  readonly teamId: TeamId
  /** Milliseconds since the epoch; NaN if the token does not say. */
  readonly issuedAt: number
  readonly proof: Proof
}

/** An ECDSA signature over P-256, and the bytes that it signs. */
export interface Proof {
  /** The first two parts as they were sent: nobody encodes them again (RFC 7515 §5.2). */
  readonly signed: Uint8Array
  readonly signature: Uint8Array
  readonly form: 'ieee-p1363' | 'der'
  readonly hash: 'sha256' | 'sha512'
}

export type TokenFault = { readonly fault: string }

/**
 * Reads a token in any shape that APNs clients send (apns-contract §15.1): both base64 alphabets,
 * with or without padding, raw and DER signatures, ES512 on a P-256 key, `iat` as a float or as
 * text. The algorithm is chosen here and never by the token: `none`, HS* and RS* do not exist. A
 * key inside the token is a fault, and so is `crit`, because no extension is supported (RFC 7515
 * §4.1.11).
 */
export function readProviderToken(text: string): ProviderToken | TokenFault {
  const [header = '', claims = '', signature = '', ...rest] = text.split('.')
  const head = readObject(header)
  const body = readObject(claims)
  if (text.length > MAX_TOKEN_CHARACTERS || rest.length > 0 || !head || !body)
    return { fault: 'not a JSON web token: three parts, the first two JSON in base64' }
  const proof = readProof(head, signature)
  if ('fault' in proof) return proof
  const keyId = parseProviderKeyId(head.kid)
  const teamId = parseTeamId(body.iss)
  if (!keyId || !teamId) return { fault: 'kid and iss must be 10 capital letters and digits each' }
  const signed = Buffer.from(`${header}.${claims}`, 'latin1')
  return { keyId, teamId, issuedAt: momentOf(body.iat), proof: { ...proof, signed } }
}

type JsonObject = Readonly<Record<string, unknown>>

/** RFC 4648 §4 and §5; Node's decoder would skip any other characters. */
const BASE64 = /^[\w+/-]+={0,2}$/

function decode(part: string): Buffer {
  return Buffer.from(BASE64.test(part) ? part : '', 'base64')
}

function readObject(part: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(decode(part).toString())
    return value instanceof Object ? (value as JsonObject) : undefined
  } catch {
    return undefined
  }
}

/** Header parameters by which a token would say what to check it with (RFC 7515 §4.1.2 to §4.1.6), and `crit`. */
const refused = ['jwk', 'jku', 'x5c', 'x5u', 'crit'] as const

/** `ES512` is pushok's: the name of another curve's algorithm, with its hash, on a P-256 key. */
const hashes = new Map<unknown, Proof['hash']>([
  ['ES256', 'sha256'],
  ['ES512', 'sha512'],
])

function readProof(head: JsonObject, signature: string): Omit<Proof, 'signed'> | TokenFault {
  const found = refused.find((name) => name in head)
  if (found) return { fault: `${found} in the header is never believed` }
  const hash = hashes.get(head.alg)
  if (!hash) return { fault: 'alg is not ES256' }
  const read = readSignature(decode(signature))
  return read ? { ...read, hash } : { fault: 'the signature is of no known form' }
}

const RAW_BYTES = 64
/** Of P-521, half by half; only the last 32 bytes of each half can say anything on P-256. */
const WIDE_BYTES = 132
const DER_SEQUENCE = 0x30
/** SEQUENCE of two INTEGERs of at most 33 bytes each. */
const MAX_DER_BYTES = 72

function readSignature(bytes: Buffer): Pick<Proof, 'signature' | 'form'> | undefined {
  if (bytes.length === RAW_BYTES) return { signature: bytes, form: 'ieee-p1363' }
  if (bytes.length === WIDE_BYTES) return narrow(bytes)
  return bytes[0] === DER_SEQUENCE && bytes.length <= MAX_DER_BYTES
    ? { signature: bytes, form: 'der' }
    : undefined
}

function narrow(wide: Buffer): Pick<Proof, 'signature' | 'form'> | undefined {
  const half = WIDE_BYTES / 2
  const spare = half - RAW_BYTES / 2
  const isSpare = (byte: number, at: number) => at % half >= spare || byte === 0
  if (!wide.every(isSpare)) return undefined
  const signature = wide.filter((_byte, at) => at % half >= spare)
  return { signature, form: 'ieee-p1363' }
}

function momentOf(iat: unknown): number {
  return typeof iat === 'number' || typeof iat === 'string' ? Number(iat) * 1000 : Number.NaN
}

/** Whether a token of this moment is good now; also for NaN it is not. */
export function isFresh(issuedAt: number, nowMs: number): boolean {
  return Math.abs(nowMs - issuedAt) <= TOKEN_LIFETIME_MS
}
