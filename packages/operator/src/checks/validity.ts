import { dayText, spanText } from '../report.ts'
import { type Finding, ok, problem, warning } from './finding.ts'

const DAY_MS = 24 * 3600_000

/** Judges the dates of a certificate; `remedy` says how to get another. */
export function judgeValidity(
  check: string,
  dates: { readonly from: number; readonly to: number },
  nowMs: number,
  margin: { readonly days: number; readonly remedy: string },
): Finding {
  if (nowMs < dates.from)
    return problem(check, `is not valid before ${dayText(dates.from)}: check this machine's clock`)
  if (nowMs > dates.to) return problem(check, `expired on ${dayText(dates.to)}: ${margin.remedy}`)
  const left = dates.to - nowMs
  const text = `valid until ${dayText(dates.to)} (${spanText(left)})`
  return left < margin.days * DAY_MS ? warning(check, `${text}: ${margin.remedy}`) : ok(check, text)
}
