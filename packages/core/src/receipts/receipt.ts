import type { OutcomeKind } from '@heliograph/protocol/outcome'
import { DELIVER_TIMEOUT_SECONDS } from '@heliograph/protocol/retry'
import type { Outcome } from '../outcome.ts'

/** What may follow an outcome without the queue handing out the notification again. */
const afterAcceptance = [
  'stored',
  'delivered',
  'coalesced',
  'expired',
  'unregistered',
  'undeliverable',
  'duplicate',
  'dead-lettered',
] as const satisfies readonly OutcomeKind[]
const afterStoring = [
  'drained',
  'coalesced',
  'expired',
  'unregistered',
  'undeliverable',
  'dead-lettered',
] as const satisfies readonly OutcomeKind[]

/** The legal transitions; an outcome without any ends the notification. */
export const transitions: Readonly<Record<OutcomeKind, readonly OutcomeKind[]>> = {
  accepted: afterAcceptance,
  stored: afterStoring,
  // an operator may queue it again
  'dead-lettered': [...new Set([...afterAcceptance, ...afterStoring])],
  delivered: [],
  drained: [],
  coalesced: [],
  expired: [],
  unregistered: [],
  undeliverable: [],
  duplicate: [],
}

/** True if the outcome ends a notification. */
export function isEnd(kind: OutcomeKind): boolean {
  return transitions[kind].length === 0
}

export interface ReceiptEvent {
  readonly kind: OutcomeKind
  /** Milliseconds since the epoch. */
  readonly at: number
  /** Milliseconds since acceptance. */
  readonly age: number
  /**
   * The queue had handed out the notification again: it had already reached this point, or its end.
   */
  readonly repeat?: true
  /** The `apns-unique-id` of the newer notification that took its slot, if known. */
  readonly replacedBy?: string
}

/** The outcomes of one notification, in the order in which they happened. */
export interface Receipt {
  readonly id: string
  readonly uniqueId: string
  readonly topic: string
  readonly deviceId: string
  readonly pushType: string
  readonly priority: number
  /** The last outcome that is not a repeat. */
  readonly state: OutcomeKind
  readonly events: readonly ReceiptEvent[]
  /** An outcome is missing, because a crash prevented it from being recorded. */
  readonly incomplete?: true
}

/** A function records its changes within this time, milliseconds. */
export const LAG_MS = DELIVER_TIMEOUT_SECONDS * 1000

/** The receipts in the outcomes found under an id: one for each notification, the newest first. */
export function receiptsOf(outcomes: readonly Outcome[]): Receipt[] {
  const byNotification = new Map<string, Outcome[]>()
  for (const outcome of outcomes)
    byNotification.set(outcome.uniqueId, [...(byNotification.get(outcome.uniqueId) ?? []), outcome])
  const groups = [...byNotification.values()].sort((a, b) => acceptedAt(b) - acceptedAt(a))
  return groups.flatMap((group) => receiptOf(group) ?? [])
}

function acceptedAt([outcome]: readonly Outcome[]): number {
  return outcome?.acceptedAt ?? 0
}

/** The receipt of one notification; undefined if nothing is known about it. */
export function receiptOf(outcomes: readonly Outcome[]): Receipt | undefined {
  const [first] = outcomes
  if (!first) return undefined
  const { id, uniqueId, topic, deviceId, pushType, priority } = first
  const walked = walk(inOrder(withAcceptance(first, outcomes)))
  return { id, uniqueId, topic, deviceId, pushType, priority, ...walked }
}

/** Every outcome contains the time of acceptance, so accept need not record it. */
function withAcceptance(first: Outcome, outcomes: readonly Outcome[]): readonly Outcome[] {
  if (outcomes.some(({ kind }) => kind === 'accepted')) return outcomes
  return [{ ...first, kind: 'accepted', at: first.acceptedAt, age: 0 }, ...outcomes]
}

/**
 * By time, with acceptance first whatever the clocks say. `stored` is recorded a moment after the
 * notification is in its slot. In that moment another function, with another clock, may have taken
 * it out: so the end of a notification in a slot is moved behind a `stored` that follows within
 * `LAG_MS`.
 */
function inOrder(outcomes: readonly Outcome[]): Outcome[] {
  const isAccepted = ({ kind }: Outcome) => kind === 'accepted'
  const ordered = [
    ...outcomes.filter(isAccepted),
    ...outcomes.filter((one) => !isAccepted(one)).sort((a, b) => a.at - b.at || rank(a) - rank(b)),
  ]
  const left = ordered.findIndex(({ kind }) => transitions.stored.includes(kind))
  const stored = ordered.findIndex(({ kind }) => kind === 'stored')
  const lag = (ordered[stored]?.at ?? 0) - (ordered[left]?.at ?? 0)
  if (left === -1 || stored < left || lag > LAG_MS) return ordered
  const [moved] = ordered.splice(stored, 1)
  return moved ? ordered.toSpliced(left, 0, moved) : ordered
}

function rank({ kind }: Outcome): number {
  return kind === 'stored' ? 0 : 1
}

type Walked = Pick<Receipt, 'state' | 'events' | 'incomplete'>

function walk(outcomes: readonly Outcome[]): Walked {
  let state: OutcomeKind = 'accepted'
  let incomplete = false
  const events = outcomes.map((outcome, place): ReceiptEvent => {
    const { kind, at, age, replacedBy } = outcome
    const event = { kind, at, age, ...(replacedBy && { replacedBy }) }
    if (place === 0) return event
    if (isEnd(state) || kind === state) return { ...event, repeat: true }
    if (!transitions[state].includes(kind) && !isOvertaking(kind, outcomes.slice(place + 1)))
      incomplete = true
    state = kind
    return event
  })
  return { state, events, ...(incomplete ? { incomplete } : {}) }
}

/**
 * A drain and the queue may work at the same time: a second attempt may then directly deliver a
 * notification that was stored and has just left its slot, and be recorded before the end of the
 * slot. In that case, nothing is missing.
 */
function isOvertaking(kind: OutcomeKind, later: readonly Outcome[]): boolean {
  return kind === 'delivered' && later.some((one) => transitions.stored.includes(one.kind))
}
