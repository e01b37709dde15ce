import {
  type Datum,
  keyOf,
  type MetricId,
  percentile,
} from '../../packages/embedded-cloud/src/metrics/datum.ts'

export type { MetricId } from '../../packages/embedded-cloud/src/metrics/datum.ts'

/** The time that a picture shows, cut into points. */
export interface Span {
  readonly start: number
  readonly pointMs: number
  readonly points: number
}

/** The values of metrics, by point of time and statistic, as CloudWatch answers `GetMetricData`. */
export class Metrics {
  readonly #data = new Map<string, { readonly time: number; readonly value: number }[]>()

  add({ time, value, ...metric }: Datum): void {
    const key = keyOf(metric)
    const known = this.#data.get(key)
    if (known) known.push({ time, value })
    else this.#data.set(key, [{ time, value }])
  }

  /** Whether anything was ever reported for this metric. */
  has(metric: MetricId): boolean {
    return this.#data.has(keyOf(metric))
  }

  /** A value for each point; undefined where nothing was reported. */
  series(metric: MetricId, statistic: string, span: Span): (number | undefined)[] {
    const points = Array.from({ length: span.points }, (): number[] => [])
    for (const { time, value } of this.#data.get(keyOf(metric)) ?? [])
      points[Math.floor((time - span.start) / span.pointMs)]?.push(value)
    return points.map((values) => (values.length > 0 ? summarize(values, statistic) : undefined))
  }
}

/** `SampleCount`, `Sum`, `Average`, `Minimum`, `Maximum` or a percentile such as `p99` (nearest rank). */
export function summarize(values: readonly number[], statistic: string): number {
  const sum = values.reduce((total, value) => total + value, 0)
  if (statistic === 'SampleCount') return values.length
  if (statistic === 'Sum') return sum
  if (statistic === 'Average') return sum / values.length
  if (statistic === 'Minimum') return Math.min(...values)
  if (statistic === 'Maximum') return Math.max(...values)
  const found = percentile(
    statistic,
    [...values].sort((a, b) => a - b),
  )
  if (found === undefined) throw new Error(`the statistic ${statistic} is not known here`)
  return found
}
