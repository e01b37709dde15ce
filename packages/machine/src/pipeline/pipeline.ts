import type { Delivery } from '@heliograph/core/delivery/attempt'
import { type DeliverPorts, deliver } from '@heliograph/core/delivery/deliver'
import type { IsGenuine } from '@heliograph/core/delivery/seal'
import type { Multicast } from '@heliograph/core/multicast'
import type { Notification } from '@heliograph/core/notification'
import { outcomeOf } from '@heliograph/core/outcome'
import type { NotificationQueue, QueueOptions } from '@heliograph/core/ports'
import type { Topic } from '@heliograph/protocol/identifiers'
import { backOffSeconds, MAX_RECEIVES } from '@heliograph/protocol/retry'
import { faultFields, type Log } from '../log.ts'
import { within } from '../within.ts'
import { Grace } from './grace.ts'
import type { HeldClaims } from './held-claims.ts'
import type { Journal } from './journal.ts'
import { Settling } from './settling.ts'

/**
 * What a 200 means. `delivered`: the device has acknowledged, or the notification is synced to
 * disk. `synced`: it is synced to disk, whether or not the device has it. `none`: it is in memory;
 * a crash loses it.
 */
export const durabilities = ['delivered', 'synced', 'none'] as const

export type Durability = (typeof durabilities)[number]

export interface PipelineOptions {
  readonly ports: Omit<DeliverPorts, 'queue' | 'claims'>
  readonly claims: HeldClaims
  readonly journal: Journal
  readonly durability: Durability
  readonly isGenuine: IsGenuine
  /**
   * How many notifications may be in progress; beyond that, none are accepted, and beyond half of
   * it none of the same topic.
   */
  readonly mostOpen: number
  /** Slots that are tried at a time. */
  readonly mostDrains: number
  /** From 0 to 1; spreads what failed together. */
  readonly chance: () => number
  /** Keeps a notification that was given up for the operator. */
  readonly keepDeadLetter: (notification: Notification) => Promise<void>
  readonly log: Log
}

/** The longest pause before the next attempt of a failed notification, milliseconds. */
const LONGEST_REST_MS = 60_000

/** The pipeline takes nothing now: the provider is told to send later. */
class PipelineFull extends Error {
  override readonly name = 'PipelineFull'
}

interface Open {
  readonly notification: Notification
  /** As `performance.now()`. */
  readonly since: number
  attempt: number
  isDone: boolean
  isKept: boolean
  /** Its provider knows that it was not accepted. */
  isRefused: boolean
  /** Lets accept answer: the notification is safe. */
  accepted(): void
  refused(fault: unknown): void
}

/**
 * The queue between accept and deliver, in one process. Delivery starts at once. A notification that
 * takes longer than others have taken goes to the journal, with all those of one turn in one write; if
 * the journal refuses them, they are not accepted.
 */
