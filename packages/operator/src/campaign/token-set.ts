import { hash } from 'node:crypto'

/** 32-bit words kept of a token's hash: with 96 bits no two of a billion tokens are taken for one. */
const WORDS = 3

/**
 * Knows whether a token was added before, with about 25 bytes per token; a Set of strings needs
 * 150.
 */
export class TokenSet {
  #slots: Uint32Array
  #size = 0

  /** @param expected how many will be added at most, as far as is known. */
  constructor(expected: number) {
    this.#slots = emptySlots(expected)
  }

  /** False if the token is already in the set. */
  add(token: string): boolean {
    if ((this.#size + 1) * 4 > (this.#slots.length / WORDS) * 3) this.#grow()
    const digest = hash('sha256', token, 'buffer')
    const added = put(
      this.#slots,
      digest.readUInt32LE(0),
      digest.readUInt32LE(4),
      digest.readUInt32LE(8),
    )
    if (added) this.#size += 1
    return added
  }

  #grow(): void {
    const old = this.#slots
    this.#slots = emptySlots(this.#size * 2 + 1)
    for (let at = 0; at < old.length; at += WORDS) {
      const [a = 0, b = 0, c = 0] = [old[at], old[at + 1], old[at + 2]]
      if (a !== 0 || b !== 0 || c !== 0) put(this.#slots, a, b, c)
    }
  }
}

/** A power of two of slots, at most three quarters of which the expected fill. */
function emptySlots(expected: number): Uint32Array {
  const count = 2 ** Math.ceil(Math.log2(Math.max(64, (expected * 4) / 3 + 1)))
  return new Uint32Array(count * WORDS)
}

/** Open addressing: the first free slot from where the first word points to. */
function put(slots: Uint32Array, a: number, b: number, c: number): boolean {
  const mask = slots.length / WORDS - 1
  for (let slot = a & mask; ; slot = (slot + 1) & mask) {
    const at = slot * WORDS
    if (slots[at] === a && slots[at + 1] === b && slots[at + 2] === c) return false
    if (slots[at] !== 0 || slots[at + 1] !== 0 || slots[at + 2] !== 0) continue
    slots.set([a, b, c], at)
    return true
  }
}
