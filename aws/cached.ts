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

/**
 * About 300 bytes an entry: at most some 15 MB per execution environment. A plain map, because a
 * cache that sets aside its room takes milliseconds of every cold start.
 */
const MAX_ENTRIES = 50_000

function remember<T extends object>(seconds: number, clock: Clock, isGood: (value: T) => boolean) {
  const known = new Map<string, Remembered<T>>()
  return async (key: string, read: () => Promise<T | undefined>): Promise<T | undefined> => {
    const cached = known.get(key)
    const age = clock.now() - (cached?.readAt ?? 0)
    if (cached && age >= 0 && age < seconds * 1000) return cached.value
    // the age counts from before the read: the answer may be that old when it comes
    const readAt = clock.now()
    const value = await read()
    // the oldest reading goes first: it is the one to be asked again soonest
    known.delete(key)
    if (value && isGood(value)) known.set(key, { value, readAt })
    if (known.size > MAX_ENTRIES) known.delete(known.keys().next().value as string)
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
