import type { DeviceId } from '@heliograph/protocol/identifiers'

/** What one device may ask of one execution environment of one function. */
export interface Allowance {
  /** Requests that are processed without a wait. */
  readonly burst: number
  /** Requests per second after that. */
  readonly perSecond: number
}

/**
 * Limits that an honest device never reaches: it registers each topic once, sends one `connect` per
 * connection, and repeats unanswered requests with growing pauses. `bench/cost/attacks.ts` shows
 * the most that these allowances cost.
 */
export const allowances = {
  /** More topics than most devices have: the program waits ten seconds for the token of one that is dropped. */
  register: { burst: 20, perSecond: 0.2 },
  connect: { burst: 8, perSecond: 0.04 },
  unregister: { burst: 8, perSecond: 0.1 },
  renew: { burst: 3, perSecond: 0.02 },
  /** Messages that are not a valid request of any kind. */
  malformed: { burst: 1, perSecond: 0.02 },
  /** Slots that `connect` has tried again: a device that acknowledges nothing keeps all of them. */
  slot: { burst: 200, perSecond: 0.02 },
} as const satisfies Record<string, Allowance>

export type AllowanceName = keyof typeof allowances

/** An environment reports a device that asks for more at most once in this many milliseconds. */
export const NAMED_EVERY_MS = 60_000

/**
 * `dropped`, with `report`: report the device; that many of its requests were dropped since the
 * last report.
 */
export type Spent = { readonly may: true } | { readonly may: false; readonly report?: number }

export interface DeviceBudget {
  /** Deducts one request of a device, or `count` of them, from its allowance. */
  spend(deviceId: DeviceId, kind: AllowanceName, atMs: number, count?: number): Spent
}

interface Account {
  left: number
  at: number
  dropped: number
  namedAt: number
}

/** About 150 bytes each. */
const MAX_ACCOUNTS = 20_000

/**
 * Requests beyond a device's allowance are dropped before anything is read, answered or logged. It
 * is kept in the memory of one execution environment, and limits what each environment does for one
 * device.
 */
export function deviceBudget(maxAccounts = MAX_ACCOUNTS): DeviceBudget {
  const accounts = new Map<string, Account>()
  return {
    spend(deviceId, kind, atMs, count = 1) {
      const key = `${deviceId} ${kind}`
      const account = refilled(accounts.get(key), allowances[kind], atMs)
      // re-inserted, so that the map's order is that of last use
      accounts.delete(key)
      accounts.set(key, account)
      if (accounts.size > maxAccounts) accounts.delete(accounts.keys().next().value as string)
      return take(account, atMs, count)
    },
  }
}

function refilled(account: Account | undefined, { burst, perSecond }: Allowance, atMs: number) {
  if (!account) return { left: burst, at: atMs, dropped: 0, namedAt: Number.NEGATIVE_INFINITY }
  // requests come out of order, and an older one grants nothing
  const earned = (Math.max(0, atMs - account.at) / 1_000) * perSecond
  account.left = Math.min(burst, account.left + earned)
  account.at = Math.max(account.at, atMs)
  return account
}

function take(account: Account, atMs: number, count: number): Spent {
  if (account.left >= count) {
    account.left -= count
    return { may: true }
  }
  account.dropped += count
  if (atMs - account.namedAt < NAMED_EVERY_MS) return { may: false }
  const report = account.dropped
  account.dropped = 0
  account.namedAt = atMs
  return { may: false, report }
}
