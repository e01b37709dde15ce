import { createCipheriv, timingSafeEqual } from 'node:crypto'
import { cmac } from '@noble/ciphers/aes.js'

const BLOCK_BYTES = 16

/** Opens a sealed block; undefined if this key and label did not seal it. */
export type OpenBlock = (sealed: Uint8Array) => Uint8Array | undefined

/**
 * AES-256-SIV (RFC 5297) for a plaintext of exactly one block with one label as associated data.
 * Everything that depends only on these two is computed once, so that garbage, which anyone can
 * send, costs two AES blocks and not a key schedule or six:
 *
 *     S2V(K1, label, P) = AES(K1, P ⊕ mask), where mask = dbl(CMAC(K1, 0)) ⊕ CMAC(K1, label) ⊕ dbl(AES(K1, 0))
 *
 * @param key 64 bytes: K1 for the tag, K2 for the encryption.
 */
export function blockOpener(key: Uint8Array, label: Uint8Array): OpenBlock {
  const [k1, k2] = [key.subarray(0, 32), key.subarray(32)]
  const [tagOf, streamOf] = [blockCipher(k1), blockCipher(k2)]
  const zero = new Uint8Array(BLOCK_BYTES)
  // the last term is CMAC's subkey for a message of whole blocks (RFC 4493 §2.3)
  const mask = xor(xor(doubled(cmac(zero, k1)), cmac(label, k1)), doubled(tagOf(zero)))
  return (sealed) => {
    if (sealed.length !== 2 * BLOCK_BYTES) return undefined
    const tag = sealed.subarray(0, BLOCK_BYTES)
    const plaintext = xor(streamOf(counterOf(tag)), sealed.subarray(BLOCK_BYTES))
    return timingSafeEqual(tagOf(xor(plaintext, mask)), tag) ? plaintext : undefined
  }
}

/** One block at a time: without chaining or padding, the cipher keeps nothing between two. */
function blockCipher(key: Uint8Array): (block: Uint8Array) => Uint8Array {
  const cipher = createCipheriv('aes-256-ecb', key, null).setAutoPadding(false)
  return (block) => cipher.update(block)
}

/** The tag with the bits cleared that a 32-bit counter would carry into (RFC 5297 §2.5). */
function counterOf(tag: Uint8Array): Uint8Array {
  const counter = Uint8Array.from(tag)
  counter[8] = (tag[8] ?? 0) & 0x7f
  counter[12] = (tag[12] ?? 0) & 0x7f
  return counter
}

function xor(one: Uint8Array, other: Uint8Array): Uint8Array {
  return one.map((byte, at) => byte ^ (other[at] ?? 0))
}

/** `dbl` of RFC 5297 §2.1: times x in GF(2^128). */
function doubled(block: Uint8Array): Uint8Array {
  const carry = (block[0] ?? 0) >> 7
  const shifted = block.map((byte, at) => (byte << 1) | ((block[at + 1] ?? 0) >> 7))
  shifted[BLOCK_BYTES - 1] = (shifted[BLOCK_BYTES - 1] ?? 0) ^ (carry * 0x87)
  return shifted
}
