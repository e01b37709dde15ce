import type { Random } from './random.ts'
import type { Settings } from './settings.ts'

/** What becomes of one port call. `before` and `after` are milliseconds around its effect. */
export interface Fate {
  readonly before: number
  readonly after: number
  readonly kind: 'done' | 'refused' | 'repeated' | 'unanswered' | 'crash-before' | 'crash-after'
}

/** What becomes of one direct message. */
export interface SendFate {
  readonly before: number
  readonly after: number
  readonly kind:
    | 'done'
    | 'throttled'
    | 'failed-after'
    | 'unanswered'
    | 'ack-lost'
    | 'ack-late'
    | 'crash-before'
    | 'crash-during'
    | 'crash-after'
}

/** Deals out misfortune while a storm lasts; in a calm everything is done, and soon. */
export class Faults {
  isStormy = false
  readonly #settings: Settings
  readonly #random: Random

  constructor(settings: Settings, random: Random) {
    this.#settings = settings
    this.#random = random
  }

  store(operation: string): Fate {
    const { store, crash } = this.#settings
    const kinds = [
      ['refused', store.refused],
      ['repeated', store.repeated],
      ['unanswered', operation === 'queue.send' ? store.unanswered * 2 : store.unanswered],
      ['crash-before', crash],
      ['crash-after', crash],
    ] as const
    return { before: this.#step(), after: this.#step(), kind: this.#draw(kinds) }
  }

  send(): SendFate {
    const { broker, crash } = this.#settings
    const kinds = [
      ['throttled', broker.throttled],
      ['failed-after', broker.failedAfter],
      ['unanswered', broker.unanswered],
      ['ack-lost', broker.ackLost],
      ['ack-late', broker.ackLate],
      ['crash-before', crash],
      ['crash-during', crash],
      ['crash-after', crash],
    ] as const
    return { before: this.#step(), after: this.#step(), kind: this.#draw(kinds) }
  }

  chance(probability: number): boolean {
    return this.isStormy && this.#random.chance(probability)
  }

  #draw<Kind>(kinds: readonly (readonly [Kind, number])[]): Kind | 'done' {
    if (!this.isStormy) return 'done'
    let point = this.#random.next()
    for (const [kind, share] of kinds) {
      point -= share
      if (point < 0) return kind
    }
    return 'done'
  }

  #step(): number {
    const { step, slow, slowStep } = this.#settings
    if (!this.isStormy) return this.#random.between(0.1, 2)
    return this.#random.chance(slow) ? this.#random.between(0, slowStep) : this.#random.wait(step)
  }
}
