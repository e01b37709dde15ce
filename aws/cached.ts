import { LRUCache } from 'lru-cache'
import type {
  Clock,
  ProviderRecord,
  Providers,
  Registration,
  Registrations,
} from '../core/ports.ts'

/**
 * The two reads on accept's way, remembered for a stated time. Only good news is remembered: what
 * is refused is asked again, so that a new certificate or registration counts at once. A read that
 * fails is never replaced by an older answer: the caller fails closed.
 */

interface Remembered<T> {
  readonly value: T
  readonly readAt: number
}

/** About 300 bytes an entry: at most some 15 MB per execution environment. */
const MAX_ENTRIES = 50_000

function remember<T extends object>(seconds: number, clock: Clock, isGood: (value: T) => boolean) {
  const known = new LRUCache<string, Remembered<T>>({ max: MAX_ENTRIES })
  return async (key: string, read: () => Promise<T | undefined>): Promise<T | undefined> => {
    const cached = known.get(key)
    const age = clock.now() - (cached?.readAt ?? 0)
    if (cached && age >= 0 && age < seconds * 1000) return cached.value
    // the age counts from before the read: the answer may be that old when it comes
    const readAt = clock.now()
    const value = await read()
    if (value && isGood(value)) known.set(key, { value, readAt })
    else known.delete(key)
    return value
  }
}

/** Revocation takes effect within `seconds` (at most 30, the bound of invariant I4). */
export function cachedProviders(
  providers: Providers,
  seconds: number,
  clock: Clock,
): Pick<Providers, 'find'> {
  const recall = remember<ProviderRecord>(
    Math.min(seconds, 30),
    clock,
    (record) => record.revokedAt === undefined,
  )
  return { find: (fingerprint) => recall(fingerprint, () => providers.find(fingerprint)) }
}

/** An unregister answers 410 within `seconds`. */
export function cachedRegistrations(
  registrations: Registrations,
  seconds: number,
  clock: Clock,
): Pick<Registrations, 'find'> {
  const recall = remember<Registration>(seconds, clock, (registration) => registration.live)
  return {
    find: (deviceId, topic) =>
      recall(`${deviceId}/${topic}`, () => registrations.find(deviceId, topic)),
  }
}
