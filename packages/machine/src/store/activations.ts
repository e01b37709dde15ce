import type { ActivationCodes } from '@heliograph/core/operator-ports'
import type { Activations, Pace } from '@heliograph/core/ports'
import type { DeviceId } from '@heliograph/protocol/identifiers'
import type { Environment } from './environment.ts'
import type { Expiries } from './expiries.ts'

const ACTIVATIONS = 'activations'

/** How long a code is kept after it has expired, seconds: a device whose answer was lost may ask again. */
const KEPT_AFTER_SECONDS = 7 * 24 * 3600

interface Bound {
  readonly keyHash: string
  readonly deviceId: DeviceId
}

interface Row {
  /** UNIX seconds. */
  readonly expiresAt: number
  readonly createdAt?: number
  readonly reusable?: boolean
  readonly boundTo?: Bound
}

/**
 * The activation codes, by their hashes. A code is bound to the first key that redeems it; a
 * `reusable` one (local use only) has one row per key in addition to its own.
 */
export function activations(
  environment: Environment,
  expiries: Expiries,
): Activations & ActivationCodes {
  const rows = environment.table<Row, string>(ACTIVATIONS)
  return {
    async find(codeHash) {
      const row = rows.get(codeHash)
      if (!row) return undefined
      const { expiresAt, reusable = false, boundTo } = row
      return {
        ...{ codeHash, expiresAt: expiresAt * 1000, reusable },
        ...(boundTo && { boundTo }),
      }
    },

    redeem: ({ codeHash, reusable, expiresAt: until }, keyHash, candidate) =>
      environment.change(() => {
        const name = reusable ? `${codeHash}#${keyHash}` : codeHash
        const row = rows.get(name)
        if (row?.boundTo && row.boundTo.keyHash !== keyHash) return undefined
        const boundTo = row?.boundTo ?? { keyHash, deviceId: candidate }
        const expiresAt = Math.floor(until / 1000)
        rows.put(name, { ...row, expiresAt, boundTo })
        expiries.note(expiresAt + KEPT_AFTER_SECONDS, ACTIVATIONS, [name])
        return boundTo.deviceId
      }),

    add: ({ codeHash, expiresAt, createdAt, reusable }) =>
      environment.change(() => {
        rows.put(codeHash, { expiresAt, createdAt, ...(reusable && { reusable }) })
        expiries.note(expiresAt + KEPT_AFTER_SECONDS, ACTIVATIONS, [codeHash])
      }),
  }
}

/** Seconds whose counts are remembered. */
const KEPT_SECONDS = 60

/** Counts in memory: one process issues all certificates, and a restart owes nobody a place. */
export function activationPace(perSecond: number): Pace {
  const taken = new Map<number, number>()
  return {
    async take(nowMs) {
      const second = Math.floor(nowMs / 1000)
      const count = (taken.get(second) ?? 0) + 1
      taken.set(second, count)
      for (const old of taken.keys()) if (old < second - KEPT_SECONDS) taken.delete(old)
      return Math.floor((count - 1) / perSecond)
    },
  }
}
