import { MAX_TRUST_SECONDS } from '@heliograph/protocol/limits'
import type {
  Clock,
  ProviderKey,
  ProviderKeys,
  ProviderRecord,
  Providers,
  Registration,
  RegistrationKey,
  Registrations,
} from './ports.ts'

/**
 * The reads on accept's path, cached for a stated time. Only positive answers are cached: a refusal
 * is looked up again, so that a new certificate or registration takes effect at once. A read that
 * fails is never replaced by an older answer: the caller fails closed.
 */

interface Remembered<T> {
  readonly value: T
  readonly readAt: number
}

/**
 * About 300 bytes per entry: at most about 15 MB per execution environment. A plain map, because a
 * cache that preallocates takes milliseconds of every cold start.
 */
const MAX_ENTRIES = 50_000

function memoryOf<T extends object>(seconds: number, clock: Clock, isGood: (value: T) => boolean) {
  const known = new Map<string, Remembered<T>>()
  return {
    recall(key: string): T | undefined {
      const cached = known.get(key)
      const age = clock.now() - (cached?.readAt ?? 0)
      return cached && age >= 0 && age < seconds * 1000 ? cached.value : undefined
    },
    /** `readAt` is from before the read: the answer may be that old when it comes. */
    keep(key: string, value: T | undefined, readAt: number): void {
      // the oldest entry goes first: it would be looked up again soonest
      known.delete(key)
      if (value && isGood(value)) known.set(key, { value, readAt })
      if (known.size > MAX_ENTRIES) known.delete(known.keys().next().value as string)
    },
  }
}

function remember<T extends object>(seconds: number, clock: Clock, isGood: (value: T) => boolean) {
  const memory = memoryOf(seconds, clock, isGood)
  return async (key: string, read: () => Promise<T | undefined>): Promise<T | undefined> => {
    const known = memory.recall(key)
    if (known) return known
    const readAt = clock.now()
    const value = await read()
    memory.keep(key, value, readAt)
    return value
  }
}

/** Revocation takes effect within `seconds` (at most `MAX_TRUST_SECONDS`, the bound of invariant I4). */
export function cachedProviders(
  providers: Providers,
  seconds: number,
  clock: Clock,
): Pick<Providers, 'find'> {
  const recall = remember<ProviderRecord>(
    Math.min(seconds, MAX_TRUST_SECONDS),
    clock,
    (record) => record.revokedAt === undefined,
  )
  return { find: (fingerprint) => recall(fingerprint, () => providers.find(fingerprint)) }
}

/** As with certificates: a revoked key is believed for at most `seconds`, which is at most 30. */
export function cachedProviderKeys(
  keys: ProviderKeys,
  seconds: number,
  clock: Clock,
): Pick<ProviderKeys, 'find'> {
  const recall = remember<ProviderKey>(
    Math.min(seconds, MAX_TRUST_SECONDS),
    clock,
    (key) => key.revokedAt === undefined,
  )
  return { find: (keyId) => recall(keyId, () => keys.find(keyId)) }
}

/** An unregister answers 410 within `seconds`. */
export function cachedRegistrations(
  registrations: Pick<Registrations, 'findAll'>,
  seconds: number,
  clock: Clock,
): Pick<Registrations, 'findAll'> {
  const memory = memoryOf<Registration>(seconds, clock, (registration) => registration.live)
  const nameOf = ({ deviceId, topic }: RegistrationKey) => `${deviceId}/${topic}`
  return {
    /** Here the same key may appear twice. */
    async findAll(keys) {
      const found = new Map(keys.map((key) => [nameOf(key), memory.recall(nameOf(key))]))
      const unknown = [...new Map(keys.map((key) => [nameOf(key), key])).values()].filter(
        (key) => !found.get(nameOf(key)),
      )
      if (unknown.length > 0) {
        const readAt = clock.now()
        const read = await registrations.findAll(unknown)
        for (const [at, key] of unknown.entries()) {
          memory.keep(nameOf(key), read[at], readAt)
          found.set(nameOf(key), read[at])
        }
      }
      return keys.map((key) => found.get(nameOf(key)))
    },
  }
}
