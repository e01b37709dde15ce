/** Limits what one key may do. */
export interface RateLimit<Key extends string> {
  /** Whether this key may do it once more now. */
  take(key: Key, nowMs: number): boolean
}

interface Bucket {
  tokens: number
  updatedAt: number
}

/**
 * Limits memory: 10,000 buckets of about 100 bytes; beyond that, the least recently used is
 * forgotten.
 */
const MAX_BUCKETS = 10_000

/**
 * A token bucket per key (a device token, a certificate's fingerprint, an address), `perSecond`
 * with a burst of ten seconds' worth; 0 = no limit. It counts within one execution environment, so
 * N environments let N times as much through.
 */
export function rateLimit(perSecond: number, maxBuckets = MAX_BUCKETS): RateLimit<string> {
  if (perSecond <= 0) return { take: () => true }
  const burst = perSecond * 10
  const buckets = new Map<string, Bucket>()
  return {
    take(key, nowMs) {
      const bucket = refill(buckets.get(key), nowMs, perSecond, burst)
      const granted = bucket.tokens >= 1
      if (granted) bucket.tokens -= 1
      // re-inserted, so that the map's order is that of last use
      buckets.delete(key)
      buckets.set(key, bucket)
      if (buckets.size > maxBuckets) buckets.delete(buckets.keys().next().value as string)
      return granted
    },
  }
}

function refill(
  bucket: Bucket | undefined,
  nowMs: number,
  perSecond: number,
  burst: number,
): Bucket {
  if (!bucket) return { tokens: burst, updatedAt: nowMs }
  // a clock that goes backwards grants nothing
  const gained = (Math.max(0, nowMs - bucket.updatedAt) / 1000) * perSecond
  return { tokens: Math.min(burst, bucket.tokens + gained), updatedAt: nowMs }
}
