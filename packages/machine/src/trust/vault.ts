import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import { MachineError } from '../failure.ts'

/**
 * Encrypts secrets on disk: AES-256-GCM (NIST SP 800-38D) under a key that HKDF derives from the
 * owner's. `label` says what a secret is for, so that one cannot be put in the place of another.
 */
export interface Vault {
  seal(label: string, secret: Uint8Array): Uint8Array
  /** @throws MachineError if another key sealed it, or it was changed. */
  open(label: string, sealed: Uint8Array): Uint8Array
}

/** Bytes of the owner's key. */
export const VAULT_KEY_BYTES = 32

const INFO = 'heliograph machine vault v1'
const VERSION = 1
const NONCE_BYTES = 12
const TAG_BYTES = 16
const HEAD_BYTES = 1 + NONCE_BYTES

export function vaultUnder(ownerKey: Uint8Array): Vault {
  if (ownerKey.length !== VAULT_KEY_BYTES)
    throw new Error(`the key of a vault has ${VAULT_KEY_BYTES} bytes`)
  const key = new Uint8Array(hkdfSync('sha256', ownerKey, '', INFO, 32))
  return {
    seal(label, secret) {
      const nonce = randomBytes(NONCE_BYTES)
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(label))
      const sealed = [cipher.update(secret), cipher.final(), cipher.getAuthTag()]
      return Buffer.concat([Uint8Array.of(VERSION), nonce, ...sealed])
    },

    open(label, sealed) {
      if (sealed.length < HEAD_BYTES + TAG_BYTES || sealed[0] !== VERSION) throw refused(label)
      const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(1, HEAD_BYTES), {
        authTagLength: TAG_BYTES,
      })
        .setAAD(Buffer.from(label))
        .setAuthTag(sealed.subarray(-TAG_BYTES))
      const secret = decipher.update(sealed.subarray(HEAD_BYTES, -TAG_BYTES))
      try {
        return Buffer.concat([secret, decipher.final()])
      } catch {
        throw refused(label)
      }
    },
  }
}

function refused(label: string): MachineError {
  return new MachineError(
    `${label} does not open with this key: give the key that the state folder was made with`,
  )
}
