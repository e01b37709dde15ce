import { isSealed } from '@heliograph/core/delivery/seal'
import type { Notification } from '@heliograph/core/notification'
import type { Outcome } from '@heliograph/core/outcome'
import type { Registration, TokenKey } from '@heliograph/core/ports'
import type { DeviceId, Seq, Topic } from '@heliograph/protocol/identifiers'
import type { OutcomeKind } from '@heliograph/protocol/outcome'
import type { Invocation } from './invocation.ts'
import type { Debt, Life } from './life.ts'
import type { SlotChange } from './ports/pending.ts'
import type { Scheduler } from './scheduler.ts'
import { isOvertaken } from './slot-check.ts'
import type { Trace } from './trace.ts'

export type Invariant =
  | 'I1'
  | 'I2'
  | 'I3'
  | 'I4'
  | 'I5'
  | 'I6'
  | 'receipts'
  | 'answers'
  | 'lines'
  | 'feedback'
  | 'rest'
  | 'slots'

export interface Violation {
  readonly invariant: Invariant
  readonly at: number
  readonly text: string
}

export interface RegistrationChange {
  readonly live: boolean
  /** True time of the change, not the device's time stamp. */
  readonly at: number
}

/** The true history of a run, written by everything that has an effect. */
export class Ledger {
  readonly violations: Violation[] = []
  readonly lives = new Map<Seq, Life>()
  readonly byUniqueId = new Map<string, Life>()
  readonly counts: Record<string, number> = {}
  /** Events that Lambda gave up after its retries; what they were for may stay undone. */
  readonly givenUp = new Set<string>()
  readonly #changes = new Map<string, RegistrationChange[]>()
  readonly #scheduler: Scheduler
  readonly #skew: number
  readonly #trace: Trace
  readonly #forged = new Set<Seq>()

  constructor(scheduler: Scheduler, trace: Trace, skew: number) {
    this.#scheduler = scheduler
    this.#skew = skew
    this.#trace = trace
  }

