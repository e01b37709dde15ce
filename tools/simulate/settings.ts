import type { PendingRules } from '@heliograph/protocol/pending-rule'
import { topics } from './certificates.ts'
import { type Random, random } from './random.ts'

/** What one seed simulates. Rates are probabilities per chance, times are milliseconds. */
export interface Settings {
  readonly devices: number
  readonly topics: number
  readonly notifications: number
  /** Storms, each followed by a calm in which everything must come to rest. */
  readonly storms: number
  /** Mean time between two notifications. */
  readonly sendGap: number
  /** Mean time of one step of a port; a slow one takes up to `slowStep`. */
  readonly step: number
  readonly slow: number
  readonly slowStep: number
  /** Clocks of execution environments are off by at most this. */
  readonly skew: number
  /** Mean time a device stays connected, and away. */
  readonly stay: number
  readonly away: number
  readonly store: StoreFaults
  readonly broker: BrokerFaults
  readonly queue: QueueFaults
  readonly concurrency: Concurrency
  readonly crash: number
  readonly device: DeviceHabits
  readonly provider: ProviderHabits
  /** Topics of which more than the newest notification waits for a device. */
  readonly pending: PendingRules
  readonly operator: OperatorHabits
  /** How late DynamoDB deletes. */
  readonly ttlDelay: number
  readonly attacks: Attacks
}

/** Mean time between two acts of an attacker, in those between two notifications; 0 = there is none. */
export interface Attacks {
  readonly forger: number
  readonly device: number
}

export interface StoreFaults {
  readonly refused: number
  /** The answer is lost and the SDK asks again. */
  readonly repeated: number
  /** The answer is lost for good. */
  readonly unanswered: number
}

export interface BrokerFaults {
  readonly throttled: number
  /** 500 after the device has the message. */
  readonly failedAfter: number
  readonly ackLost: number
  readonly ackLate: number
  readonly unanswered: number
  readonly repeatedRule: number
}

export interface QueueFaults {
  readonly duplicated: number
  readonly deleteLost: number
  /** Mean time until a message is handed out, and the share that takes much longer. */
  readonly latency: number
  readonly late: number
  readonly lateness: number
}

/** Batches of deliver's two queues that are worked at the same time, at most (MaximumConcurrency). */
export interface Concurrency {
  readonly notifications: number
  readonly slots: number
}

export interface DeviceHabits {
  readonly halfDead: number
  /** An app fails to take over for a while. */
  readonly failing: number
  readonly leaves: number
  readonly handlerTime: number
}

export interface ProviderHabits {
  readonly ownId: number
  readonly retries: number
  readonly expirations: readonly Expiration[]
  readonly strangers: number
  /** Share of the requests that are for many devices. */
  readonly together: number
  /** Share of the requests with a provider token, and of these with one that is no good. */
  readonly byToken: number
  readonly badTokens: number
}

/** `short`: seconds, in the middle of what happens. */
export type Expiration = 'absent' | 'zero' | 'past' | 'short' | 'hour'

export interface OperatorHabits {
  readonly rotates: boolean
  readonly revokesProvider: boolean
  readonly revokesDevice: boolean
  /** A provider key, and another is made in its place. */
  readonly revokesKey: boolean
  readonly deviceRefused: number
}

const MINUTE = 60_000
const HOUR = 60 * MINUTE

