import { type Reason, rejections } from '@heliograph/protocol/rejection'
import { count, fields } from '../report.ts'
import { type Journal, openIn, sum } from './journal.ts'
import { type Outcome, outcomeOf } from './multicast.ts'
import { NOT_SENT } from './recipients.ts'
import type { TokenFile } from './token-file.ts'

type Counts = Readonly<Record<string, number>>

/** What happened to a campaign, over all its runs. */
export interface Summary {
  /** Its `apns-id`. */
  readonly campaign: string
  /** Device tokens, each counted once. */
  readonly tokens: number
  readonly accepted: number
  /** By reason: tokens that have died, and those that never were any for the topic. */
  readonly dead: Counts
  readonly bad: Counts
  /** Not accepted, by the last reason. */
  readonly refused: Counts
  /** Accepted or not: the answer was lost, and by now a repeat could be a second notification. */
  readonly inDoubt: number
  /** Not sent to yet. */
  readonly left: number
  /** Lines that name a token again, and lines that are not tokens. */
  readonly repeatedLines: number
  readonly badLines: number
}

export function summaryOf(journal: Journal, file: Pick<TokenFile, 'repeated' | 'bad'>): Summary {
  const { id, tokens } = journal.terms
  const { ends, later, inDoubt } = totalsOf(journal)
  const { accepted = 0, ...reasons } = ends
  const { [NOT_SENT]: notSent = 0, ...refused } = later
  const known = total(ends) + total(later) + inDoubt
  return {
    campaign: id,
    ...{ tokens, accepted, dead: those(reasons, 'dead'), bad: those(reasons, 'bad') },
    refused: sum(those(reasons, 'refused'), refused),
    ...{ inDoubt, left: tokens - known + notSent },
    ...{ repeatedLines: file.repeated, badLines: file.bad.count },
  }
}

/** Whether no run has anything left to do. */
export function isOver(journal: Journal): boolean {
  const { ends } = totalsOf(journal)
  return total(ends) === journal.terms.tokens
}

/** Recipients that are done. */
export function endedOf(journal: Journal): number {
  return total(totalsOf(journal).ends)
}

function totalsOf(journal: Journal) {
  const { tokens, perRequest } = journal.terms
  let totals = { ends: {} as Counts, later: {} as Counts, inDoubt: 0 }
  for (const [number, state] of journal.chunks()) {
    const { sure, doubt } = openIn(state, Math.min(perRequest, tokens - number * perRequest))
    totals = {
      ends: sum(totals.ends, state.ends),
      later: sure.reduce((counts, [, reason]) => sum(counts, { [reason]: 1 }), totals.later),
      inDoubt: totals.inDoubt + doubt.length,
    }
  }
  return totals
}

function total(counts: Counts): number {
  return Object.values(counts).reduce((all, one) => all + one, 0)
}

function those(reasons: Counts, outcome: Outcome): Counts {
  return Object.fromEntries(
    Object.entries(reasons).filter(([reason]) => {
      const status = rejections[reason as Reason]?.status ?? 400
      return outcomeOf({ status, reason }) === outcome
    }),
  )
}

export function summaryText(summary: Summary): string {
  const { campaign, tokens, accepted, inDoubt, left, repeatedLines, badLines } = summary
  const some = (number: number, text: string) => (number > 0 ? text : undefined)
  return fields({
    campaign,
    tokens,
    accepted,
    dead: countsText(summary.dead),
    bad: countsText(summary.bad),
    refused: countsText(summary.refused),
    'in doubt': some(inDoubt, `${inDoubt}: perhaps accepted, so not sent again without --again`),
    'not sent': some(left, String(left)),
    'passed over': some(
      repeatedLines + badLines,
      `${count(repeatedLines, 'line')} with a token again, ${count(badLines, 'line')} without one`,
    ),
  })
}

/** `12 (Unregistered 10, ExpiredToken 2)` */
function countsText(counts: Counts): string {
  const parts = Object.entries(counts).map(([reason, number]) => `${reason} ${number}`)
  return parts.length === 0 ? '0' : `${total(counts)} (${parts.join(', ')})`
}
