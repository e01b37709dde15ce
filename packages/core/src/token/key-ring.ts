import type { TokenKeyId } from '@heliograph/protocol/identifiers'
import type { TokenKeyState, WrappedKey } from '../ports.ts'

export interface KeyInRing extends WrappedKey {
  readonly state: TokenKeyState
  /** When a newer key took over. */
  readonly replacedAt?: number
}

/**
 * Primary is the newest key that is not retired; the others still open tokens until they are. The
 * state is derived, so that two rotations at once leave no ring without a primary key, nor with two.
 */
export function ringOf(keys: readonly WrappedKey[]): KeyInRing[] {
  const newestFirst = [...keys].sort((a, b) => (a.id < b.id ? 1 : -1))
  const live = newestFirst.filter((key) => key.retiredAt === undefined)
  return newestFirst.map((key) => {
    const newer = live[live.indexOf(key) - 1]
    const state = key.retiredAt !== undefined ? 'retired' : newer ? 'accepted' : 'primary'
    return newer ? { ...key, state, replacedAt: newer.createdAt } : { ...key, state }
  })
}

/** Keys that a rotation now ends: replaced longer ago than the grace time. */
export function keysToRetire(
  keys: readonly WrappedKey[],
  nowMs: number,
  graceMs: number,
): TokenKeyId[] {
  return ringOf(keys)
    .filter((key) => key.state === 'accepted' && (key.replacedAt ?? nowMs) + graceMs <= nowMs)
    .map((key) => key.id)
}
