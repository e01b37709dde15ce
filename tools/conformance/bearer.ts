import { type KeyObject, sign } from 'node:crypto'

/** How a token is written; by default as most libraries do. */
export interface TokenShape {
  readonly header?: Readonly<Record<string, unknown>>
  readonly claims?: Readonly<Record<string, unknown>>
  readonly hash?: 'sha256' | 'sha512'
  /** `wide`: each half in the 66 bytes of P-521, as pushok sends it. */
  readonly signature?: 'raw' | 'der' | 'wide' | 'none'
  /** `padded`: base64 with `+`, `/` and `=`, as dotAPNS sends it. */
  readonly alphabet?: 'url' | 'padded'
}

export interface TokenIdentity {
  readonly keyId: string
  readonly teamId: string
  readonly key: KeyObject
}

/** A provider token without the word `bearer`, signed as asked. */
export function makeToken(
  { keyId, teamId, key }: TokenIdentity,
  nowMs: number,
  shape: TokenShape = {},
): string {
  const encode = encoder(shape.alphabet ?? 'url')
  const header = { alg: 'ES256', kid: keyId, ...shape.header }
  const claims = { iss: teamId, iat: Math.floor(nowMs / 1000), ...shape.claims }
  const signed = [header, claims].map((one) => encode(Buffer.from(JSON.stringify(one)))).join('.')
  const signature = signatureOf(Buffer.from(signed), key, shape)
  return `${signed}.${encode(signature)}`
}

function encoder(alphabet: 'url' | 'padded'): (bytes: Buffer) => string {
  return (bytes) => bytes.toString(alphabet === 'url' ? 'base64url' : 'base64')
}

function signatureOf(
  signed: Buffer,
  key: KeyObject,
  { hash = 'sha256', signature = 'raw' }: TokenShape,
): Buffer {
  if (signature === 'none') return Buffer.alloc(0)
  if (signature === 'der') return sign(hash, signed, { key, dsaEncoding: 'der' })
  const raw = sign(hash, signed, { key, dsaEncoding: 'ieee-p1363' })
  return signature === 'raw' ? raw : widened(raw)
}

function widened(raw: Buffer): Buffer {
  const wide = Buffer.alloc(132)
  raw.copy(wide, 34, 0, 32)
  raw.copy(wide, 100, 32, 64)
  return wide
}
