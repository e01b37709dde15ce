/** Summaries of measured values, in the unit they were measured in. */
export interface Summary {
  readonly count: number
  readonly min: number
  readonly p50: number
  readonly p99: number
  readonly max: number
}

export function summarize(values: readonly number[]): Summary {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
  return { count: sorted.length, min: at(0), p50: at(0.5), p99: at(0.99), max: at(1) }
}

export function round(value: number, digits = 1): number {
  return Number(value.toFixed(digits))
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2
}

/** The median of several rounds, with the least and the greatest beside it. */
export interface Rounds {
  readonly median: number
  readonly least: number
  readonly greatest: number
}

export function rounds(values: readonly number[], digits = 1): Rounds {
  return {
    median: round(median(values), digits),
    least: round(Math.min(...values), digits),
    greatest: round(Math.max(...values), digits),
  }
}
