import { appendFileSync } from 'node:fs'
import { it } from 'vitest'

/** One question that only a deployment can answer, and what it answered. */
export interface Answered {
  readonly question: string
  readonly answer: string
  /** What the documentation, or this project, makes of it until then. */
  readonly expected: string
  /** Undefined where nothing was known before. */
  readonly asExpected?: boolean
}

export interface Asking {
  readonly expected: string
  /** The answer is as expected when it matches. */
  readonly matches?: RegExp
  /** Minutes that the answer may take beyond a usual test's time; skipped when `--patience` is less. */
  readonly minutes?: number
}

/** The runner collects answers here, one JSON line each. */
const file = process.env.HELIOGRAPH_ANSWERS

export const patienceMinutes = Number(process.env.HELIOGRAPH_PATIENCE ?? 0)

/**
 * Asks the deployment. An answer that differs from what was expected fails no test: it is something to
 * learn. Only when no answer can be had the test fails.
 */
export function ask(question: string, asking: Asking, find: () => Promise<string>): void {
  const { expected, matches, minutes = 0 } = asking
  it(question, { timeout: (1 + minutes) * 60_000 }, async ({ skip }) => {
    skip(minutes > patienceMinutes, `takes up to ${minutes} minutes: --patience ${minutes}`)
    const answer = await find()
    const asExpected = matches?.test(answer)
    const answered = { question, answer, expected, ...(asExpected !== undefined && { asExpected }) }
    if (file) appendFileSync(file, `${JSON.stringify(answered)}\n`)
    else console.log(describeAnswer(answered))
  })
}

/** Three lines for a person to read. */
export function describeAnswer({ question, answer, expected, asExpected }: Answered): string {
  const sign = asExpected === undefined ? ' ' : asExpected ? '=' : '≠'
  const lines = answer.split('\n').join('\n    ')
  return `${question}\n  ${sign} ${lines}\n    expected: ${expected}`
}

/** Milliseconds in order: the middle one, the one that 99 of 100 stay below, and the last. */
export function percentiles(values: readonly number[]): string {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (share: number) => sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN
  const [p50, p99, most] = [at(0.5), at(0.99), at(1)].map((ms) => `${ms.toFixed(1)} ms`)
  return `p50 ${p50}, p99 ${p99}, most ${most} of ${sorted.length}`
}
