import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'
import type { DropCause, Notification } from '@heliograph/device'
import type { Behavior } from './behavior.ts'

/** What devices of one behavior went through. */
export interface Counts {
  readonly devices: number
  /** Notifications that were taken over, each once. */
  readonly received: number
  /** Those of them that had waited in their slot. */
  readonly fromStorage: number
  /** Those of them that were published on a channel. */
  readonly fromChannels: number
  /** Dropped: taken over before. */
  readonly repeats: number
  /** Dropped: a newer one was taken over before. */
  readonly overtaken: number
  /** Heard and left unacknowledged, as silent devices do. */
  readonly ignored: number
  /** Connections after a device's first. */
  readonly reconnects: number
  /** Connections that ended and attempts that failed, other than by the device's own will. */
  readonly lost: number
}

/** Milliseconds, exact to three digits. */
export interface Spread {
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly max: number
}

/** How far a fleet is. */
export interface Standing extends Counts {
  readonly activated: number
  /** Devices that have a token for every topic. */
  readonly ready: number
  readonly connected: number
  /** From acceptance to the device. */
  readonly online?: Spread
  readonly stored?: Spread
  /** How long devices took to take a notification over. */
  readonly handler?: Spread
}

export interface Summary extends Standing {
  readonly behaviors: Readonly<Partial<Record<Behavior, Counts>>>
  /** By reason. */
  readonly errors: Readonly<Record<string, number>>
}

/** Reasons that are told apart; causes are texts of others, and there may be any number. */
const MOST_REASONS = 30
const OTHERS = 'others'

const nothing = {
  ...{ devices: 0, received: 0, fromStorage: 0, fromChannels: 0, repeats: 0, overtaken: 0 },
  ...{ ignored: 0, reconnects: 0, lost: 0 },
}
type Counted = keyof typeof nothing

/** What happens to a fleet, counted. */
export class Tally {
  readonly #counts = new Map<Behavior, Record<Counted, number>>()
  readonly #errors = new Map<string, number>()
  readonly #online = createHistogram()
  readonly #stored = createHistogram()
  readonly #handler = createHistogram()
  activated = 0
  ready = 0
  connected = 0

  add(behavior: Behavior, what: Counted): void {
    const counts = this.#counts.get(behavior) ?? { ...nothing }
    counts[what] += 1
    this.#counts.set(behavior, counts)
  }

  /** A notification was taken over. `heardAt` in milliseconds since the epoch. */
  received(
    behavior: Behavior,
    { acceptedAt, stored, channel }: Pick<Notification, 'acceptedAt' | 'stored' | 'channel'>,
    { heardAt, handledMs }: { readonly heardAt: number; readonly handledMs: number },
  ): void {
    this.add(behavior, 'received')
    if (stored) this.add(behavior, 'fromStorage')
    if (channel !== undefined) this.add(behavior, 'fromChannels')
    record(stored ? this.#stored : this.#online, heardAt - acceptedAt)
    record(this.#handler, handledMs)
  }

  dropped(behavior: Behavior, why: DropCause): void {
    if (why === 'repeat') this.add(behavior, 'repeats')
    else if (why === 'overtaken') this.add(behavior, 'overtaken')
    else this.error(`dropped: ${why}`)
  }

  error(reason: string): void {
    const isKnown = this.#errors.has(reason) || this.#errors.size < MOST_REASONS
    const name = isKnown ? reason : OTHERS
    this.#errors.set(name, (this.#errors.get(name) ?? 0) + 1)
  }

  standing(): Standing {
    const total: Record<Counted, number> = { ...nothing }
    for (const counts of this.#counts.values())
      for (const name of Object.keys(total) as Counted[]) total[name] += counts[name]
    const { activated, ready, connected } = this
    return {
      ...{ ...total, activated, ready, connected },
      ...spreadOf('online', this.#online),
      ...spreadOf('stored', this.#stored),
      ...spreadOf('handler', this.#handler),
    }
  }

  summary(): Summary {
    return {
      ...this.standing(),
      behaviors: Object.fromEntries(this.#counts),
      errors: Object.fromEntries([...this.#errors].sort(([, one], [, other]) => other - one)),
    }
  }
}

/** A histogram begins at 1. The clocks of two machines can make a time negative. */
function record(histogram: RecordableHistogram, ms: number): void {
  histogram.record(Math.max(1, Math.round(ms)))
}

function spreadOf<Name extends string>(
  name: Name,
  histogram: RecordableHistogram,
): Partial<Record<Name, Spread>> {
  if (histogram.count === 0) return {}
  const spread: Spread = {
    p50: histogram.percentile(50),
    p90: histogram.percentile(90),
    p99: histogram.percentile(99),
    max: histogram.max,
  }
  return { [name]: spread } as Partial<Record<Name, Spread>>
}
