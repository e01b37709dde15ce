import { DELIVERY_TIME, STORED_DELIVERY_TIME } from '@heliograph/protocol/metrics'
import { type OutcomeKind, outcomeKinds } from '@heliograph/protocol/outcome'
import type { Outcome } from '../outcome.ts'

/** A time that figures are about, in equal parts. Milliseconds since the epoch; the end is not in it. */
export interface StatsSpan {
  readonly since: number
  readonly until: number
  readonly parts: number
}

/** Milliseconds from acceptance to the device's acknowledgement, by nearest rank. */
export interface DeliveryTimes {
  readonly p50: number
  readonly p90: number
  readonly p99: number
}

/** What happened to a topic's notifications. */
export interface TopicStats {
  readonly topic: string
  /** By outcome; `accepted` counts the notifications received. */
  readonly counts: Readonly<Record<OutcomeKind, number>>
  /** Of the notifications received; those that did not occur are left out. */
  readonly pushTypes: Readonly<Record<string, number>>
  readonly priorities: Readonly<Record<string, number>>
  /**
   * For notifications delivered at once, and for those delivered from their slot; absent if there
   * were none.
   */
  readonly online?: DeliveryTimes
  readonly fromStorage?: DeliveryTimes
  /** The oldest first; `delivered` is from storage, too. */
  readonly parts: readonly StatsPart[]
}

export interface StatsPart {
  /** When it begins, milliseconds since the epoch. */
  readonly at: number
  readonly received: number
  readonly delivered: number
}

export interface Stats {
  /** May be a little more than was asked for. */
  readonly span: StatsSpan
  readonly topics: readonly TopicStats[]
  /** A sentence for the operator that says what the figures cover, if that is not everything. */
  readonly note?: string
}

export interface StatsReader {
  /** For these topics, or for all that are counted. Undefined: one of them is not counted. */
  read(span: StatsSpan, topics?: readonly string[]): Promise<Stats | undefined>
}

/** Which metric has the times of which way to the device. */
export const timesOfWays = { online: DELIVERY_TIME, fromStorage: STORED_DELIVERY_TIME } as const

/**
 * A span that covers the requested one, with at most one more part: each part is a multiple of the
 * grain, in milliseconds, and starts at a multiple of it.
 */
export function alignedSpan({ since, until, parts }: StatsSpan, grainMs: number): StatsSpan {
  const partMs = Math.ceil((until - since) / parts / grainMs) * grainMs
  const start = Math.floor(since / partMs) * partMs
  const count = Math.ceil((until - start) / partMs)
  return { since: start, until: start + count * partMs, parts: count }
}

/** Adds up outcomes, topic by topic. */
export class StatsSum {
  readonly #span: StatsSpan
  readonly #topics = new Map<string, TopicSum>()

  constructor(span: StatsSpan) {
    this.#span = span
  }

  add(outcome: Outcome): void {
    const { since, until } = this.#span
    if (outcome.at < since || outcome.at >= until) return
    const known = this.#topics.get(outcome.topic)
    const sum = known ?? new TopicSum(this.#span)
    if (!known) this.#topics.set(outcome.topic, sum)
    sum.add(outcome)
  }

  /**
   * For these topics, whether or not anything happened to them; if none are given, for all that
   * have outcomes.
   */
  read(topics: readonly string[] = [...this.#topics.keys()].sort()): TopicStats[] {
    return topics.map((topic) => (this.#topics.get(topic) ?? new TopicSum(this.#span)).read(topic))
  }
}

class TopicSum {
  readonly #span: StatsSpan
  readonly #counts = new Map<string, number>()
  readonly #pushTypes = new Map<string, number>()
  readonly #priorities = new Map<string, number>()
  readonly #ages = { delivered: [] as number[], drained: [] as number[] }
  readonly #parts: { at: number; received: number; delivered: number }[]

  constructor(span: StatsSpan) {
    this.#span = span
    this.#parts = partsOf(span).map((at) => ({ at, received: 0, delivered: 0 }))
  }

  add({ kind, at, age, pushType, priority }: Outcome): void {
    increase(this.#counts, kind)
    const { since, until, parts } = this.#span
    const part = this.#parts[Math.floor(((at - since) / (until - since)) * parts)]
    if (kind === 'accepted') {
      increase(this.#pushTypes, pushType)
      increase(this.#priorities, String(priority))
      if (part) part.received += 1
    }
    if (kind === 'delivered' || kind === 'drained') {
      this.#ages[kind].push(age)
      if (part) part.delivered += 1
    }
  }

  read(topic: string): TopicStats {
    const online = timesOf(this.#ages.delivered)
    const fromStorage = timesOf(this.#ages.drained)
    return {
      topic,
      counts: countsOf((kind) => this.#counts.get(kind) ?? 0),
      pushTypes: Object.fromEntries(this.#pushTypes),
      priorities: Object.fromEntries(this.#priorities),
      ...(online && { online }),
      ...(fromStorage && { fromStorage }),
      parts: this.#parts,
    }
  }
}

/** When each part of a span begins. */
export function partsOf({ since, until, parts }: StatsSpan): number[] {
  return Array.from({ length: parts }, (_, part) => since + ((until - since) / parts) * part)
}

export function countsOf(count: (kind: OutcomeKind) => number): TopicStats['counts'] {
  const entries = outcomeKinds.map((kind) => [kind, count(kind)])
  return Object.fromEntries(entries) as Record<OutcomeKind, number>
}

function increase(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1)
}

function timesOf(ages: number[]): DeliveryTimes | undefined {
  const ranked = [...ages].sort((a, b) => a - b)
  const rank = (share: number) => ranked[Math.max(0, Math.ceil(share * ranked.length) - 1)]
  const [p50, p90, p99] = [rank(0.5), rank(0.9), rank(0.99)]
  if (p50 === undefined || p90 === undefined || p99 === undefined) return undefined
  return { p50, p90, p99 }
}
