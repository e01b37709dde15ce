import { base32crockford } from '@scure/base'
import { activationCodes } from '../../aws/operator/activation-codes.ts'
import { hashActivationCode } from '../../core/activate.ts'
import type { Ids } from '../../core/ports.ts'
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

export const DEFAULT_INVITE_SECONDS = 24 * 3600
export const MAX_INVITE_SECONDS = 366 * 24 * 3600
const MAX_CODES = 1_000
const CODES_AT_ONCE = 25
const CODE_BYTES = 16

/** Makes one-time activation codes. Only their hashes are kept, so nobody can show them again. */
export async function inviteDevices(
  deployment: Deployment,
  order: InviteOrder = {},
): Promise<Invitation[]> {
  const { count = 1, ttlSeconds = DEFAULT_INVITE_SECONDS, reusable = false } = order
  checkOrder(count, ttlSeconds)
  const { clients, outputs, clock, ids } = deployment
  const table = activationCodes(clients.dynamoDb, outputs.ActivationsTable)
  const createdAt = clock.now()
  const expiresAt = Math.floor(createdAt / 1000) + ttlSeconds
  const codes = order.code ? [order.code] : Array.from({ length: count }, () => makeCode(ids))
  for (let from = 0; from < codes.length; from += CODES_AT_ONCE) {
    const some = codes.slice(from, from + CODES_AT_ONCE).map(hashActivationCode)
    await Promise.all(
      some.map((codeHash) => table.add({ codeHash, expiresAt, createdAt, reusable })),
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

/** 26 characters of Crockford base32 in groups, so that they can be read out and typed. */
function makeCode(ids: Ids): string {
  const text = base32crockford.encode(ids.bytes(CODE_BYTES))
  return (text.match(/.{1,7}/g) ?? []).join('-')
}
