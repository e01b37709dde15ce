import type { Claims, Clock } from '@heliograph/core/ports'
import type { Seq } from '@heliograph/protocol/identifiers'
import { CLAIM_SECONDS } from '@heliograph/protocol/limits'
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
    claim({ id, deviceId, topic, seq }) {
      const now = Math.floor(clock.now() / 1000)
      const key = `${id.toLowerCase()}:${deviceId}:${topic}`
      return access('claims.claim', seq, () => store.claim(key, seq, now))
    },
  }
}
