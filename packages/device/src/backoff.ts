/** The longest wait before the first and before the hundredth retry, in milliseconds. */
export const FIRST_CEILING_MS = 1_000
export const LAST_CEILING_MS = 120_000

/** After a connection that lasted this long, the first retry is quick again. */
export const STABLE_AFTER_MS = 60_000

/**
 * How long to wait after the `failures`-th failure in a row (0 = the first): anything from nothing to
 * a ceiling that doubles each time. The full range spreads a fleet that lost its broker at one moment
 * (AWS Architecture Blog, "Exponential Backoff And Jitter": full jitter).
 */
export function retryDelayMs(failures: number, random: () => number): number {
  const ceiling = FIRST_CEILING_MS * 2 ** Math.min(failures, 20)
  return Math.round(random() * Math.min(ceiling, LAST_CEILING_MS))
}
