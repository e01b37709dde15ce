import { isIPv4 } from 'node:net'
import { count, spanText } from '../report.ts'

/** Dollars for a device that is connected for a minute, on AWS (docs/cost.md). */
export const USD_PER_CONNECTION_MINUTE = 0.08 / 1_000_000

/** Whether an address is on this machine. */
export function isLocal(url: string): boolean {
  const { hostname } = new URL(url)
  if (hostname === 'localhost' || hostname === '[::1]') return true
  return isIPv4(hostname) && hostname.startsWith('127.')
}

/** What a fleet at a place that is not on this machine does there, in a sentence that `--yes` can end. */
export function consequence(order: {
  readonly count: number
  readonly url: string
  /** undefined = until it is interrupted. */
  readonly forSeconds: number | undefined
  readonly isAws: boolean
}): string {
  const { count: devices, url, forSeconds, isAws } = order
  const what = `${count(devices, 'simulated device')} at ${new URL(url).host}`
  return [
    `this activates ${what}, which count against its limits and stay on record until device revoke`,
    ...(isAws ? [costText(devices, forSeconds)] : []),
  ].join('; ')
}

function costText(devices: number, forSeconds: number | undefined): string {
  const seconds = forSeconds ?? 3600
  const dollars = (devices * seconds * USD_PER_CONNECTION_MINUTE) / 60
  const span = forSeconds === undefined ? 'an hour' : spanText(seconds * 1_000)
  return `their connections cost about $${dollars.toPrecision(2)} for ${span}, activation and every notification to them come on top (docs/cost.md)`
}
