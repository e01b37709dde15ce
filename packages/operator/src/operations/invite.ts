import {
  ACTIVATION_CODE_BYTES,
  activationCodeOf,
  hashActivationCode,
} from '@heliograph/core/devices/activation-code'
import type { Deployment } from '../deployment.ts'
import { Failure } from '../failure.ts'

export interface InviteOrder {
  /** How many codes; default 1. */
  readonly count?: number
  /** How long a code can be used; default one day. */
  readonly ttlSeconds?: number
  /** One code for any number of devices: for local use only. */
  readonly reusable?: boolean
  /** A code of the caller's own, which must be as hard to guess; default: 128 random bits. */
  readonly code?: string
}

export interface Invitation {
  readonly code: string
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
}

const DEFAULT_INVITE_SECONDS = 24 * 3600
export const MAX_INVITE_SECONDS = 366 * 24 * 3600
const MAX_CODES = 1_000
const CODES_AT_ONCE = 25

/** Makes one-time activation codes. Only their hashes are kept, so nobody can show them again. */
export async function inviteDevices(
  deployment: Deployment,
  order: InviteOrder = {},
): Promise<Invitation[]> {
  const { count = 1, ttlSeconds = DEFAULT_INVITE_SECONDS, reusable = false } = order
  checkOrder(count, ttlSeconds)
  const { ports, clock, ids } = deployment
  const createdAt = clock.now()
  const expiresAt = Math.floor(createdAt / 1000) + ttlSeconds
  const makeCode = () => activationCodeOf(ids.bytes(ACTIVATION_CODE_BYTES))
  const codes = order.code ? [order.code] : Array.from({ length: count }, makeCode)
  for (let from = 0; from < codes.length; from += CODES_AT_ONCE) {
    const some = codes.slice(from, from + CODES_AT_ONCE).map(hashActivationCode)
    await Promise.all(
      some.map((codeHash) =>
        ports.activationCodes.add({ codeHash, expiresAt, createdAt, reusable }),
      ),
    )
  }
  return codes.map((code) => ({ code, expiresAt: expiresAt * 1000 }))
}

function checkOrder(count: number, ttlSeconds: number): void {
  if (!Number.isInteger(count) || count < 1 || count > MAX_CODES)
    throw new Failure('usage', `--count must be a whole number from 1 to ${MAX_CODES}`)
  if (!Number.isInteger(ttlSeconds) || ttlSeconds < 1 || ttlSeconds > MAX_INVITE_SECONDS)
    throw new Failure('usage', '--ttl must be between 1 second and 366 days')
}
