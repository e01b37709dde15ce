/** One value of a metric, as CloudWatch takes it. */
export interface Datum {
  readonly namespace: string
  readonly name: string
  readonly dimensions: Readonly<Record<string, string>>
  readonly value: number
  /** Milliseconds since the epoch. */
  readonly time: number
}

export type MetricId = Pick<Datum, 'namespace' | 'name' | 'dimensions'>

export function keyOf({ namespace, name, dimensions }: MetricId): string {
  return JSON.stringify([namespace, name, Object.entries(dimensions).sort()])
}

/** Percentile by nearest rank of values in rising order; undefined for any other statistic. */
export function percentile(statistic: string, ranked: readonly number[]): number | undefined {
  const [, percent] = /^p(\d+(?:\.\d+)?)$/.exec(statistic) ?? []
  if (!percent) return undefined
  return ranked[Math.max(0, Math.ceil((Number(percent) / 100) * ranked.length) - 1)] ?? 0
}
