import { MAX_PER_COLLAPSE_ID } from './limits.ts'

/**
 * What of a topic waits for a device that is offline: the newest notification, or the newest of each
 * apns-collapse-id and those without one each by itself, at most `perCollapseId` of them.
 */
export type PendingRule = 'newest' | { readonly perCollapseId: number }

/** The topics that differ from `newest`. */
export type PendingRules = Readonly<Record<string, PendingRule>>

export function isPerCollapseId(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 1 && Number(value) <= MAX_PER_COLLAPSE_ID
}

export function isPendingRule(value: unknown): value is PendingRule {
  if (value === 'newest') return true
  if (typeof value !== 'object' || value === null || !('perCollapseId' in value)) return false
  return Object.keys(value).length === 1 && isPerCollapseId(value.perCollapseId)
}
