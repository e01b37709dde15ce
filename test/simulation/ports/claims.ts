import { CLAIM_SECONDS } from '../../../aws/claims.ts'
import type { Seq } from '../../../core/identifiers.ts'
import type { Claims, Clock } from '../../../core/ports.ts'
import type { Access } from './access.ts'

interface Claim {
  readonly seq: Seq
  /** UNIX seconds. */
  readonly expiresAt: number
}

/** Who claimed which apns-id first. Every method happens at once. */
export class ClaimStore {
  readonly #claims = new Map<string, Claim>()

  claim(key: string, seq: Seq, now: number): Seq {
    const held = this.#claims.get(key)
    if (held && held.seq !== seq && held.expiresAt > now) return held.seq
    this.#claims.set(key, { seq, expiresAt: now + CLAIM_SECONDS })
    return seq
  }
}

export function memoryClaims(store: ClaimStore, access: Access, clock: Clock): Claims {
  return {
    claim(id, token, seq) {
      const now = Math.floor(clock.now() / 1000)
      const key = `${id.toLowerCase()}:${token}`
      return access('claims.claim', seq, () => store.claim(key, seq, now))
    },
  }
}