  violate(invariant: Invariant, text: string): void {
    this.violations.push({ invariant, at: this.#scheduler.now, text })
    this.#trace.note(() => `*** ${invariant} VIOLATED: ${text}`)
  }

  count(what: string): void {
    this.counts[what] = (this.counts[what] ?? 0) + 1
  }

  /** The queue holds the notification; a second copy is the same life. */
  queued(notification: Notification): void {
    if (this.lives.has(notification.seq)) return
    const life: Life = {
      name: `n${this.lives.size + 1}`,
      notification,
      queuedAt: this.#scheduler.now,
      receives: 0,
      expiries: 0,
      repeats: 0,
      ends: [],
      outcomes: [],
      lost: new Set(),
      untold: false,
      kept: false,
      acknowledged: false,
      isDeclined: false,
      refused: false,
      unheard: false,
      throttled: false,
      deadLettered: false,
      excuses: [],
    }
    this.lives.set(notification.seq, life)
    this.byUniqueId.set(notification.uniqueId, life)
    this.#trace.name(notification.seq, life.name)
    this.#trace.name(notification.uniqueId, life.name)
  }

  life(seq: Seq): Life {
    const life = this.lives.get(seq)
    if (!life) throw new Error(`the simulation lost sight of ${seq}`)
    return life
  }

  /** All of a device and topic, in the order of their seq. */
  livesOf(deviceId: DeviceId, topic: Topic): Life[] {
    const all = [...this.lives.values()].filter(
      ({ notification }) => notification.deviceId === deviceId && notification.topic === topic,
    )
    return all.sort((a, b) => (a.notification.seq < b.notification.seq ? -1 : 1))
  }

  /** All that share a device and topic with this one, itself included. */
  livesIn({ notification: { deviceId, topic } }: Life): Life[] {
    return this.livesOf(deviceId, topic)
  }

  slotChanged(change: SlotChange, by: Invocation | undefined, liveKeys: readonly TokenKey[]): void {
    const life = this.life(change.notification.seq)
    if (change.kind === 'kept' || change.kind === 'seen') by?.sawInSlot.add(life)
    const { now } = this.#scheduler
    if (change.kind === 'kept') keep(life, by, now)
    if (change.kind === 'removed' || change.kind === 'expired') life.leftAt = now
    if (change.kind === 'kept' && change.replaced) {
      const replaced = this.life(change.replaced.seq)
      replaced.leftAt = now
      // on a stage no notification waits as long as a key is kept (`checkStage`)
      if (isSealed(liveKeys, change.replaced)) owe(replaced, by)
      else replaced.excuses.push('its seal was of a retired key when a newer one took its slot')
    }
    if (change.kind === 'removed') owe(life, by)
  }

  /** The SDK asks for a put again whose answer was lost; something newer may have come between. */
  repeated(operation: string, subject: string): void {
    const life = this.lives.get(subject as Seq)
    if (life && operation === 'pending.put') life.repeats += 1
  }

  /** Somebody else than accept wrote a message or a row. */
  forged(seq: Seq): void {
    this.count('forged')
    this.#forged.add(seq)
  }

  /** An outcome event; it settles what the invocation owed. */
  recorded(outcome: Outcome, by: Invocation): void {
    const { kind, seq } = outcome
    this.count(kind)
    const life = this.lives.get(seq as Seq)
    this.#trace.note(() => `${by.name} records ${kind} ${seq}`)
    // a message that is given up while the token keys cannot be read may be genuine or not
    if (!life && kind === 'dead-lettered' && this.#forged.has(seq as Seq)) return
    if (!life) this.violate('I6', `${kind} is recorded before the queue held the notification`)
    else if (
      kind === 'coalesced' &&
      !isOvertaken(life, this.livesIn(life), by.startedAt, this.#skew)
    )
      this.violate('slots', `${life.name} is coalesced although there was room for it`)
    else if (kind !== 'accepted' && kind !== 'stored') this.#end(life, kind, by)
    if (!life || kind === 'accepted') return
    life.outcomes.push(outcome)
    // the answer that it was kept was lost, and a newer one had come when the SDK asked again
    if (by.unrecorded.has(life) && kind !== 'stored' && life.repeats > 0) life.untold = true
    // a drain for another one of the line took it along: that it was stored has not been said yet
    if (kind !== 'drained') by.unrecorded.delete(life)
    by.unsent.add(outcome)
  }

  /** The queue of outcomes has them. */
  handedOn(outcomes: readonly Outcome[], by: Invocation | undefined): void {
    for (const outcome of outcomes) by?.unsent.delete(outcome)
  }

  /** `record` gave them up. */
  buried(outcomes: readonly Outcome[]): void {
    for (const outcome of outcomes) this.life(outcome.seq as Seq).lost.add(outcome)
  }

  #end(life: Life, kind: OutcomeKind, by: Invocation): void {
    by.debts.delete(life)
    // that the queue gave up is no end: an operator may hand it out again
    if (kind !== 'dead-lettered') life.ends.push(kind)
  }

  /** An invocation is over; what it still owes is excused only by what happened to it since. */
  ended(invocation: Invocation, crashed: boolean): void {
    invocation.isOver = true
    for (const [life, debt] of invocation.debts) {
      const excuse = crashed ? 'crash' : troubleWith(debt, invocation)
      if (excuse) life.excuses.push(`${excuse} after ${debt.operation}`)
      else this.violate('I5', `${life.name} left its slot by ${debt.operation} without a record`)
    }
    invocation.debts.clear()
    // without a fault the receipt is judged by what was not recorded
    if (crashed || invocation.troubles.size > 0)
      for (const life of invocation.unrecorded) life.untold = true
    invocation.unrecorded.clear()
    this.#lose(invocation, crashed)
  }

  /** What an invocation does not hand on is lost, and only for what happened to it. */
  #lose({ unsent, troubles, name }: Invocation, crashed: boolean): void {
    const isExcused = crashed || [...troubles.keys()].some((call) => call.startsWith('outcomes.'))
    for (const outcome of unsent) {
      const life = this.life(outcome.seq as Seq)
      life.lost.add(outcome)
      if (!isExcused)
        this.violate('receipts', `${name} keeps to itself that ${life.name} is ${outcome.kind}`)
    }
    unsent.clear()
  }

  registrationChanged({ deviceId, topic, live }: Registration): void {
    const key = `${deviceId}/${topic}`
    const changes = this.#changes.get(key) ?? []
    changes.push({ live, at: this.#scheduler.now })
    this.#changes.set(key, changes)
  }

  /** Whether the registration was dead at any moment from `since` to `until`. */
  wasDead(deviceId: DeviceId, topic: Topic, since: number, until: number): boolean {
    const changes = this.#changes.get(`${deviceId}/${topic}`) ?? []
    const before = changes.findLast(({ at }) => at <= since)
    if (!before?.live) return true
    return changes.some(({ live, at }) => !live && at > since && at <= until)
  }

  /** Since when the registration has been dead without a break; undefined while it is live. */
  deadSince(deviceId: DeviceId, topic: Topic): number | undefined {
    const last = this.#changes.get(`${deviceId}/${topic}`)?.at(-1)
    return last && !last.live ? last.at : undefined
  }
}

/** The call itself was in trouble, or the key ring that judges what it displaced, or the feedback that comes before the record. */
function troubleWith({ life, operation }: Debt, { troubles }: Invocation): string | undefined {
  const isInBetween = (call: string) =>
    call.startsWith('tokenKeys.read') ||
    (call.startsWith('feedback.') && call.includes(life.notification.seq))
  return troubles.get(operation) ?? [...troubles.keys()].find(isInBetween)
}

/** An expired slot needs no record here: the stream tells of it, again and again. */
function owe(life: Life, by: Invocation | undefined): void {
  if (by?.isOver) life.excuses.push(`${by.operation} of a process that was dead by then`)
  else by?.debts.set(life, { life, operation: by.operation })
}

/** What a dead process had asked for may still fill a slot, and nobody is left to record it. */
function keep(life: Life, by: Invocation | undefined, now: number): void {
  life.kept = true
  if (life.keptAt === undefined || life.leftAt !== undefined) life.keptAt = now
  delete life.leftAt
  if (by?.isOver) life.untold = true
  else by?.unrecorded.add(life)
}
