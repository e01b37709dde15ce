import type { Claims, Clock } from '@heliograph/core/ports'
import type { Seq } from '@heliograph/protocol/identifiers'
import { CLAIM_SECONDS } from '@heliograph/protocol/limits'
import type { Environment } from './environment.ts'
import type { Expiries } from './expiries.ts'

const CLAIMS = 'claims'

interface Row {
  readonly seq: Seq
  readonly expiresAt: number
}

/** Claims on disk, and who holds one. */
export interface StoredClaims extends Claims {
  /** The seq that holds the claim, if any does. */
  holder(notification: Claimed): Seq | undefined
}

type Claimed = Parameters<Claims['claim']>[0]

/** Which accepted notification an apns-id belongs to, per device and topic. */
export function claims(environment: Environment, expiries: Expiries, clock: Clock): StoredClaims {
  const rows = environment.table<Row, string>(CLAIMS)
  return {
    holder(notification) {
      const row = rows.get(nameOf(notification))
      return row && row.expiresAt > Math.floor(clock.now() / 1000) ? row.seq : undefined
    },

    claim: (notification) =>
      environment.change(() => {
        const { seq } = notification
        const name = nameOf(notification)
        const now = Math.floor(clock.now() / 1000)
        const holder = rows.get(name)
        if (holder && holder.expiresAt > now && holder.seq !== seq) return holder.seq
        const expiresAt = now + CLAIM_SECONDS
        rows.put(name, { seq, expiresAt })
        expiries.note(expiresAt, CLAIMS, [name])
        return seq
      }),
  }
}

/** The name of a claim. */
export function nameOf({ id, deviceId, topic }: Claimed): string {
  return `${id.toLowerCase()}:${deviceId}:${topic}`
}
