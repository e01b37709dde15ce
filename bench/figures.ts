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