/** Each kind of trouble is switched on or off by itself, so that seeds differ in kind and not only in luck. */
export function settingsOf(seed: number, notifications: number): Settings {
  const r = random(seed)
  const sendGap = r.logBetween(5, 5_000)
  return {
    devices: 1 + r.int(5),
    topics: 1 + r.int(3),
    notifications,
    storms: 1 + r.int(4),
    sendGap,
    step: r.logBetween(1, 300),
    slow: sometimes(r, 0.1),
    slowStep: r.logBetween(500, 6_000),
    skew: r.chance(0.5) ? r.between(0, 5_000) : 0,
    stay: sendGap * r.logBetween(0.3, 100),
    away: sendGap * r.logBetween(0.3, 50),
    store: {
      refused: sometimes(r, 0.05),
      repeated: sometimes(r, 0.05),
      unanswered: sometimes(r, 0.03),
    },
    broker: brokerFaults(r),
    queue: queueFaults(r),
    concurrency: concurrencyOf(seed),
    crash: sometimes(r, 0.02),
    device: deviceHabits(r),
    provider: { ...providerHabits(r), together: togetherOf(seed), ...tokenHabits(seed) },
    pending: pendingOf(seed),
    operator: {
      rotates: r.chance(0.3),
      revokesProvider: r.chance(0.2),
      revokesDevice: r.chance(0.15),
      deviceRefused: r.chance(0.1) ? r.between(0, 0.1) : 0,
      revokesKey: random(seed + 4_000_007).chance(0.4),
    },
    ttlDelay: r.logBetween(1, 6 * HOUR),
    attacks: {
      forger: r.chance(0.4) ? r.logBetween(0.5, 20) : 0,
      device: r.chance(0.3) ? r.logBetween(2, 20) : 0,
    },
  }
}

function brokerFaults(r: Random): BrokerFaults {
  return {
    throttled: sometimes(r, 0.2),
    failedAfter: sometimes(r, 0.05),
    ackLost: sometimes(r, 0.2),
    ackLate: sometimes(r, 0.1),
    unanswered: sometimes(r, 0.05),
    repeatedRule: sometimes(r, 0.2),
  }
}

function queueFaults(r: Random): QueueFaults {
  return {
    duplicated: sometimes(r, 0.1),
    deleteLost: sometimes(r, 0.05),
    latency: r.logBetween(1, 1_000),
    late: sometimes(r, 0.1),
    lateness: r.logBetween(1_000, 10 * MINUTE),
  }
}

function deviceHabits(r: Random): DeviceHabits {
  return {
    halfDead: sometimes(r, 0.3),
    failing: sometimes(r, 0.2),
    leaves: sometimes(r, 0.2),
    handlerTime: r.logBetween(1, 3_000),
  }
}

/** Drawn from a random source of its own, so that seeds in which nothing is sent together stay as they were. */
function togetherOf(seed: number): number {
  const r = random(seed + 2_000_003)
  return r.chance(0.5) ? r.next() : 0
}

/** AWS allows 2 at least; few enough that batches wait for each other. */
function concurrencyOf(seed: number): Concurrency {
  const r = random(seed + 3_000_017)
  return { notifications: 2 + r.int(9), slots: 2 + r.int(3) }
}

/** Few may wait, so that they often are too many. */
function pendingOf(seed: number): PendingRules {
  const r = random(seed + 6_000_011)
  if (r.chance(0.65)) return {}
  const some = topics.filter(() => r.chance(0.6))
  return Object.fromEntries(some.map((topic) => [topic, { perCollapseId: 1 + r.int(6) }]))
}

function tokenHabits(seed: number): Pick<ProviderHabits, 'byToken' | 'badTokens'> {
  const r = random(seed + 5_000_011)
  return { byToken: sometimes(r, 1), badTokens: sometimes(r, 0.3) }
}

function providerHabits(r: Random): Omit<ProviderHabits, 'together' | 'byToken' | 'badTokens'> {
  const kinds: Expiration[] = ['absent', 'zero', 'past', 'short', 'hour']
  return {
    ownId: r.chance(0.6) ? r.next() : 0,
    retries: r.chance(0.6) ? r.next() : 0,
    expirations: ['absent', 'absent', 'absent', ...kinds.filter(() => r.chance(0.4))],
    strangers: sometimes(r, 0.1),
  }
}

/** Off in half of all seeds, otherwise anything up to `most`. */
function sometimes(r: Random, most: number): number {
  return r.chance(0.5) ? r.between(0, most) : 0
}
