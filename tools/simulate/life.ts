import type { Notification } from '@heliograph/core/notification'
import type { Outcome } from '@heliograph/core/outcome'
import type { OutcomeKind } from '@heliograph/protocol/outcome'

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
  /** Every outcome but its acceptance, as it was recorded. */
  readonly outcomes: Outcome[]
  /** Those that a crash or a fault kept from being handed on, or that `record` gave up. */
  readonly lost: Set<Outcome>
  /** A crash, a fault or a lost answer came between its put and the record of it. */
  untold: boolean
  /** It was in its slot at some time. */
  kept: boolean
  /** When it was put there last, and when it left (true times). */
  keptAt?: number
  leftAt?: number
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