export class Pipeline implements NotificationQueue {
  readonly #options: PipelineOptions
  readonly #ports: DeliverPorts
  readonly #open = new Set<Open>()
  /** How many of them each topic has. */
  readonly #ofTopic = new Map<Topic, number>()
  readonly #settling = new Settling()
  readonly #grace = new Grace<Open>(
    () => this.#settling.graceMs,
    (one) => {
      if (!one.isDone) this.#journal(one)
    },
  )
  readonly #drains = new Map<string, Drain>()
  readonly #drainLine: Drain[] = []
  #draining = 0
  #isShut = false
  #whenEmpty: (() => void)[] = []

  constructor(options: PipelineOptions) {
    this.#options = options
    this.#ports = { ...options.ports, claims: options.claims, queue: this }
  }

  /** Notifications under way. */
  get open(): number {
    return this.#open.size
  }

  /** Slots that wait for another attempt. */
  get waitingSlots(): number {
    return this.#drains.size
  }

  send(notification: Notification, options: QueueOptions = {}): Promise<void> {
    if (options.slotOnly) {
      this.#addDrain(notification, (options.delaySeconds ?? 0) * 1_000)
      return Promise.resolve()
    }
    if (this.#isShut) return Promise.reject(new PipelineFull('the machine takes nothing more'))
    if (!this.#hasRoomFor(notification))
      return Promise.reject(new PipelineFull('too many notifications are under way'))
    return new Promise((accepted, refused) => {
      const since = performance.now()
      const state = { since, attempt: 1, isDone: false, isKept: false, isRefused: false }
      const one = this.#begin({ notification, accepted, refused, ...state })
      this.#keep(one)
      this.#run(one)
    })
  }

  /** Each notification is handled separately: in one process there is no message to share. */
  async sendMulticasts(multicasts: readonly Multicast[]): Promise<ReadonlySet<Notification>> {
    const all = multicasts.flat().map(({ notification }) => notification)
    const sent = await Promise.allSettled(all.map((notification) => this.send(notification)))
    return new Set(all.filter((_, at) => sent[at]?.status === 'fulfilled'))
  }

  /** Resumes what an earlier process had accepted; resolves when each has had its first attempt. */
  async resume(left: readonly Notification[]): Promise<void> {
    await Promise.all(
      left.map((notification) => {
        const since = performance.now()
        const state = { since, attempt: 2, isDone: false, isKept: true, isRefused: false }
        const nobody = { accepted: () => {}, refused: () => {} }
        const one = this.#begin({ notification, ...state, ...nobody })
        return this.#run(one)
      }),
    )
  }

  /** Resolves when nothing is under way any more, or after `ms`. */
  idle(ms: number): Promise<void> {
    if (this.#open.size === 0) return Promise.resolve()
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#whenEmpty.push(() => {
        clearTimeout(timer)
        resolve()
      })
    })
  }

  /**
   * Takes nothing more and tries no slot; says whether all that was under way has come to its end within `ms`. What is
   * in a slot stays there.
   */
  shut(ms: number): Promise<boolean> {
    this.#isShut = true
    this.#forgetDrains()
    return within(ms, () => this.#open.size === 0 && this.#draining === 0)
  }

  reopen(): void {
    this.#forgetDrains()
    this.#isShut = false
  }

  /**
   * No further attempts are made; what is in progress stays in the journal for the next process.
   */
  stop(): void {
    this.#grace.end()
    this.#forgetDrains()
  }

  #forgetDrains(): void {
    for (const drain of this.#drains.values()) clearTimeout(drain.timer)
    this.#drains.clear()
    this.#drainLine.length = 0
  }

  /** A flood on one topic leaves half of the room to the others. */
  #hasRoomFor({ topic }: Notification): boolean {
    const { mostOpen } = this.#options
    return this.#open.size < mostOpen && (this.#ofTopic.get(topic) ?? 0) < mostOpen / 2
  }

  #begin(one: Open): Open {
    const { topic } = one.notification
    this.#open.add(one)
    this.#ofTopic.set(topic, (this.#ofTopic.get(topic) ?? 0) + 1)
    return one
  }

  #keep(one: Open): void {
    const { durability } = this.#options
    if (durability === 'none') {
      one.accepted()
      return
    }
    if (durability === 'synced') {
      this.#journal(one)
      return
    }
    this.#grace.add(one)
  }

  #journal(one: Open): void {
    this.#options.journal.add(one.notification).then(
      () => {
        one.isKept = true
        one.accepted()
        if (one.isDone) this.#options.journal.done(one.notification.seq)
      },
      // the attempt has started and continues, but the provider learns that it must not rely on it
      (fault: unknown) => {
        one.isRefused = true
        one.refused(fault)
      },
    )
  }

  async #run(one: Open): Promise<void> {
    if ((await this.#attempt(one)) === 'done') return this.#end(one)
    if (one.attempt >= MAX_RECEIVES) return this.#giveUp(one)
    const rest = backOffSeconds(one.attempt, this.#options.chance()) * 1_000
    one.attempt += 1
    this.#runAfter(one, Math.min(rest, LONGEST_REST_MS))
  }

  /** What its provider sends again is not held here as well: on a full disk that would soon be all the room. */
  #runAfter(one: Open, ms: number): void {
    setTimeout(() => (one.isRefused ? this.#forget(one) : void this.#run(one)), ms).unref()
  }

  async #attempt({ notification, attempt: number }: Open): Promise<Delivery> {
    const last = number >= MAX_RECEIVES
    try {
      // what comes back from disk must be what accept made
      if (number > 1 && !(await this.#options.isGenuine(notification))) {
        this.#options.log.error('a notification in the journal has no good seal', {
          id: notification.id,
        })
        return last ? 'done' : 'again'
      }
      return await deliver(notification, { number, last, slotOnly: false }, this.#ports)
    } catch (fault) {
      const { id } = notification
      this.#options.log.error('deliver failed', { id, attempt: number, ...faultFields(fault) })
      return 'again'
    }
  }

  /** Where the operator cannot be left a letter, as on a full disk, the notification is not given up. */
  async #giveUp(one: Open): Promise<void> {
    const { notification } = one
    try {
      await this.#options.keepDeadLetter(notification)
    } catch (fault) {
      this.#options.log.error('a dead letter cannot be kept', faultFields(fault))
      this.#runAfter(one, LONGEST_REST_MS)
      return
    }
    this.#ports.outcomes.record(outcomeOf('dead-lettered', notification, this.#ports.clock.now()))
    this.#end(one)
  }

  #end(one: Open): void {
    one.isDone = true
    this.#settling.note(performance.now() - one.since)
    if (this.#options.durability !== 'synced') one.accepted()
    if (one.notification.idFromProvider) this.#options.claims.settle(one.notification)
    if (one.isKept) this.#options.journal.done(one.notification.seq)
    this.#forget(one)
  }

  #forget(one: Open): void {
    if (!this.#open.delete(one)) return
    const { topic } = one.notification
    const left = (this.#ofTopic.get(topic) ?? 1) - 1
    if (left === 0) this.#ofTopic.delete(topic)
    else this.#ofTopic.set(topic, left)
    if (this.#open.size === 0) for (const tell of this.#whenEmpty.splice(0)) tell()
  }

  /** One attempt for each slot and seq: a device that keeps reconnecting adds none. */
  #addDrain(notification: Notification, delayMs: number): void {
    if (this.#isShut) return
    const key = `${notification.seq} ${notification.deviceId}`
    const known = this.#drains.get(key)
    if (known?.state === 'running') {
      known.isAskedAgain = true
      return
    }
    if (known) clearTimeout(known.timer)
    const drain: Drain = known ?? {
      key,
      notification,
      attempt: 1,
      state: 'waiting',
      isAskedAgain: false,
    }
    this.#drains.set(key, drain)
    this.#wait(drain, delayMs)
  }

  #wait(drain: Drain, delayMs: number): void {
    if (this.#isShut) return
    drain.state = 'waiting'
    if (delayMs <= 0) {
      this.#line(drain)
      return
    }
    drain.timer = setTimeout(() => this.#line(drain), delayMs)
    drain.timer.unref()
  }

  #line(drain: Drain): void {
    if (drain.state === 'in-line') return
    drain.state = 'in-line'
    this.#drainLine.push(drain)
    this.#nextDrains()
  }

  #nextDrains(): void {
    while (this.#draining < this.#options.mostDrains) {
      const drain = this.#drainLine.shift()
      if (!drain) return
      this.#draining += 1
      drain.state = 'running'
      void this.#drain(drain).finally(() => {
        this.#draining -= 1
        this.#nextDrains()
      })
    }
  }

  async #drain(drain: Drain): Promise<void> {
    const { notification, attempt: number } = drain
    const last = number >= MAX_RECEIVES
    const delivery = await deliver(
      notification,
      { number, last, slotOnly: true },
      this.#ports,
    ).catch((fault: unknown) => {
      const { id } = notification
      this.#options.log.error('a slot cannot be tried', { id, ...faultFields(fault) })
      return 'again' as const
    })
    if (drain.isAskedAgain) {
      // its device has connected in the meantime
      drain.isAskedAgain = false
      drain.attempt = 1
      return this.#wait(drain, 0)
    }
    if (delivery === 'done' || last) {
      this.#drains.delete(drain.key)
      return
    }
    drain.attempt += 1
    const rest = backOffSeconds(number, this.#options.chance()) * 1_000
    this.#wait(drain, Math.min(rest, LONGEST_REST_MS))
  }
}

/** A slot that is to be tried. */
interface Drain {
  readonly key: string
  readonly notification: Notification
  attempt: number
  state: 'waiting' | 'in-line' | 'running'
  isAskedAgain: boolean
  timer?: NodeJS.Timeout
}
