import { createECDH, type KeyObject, randomBytes } from 'node:crypto'

/**
 * ECDSA over a given digest (FIPS 186-5, 6.4), which Node's crypto does not offer. The one curve
 * operation, a multiple of the base point, is left to OpenSSL through ECDH. For a test cloud only: BigInt
 * arithmetic is not constant-time.
 */

interface Curve {
  readonly name: string
  readonly order: bigint
  readonly bytes: number
}

const curves: Readonly<Record<string, Curve>> = {
  'P-256': {
    name: 'prime256v1',
    order: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
    bytes: 32,
  },
  'P-384': {
    name: 'secp384r1',
    order:
      0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
    bytes: 48,
  },
}

/** A DER signature of a digest that is as long as the curve's order. */
export function signDigestEcdsa(key: KeyObject, digest: Buffer): Buffer {
  const { curve, secret } = keyNumbers(key)
  const { order } = curve
  while (true) {
    const nonce = randomScalar(curve)
    const r = xOfMultiple(curve, nonce) % order
    const s = modulo(inverse(nonce, order) * (toNumber(digest) + r * secret), order)
    if (r !== 0n && s !== 0n) return encodeDer(r, s)
  }
}

/** Solves the signing equation for the nonce with the private key, and compares its point. */
export function verifyDigestEcdsa(key: KeyObject, digest: Buffer, signature: Buffer): boolean {
  const { curve, secret } = keyNumbers(key)
  const { order } = curve
  const decoded = decodeDer(signature)
  if (decoded === undefined) return false
  const { r, s } = decoded
  if (r <= 0n || r >= order || s <= 0n || s >= order) return false
  const nonce = modulo(inverse(s, order) * (toNumber(digest) + r * secret), order)
  return nonce !== 0n && xOfMultiple(curve, nonce) % order === r
}

function keyNumbers(key: KeyObject): { curve: Curve; secret: bigint } {
  const { crv = '', d = '' } = key.export({ format: 'jwk' })
  const curve = curves[crv]
  if (curve === undefined) throw new Error(`There is no curve ${crv} here.`)
  return { curve, secret: toNumber(Buffer.from(d, 'base64url')) }
}

function randomScalar({ order, bytes }: Curve): bigint {
  while (true) {
    const scalar = toNumber(randomBytes(bytes))
    if (scalar > 0n && scalar < order) return scalar
  }
}

function xOfMultiple({ name, bytes }: Curve, scalar: bigint): bigint {
  const ecdh = createECDH(name)
  ecdh.setPrivateKey(toBytes(scalar, bytes))
  // Uncompressed point: 04, x, y.
  return toNumber(ecdh.getPublicKey().subarray(1, 1 + bytes))
}

function toNumber(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
}

function toBytes(number: bigint, length: number): Buffer {
  return Buffer.from(number.toString(16).padStart(length * 2, '0'), 'hex')
}

function modulo(number: bigint, by: bigint): bigint {
  const rest = number % by
  return rest < 0n ? rest + by : rest
}

/** Extended Euclid. */
function inverse(number: bigint, order: bigint): bigint {
  let [a, b, x, y] = [modulo(number, order), order, 1n, 0n]
  while (a > 1n) {
    const quotient = a / b
    ;[a, b] = [b, a % b]
    ;[x, y] = [y, x - quotient * y]
  }
  return modulo(x, order)
}

/** SEQUENCE { INTEGER r, INTEGER s }; short lengths suffice up to P-384. */
function encodeDer(r: bigint, s: bigint): Buffer {
  const body = Buffer.concat([encodeInteger(r), encodeInteger(s)])
  return Buffer.concat([Buffer.from([0x30, body.length]), body])
}

function encodeInteger(number: bigint): Buffer {
  const hex = number.toString(16)
  const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex')
  const positive = (bytes[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes
  return Buffer.concat([Buffer.from([0x02, positive.length]), positive])
}

function decodeDer(signature: Buffer): { r: bigint; s: bigint } | undefined {
  if (signature[0] !== 0x30 || signature[1] !== signature.length - 2) return undefined
  const r = decodeInteger(signature.subarray(2))
  const s = decodeInteger(signature.subarray(2 + (r?.length ?? 0)))
  if (r === undefined || s === undefined || 2 + r.length + s.length !== signature.length)
    return undefined
  return { r: r.value, s: s.value }
}

function decodeInteger(bytes: Buffer): { value: bigint; length: number } | undefined {
  const size = bytes[1]
  if (bytes[0] !== 0x02 || !size || bytes.length < 2 + size) return undefined
  return { value: toNumber(bytes.subarray(2, 2 + size)), length: 2 + size }
}
