import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import { base32crockford } from '@scure/base'

/** The number of random bytes in an activation code. */
export const ACTIVATION_CODE_BYTES = 16

/** 26 characters of Crockford base32, in groups that can be read aloud and typed. */
export function activationCodeOf(bytes: Uint8Array): string {
  if (bytes.length !== ACTIVATION_CODE_BYTES)
    throw new Error(`an activation code is made of ${ACTIVATION_CODE_BYTES} bytes`)
  return (base32crockford.encode(bytes).match(/.{1,7}/g) ?? []).join('-')
}

/** What is kept of an activation code: never the code itself. */
export function hashActivationCode(code: string): string {
  return bytesToHex(sha256(utf8ToBytes(`heliograph activation code v1:${canonical(code)}`)))
}

/** As people type it: 26 characters with any separators, O for 0, I and L for 1. */
const TYPED = /^[0-9a-z]{26}$/i

/**
 * The code in its original form, however it was typed; every spelling represents the same 128 bits.
 * A code that the operator chose is taken as it is, because its letter case may be part of what
 * makes it hard to guess.
 */
function canonical(code: string): string {
  const letters = code.replace(/[\s-]/g, '')
  if (!TYPED.test(letters)) return code
  try {
    return activationCodeOf(base32crockford.decode(letters))
  } catch {
    return code
  }
}
