import type { DeviceId, Seq, Topic } from '../../core/identifiers.ts'
import type { Notification } from '../../core/notification.ts'
import type { Outcome, OutcomeKind } from '../../core/outcome.ts'
import type { Registration } from '../../core/ports.ts'
import type { Invocation } from './lambda.ts'
import type { SlotChange } from './ports/pending.ts'
import type { Scheduler } from './scheduler.ts'
import type { Trace } from './trace.ts'

export type Invariant = 'I1' | 'I2' | 'I3' | 'I4' | 'I5' | 'I6' | 'answers' | 'feedback' | 'rest'

export interface Violation {
  readonly invariant: Invariant
  readonly at: number
  readonly text: string
}

/** All that truly happened to one accepted notification, whatever the service believes. */
export interface Life {
  /** For people: `n17`. */
  readonly name: string
  readonly notification: Notification
  readonly queuedAt: number
  /** How often its own queue messages were handed out, and its expiry told. */
  receives: number
  expiries: number
  /** Its put, sent twice by the SDK because the first answer was lost. */
  repeats: number
  readonly ends: OutcomeKind[]
  /** It was in its slot at some time. */
  kept: boolean
  /** A device acknowledged it. */
  acknowledged: boolean
  takenAt?: number
  /** The app had left the topic by then, whether or not the service knew. */
  isDeclined: boolean
  /** The broker refused it (403), or did not find the device for a single attempt. */
  refused: boolean
  unheard: boolean
  /** The broker was too busy for it. */
  throttled: boolean
  deadLettered: boolean
  /** Ends that a crash or a lost answer kept from being recorded. */
  readonly excuses: string[]
}

/** A change that made a notification leave its slot, and whose record is due. */
export interface Debt {
  readonly life: Life
  readonly operation: string
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
  readonly #trace: Trace

  constructor(scheduler: Scheduler, trace: Trace) {
    this.#scheduler = scheduler
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

  slotChanged(change: SlotChange, by: Invocation | undefined): void {
    const life = this.life(change.notification.seq)
    if (change.kind === 'kept' || change.kind === 'seen') by?.sawInSlot.add(life)
    if (change.kind === 'kept') life.kept = true
    if (change.kind === 'kept' && change.replaced) owe(this.life(change.replaced.seq), by)
    if (change.kind === 'removed') owe(life, by)
  }

  /** The SDK asks for a put again whose answer was lost; something newer may have come between. */
  repeated(operation: string, subject: string): void {
    const life = this.lives.get(subject as Seq)
    if (life && operation === 'pending.put') life.repeats += 1
  }

  /** An outcome event; it settles what the invocation owed. */
  recorded(outcome: Outcome, by: Invocation): void {
    const { kind, seq } = outcome
    this.count(kind)
    const life = this.lives.get(seq as Seq)
    this.#trace.note(() => `${by.name} records ${kind} ${seq}`)
    if (!life) this.violate('I6', `${kind} is recorded before the queue held the notification`)
    else if (kind !== 'accepted' && kind !== 'stored') this.#end(life, kind, by)
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

/** The call itself was in trouble, or the feedback that comes before the record. */
function troubleWith({ life, operation }: Debt, { troubles }: Invocation): string | undefined {
  const isFeedback = (call: string) =>
    call.startsWith('feedback.') && call.includes(life.notification.seq)
  return troubles.get(operation) ?? [...troubles.keys()].find(isFeedback)
}

/** An expired slot needs no record here: the stream tells of it, again and again. */
function owe(life: Life, by: Invocation | undefined): void {
  if (by?.isOver) life.excuses.push(`${by.operation} of a process that was dead by then`)
  else by?.debts.set(life, { life, operation: by.operation })
}
