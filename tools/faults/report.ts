import type { Settled } from './drain.ts'
import type { Answered, Ledger } from './ledger.ts'
import type { OutcomeLog } from './outcomes.ts'
import { summarize } from './summary.ts'

/** What a scenario has found; it passes where `violations` is empty. */
export interface Report {
  readonly scenario: string
  readonly figures: Readonly<Record<string, string | number>>
  readonly violations: readonly string[]
}

/** Milliseconds within which every request has to be answered. */
const ANSWER_LIMIT_MS = 5_000

export interface AnswerRules {
  /** Milliseconds within which each has to come. */
  readonly limitMs?: number
  /** Forms of answer that are expected here although they are not Apple's. */
  readonly tolerated?: (malformed: string) => boolean
  /** Whether the queue was seen to take what was answered 200. */
  readonly wasQueued?: (uniqueId: string) => boolean
}

/** Judges every answer: in time, in Apple's form, and 200 only for what the queue holds (I6). */
export function judgeAnswers(answers: readonly Answered[], rules: AnswerRules = {}): string[] {
  const { limitMs = ANSWER_LIMIT_MS, tolerated = () => false, wasQueued = () => true } = rules
  return answers.flatMap(({ status, ms, malformed, uniqueId }) => [
    ...(ms > limitMs ? [`${status} only after ${Math.round(ms)} ms`] : []),
    ...(malformed && !tolerated(malformed) ? [`malformed answer: ${malformed}`] : []),
    ...(status === 200 && !wasQueued(uniqueId ?? '') ? [`200 without the queue: ${uniqueId}`] : []),
  ])
}

/** `200 911, 503 12`, and how long the answers took. */
export function answerFigures(answers: readonly Answered[]): Record<string, string> {
  const { p50, p99, max } = summarize(answers.map(({ ms }) => ms))
  return {
    answers: tally(answers.map(({ status, reason }) => (reason ? `${status} ${reason}` : status))),
    'answer ms': `p50 ${p50.toFixed(0)}, p99 ${p99.toFixed(0)}, max ${max.toFixed(0)}`,
  }
}

export function tally(values: readonly (string | number)[]): string {
  const counts = new Map<string, number>()
  for (const value of values) counts.set(String(value), (counts.get(String(value)) ?? 0) + 1)
  return [...counts]
    .sort(([, a], [, b]) => b - a)
    .map(([name, count]) => `${name}: ${count}`)
    .join(', ')
}

/** What reached the wrong device, and what never came. */
export function lossesOf(ledger: Ledger, { lost }: Settled, outcomes: OutcomeLog): string[] {
  return [
    ...ledger.misdelivered.map((text) => `at another device: ${text}`),
    ...lost.map(({ lane, newest, uniqueId = '' }) => {
      const events = outcomes.of(uniqueId).join(', ') || 'no event'
      return `lost: ${lane.deviceId} ${lane.topic} number ${newest}, ${uniqueId} (${events})`
    }),
  ]
}

/** Accepted notifications whose end no log line tells. */
export function withoutOutcome(ledger: Ledger, outcomes: OutcomeLog): string {
  const accepted = ledger.answers.filter(({ status }) => status === 200)
  const unknown = accepted.filter(
    ({ uniqueId = '' }) => !outcomes.of(uniqueId).some((kind) => !beginnings.has(kind)),
  )
  const seen = unknown.map(({ uniqueId = '' }) => outcomes.of(uniqueId).join(' ') || 'nothing')
  return `${unknown.length} of ${accepted.length} (${tally(seen)})`
}

const beginnings: ReadonlySet<string> = new Set(['accepted', 'stored'])
