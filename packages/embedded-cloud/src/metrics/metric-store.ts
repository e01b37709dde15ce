import { type Datum, keyOf, type MetricId, percentile } from './datum.ts'

const MINUTE_MS = 60_000
/** Minutes that are remembered of each metric: two weeks. */
const MOST_MINUTES = 14 * 24 * 60
/** Values per minute from which percentiles are computed; the others count in everything else. */
const MOST_VALUES = 5_000
/** A program that makes metrics from unbounded values must not fill the memory. */
const MOST_METRICS = 2_000

interface Minute {
  count: number
  sum: number
  least: number
  most: number
  readonly values: number[]
}

export interface Span {
  /** Milliseconds since the epoch; the end is not in it. */
  readonly start: number
  readonly end: number
  readonly periodMs: number
}

/** The values of metrics, by the minute, in memory: they are gone after a restart. */
export class MetricStore {
  readonly #metrics = new Map<string, Map<number, Minute>>()

  add({ time, value, ...metric }: Datum): void {
    const minutes = this.#minutesOf(keyOf(metric))
    if (!minutes) return
    const at = Math.floor(time / MINUTE_MS) * MINUTE_MS
    const minute = minutes.get(at) ?? { ...none, values: [] }
    minute.count += 1
    minute.sum += value
    minute.least = Math.min(minute.least, value)
    minute.most = Math.max(minute.most, value)
    if (minute.values.length < MOST_VALUES) minute.values.push(value)
    minutes.set(at, minute)
    const [oldest] = minutes.keys()
    if (minutes.size > MOST_MINUTES && oldest !== undefined) minutes.delete(oldest)
  }

  /**
   * A point for each period in which there is a value, the oldest first. Periods begin with the span's start, whose
   * seconds do not count.
   *
   * @returns undefined for a statistic that is not known.
   */
  points(
    metric: MetricId,
    statistic: string,
    { start, end, periodMs }: Span,
  ): { readonly at: number; readonly value: number }[] | undefined {
    const statisticOf = statistics[statistic] ?? percentileOf(statistic)
    if (!statisticOf) return undefined
    const first = Math.floor(start / MINUTE_MS) * MINUTE_MS
    const periods = new Map<number, Minute[]>()
    for (const [at, minute] of this.#metrics.get(keyOf(metric)) ?? []) {
      if (at < first || at >= end) continue
      const period = first + Math.floor((at - first) / periodMs) * periodMs
      periods.set(period, [...(periods.get(period) ?? []), minute])
    }
    return [...periods]
      .sort(([a], [b]) => a - b)
      .map(([at, minutes]) => ({ at, value: statisticOf(minutes) }))
  }

  #minutesOf(key: string): Map<number, Minute> | undefined {
    const known = this.#metrics.get(key)
    if (known || this.#metrics.size >= MOST_METRICS) return known
    const made = new Map<number, Minute>()
    this.#metrics.set(key, made)
    return made
  }
}

const none = {
  ...{ count: 0, sum: 0 },
  ...{ least: Number.POSITIVE_INFINITY, most: Number.NEGATIVE_INFINITY },
}

type StatisticOf = (minutes: readonly Minute[]) => number

const add = (minutes: readonly Minute[], field: 'count' | 'sum') =>
  minutes.reduce((total, minute) => total + minute[field], 0)

const statistics: Readonly<Record<string, StatisticOf>> = {
  Sum: (minutes) => add(minutes, 'sum'),
  SampleCount: (minutes) => add(minutes, 'count'),
  Average: (minutes) => add(minutes, 'sum') / add(minutes, 'count'),
  Minimum: (minutes) => Math.min(...minutes.map(({ least }) => least)),
  Maximum: (minutes) => Math.max(...minutes.map(({ most }) => most)),
}

function percentileOf(statistic: string): StatisticOf | undefined {
  if (percentile(statistic, [0]) === undefined) return undefined
  return (minutes) => {
    const ranked = minutes.flatMap(({ values }) => values).sort((a, b) => a - b)
    return percentile(statistic, ranked) ?? 0
  }
}
