import type { Outcome } from '@heliograph/core/outcome'
import type { Debt, Life } from './life.ts'

/** One run of a function, from its event to its answer or its end. */
export interface Invocation {
  readonly name: string
  /** True time. */
  readonly startedAt: number
  /** It has answered or crashed; what it had asked of the world may still come to pass. */
  isOver: boolean
  /** The port call that is having its effect. */
  operation: string
  /** Slots this run has put or read; only those may be sent as stored. */
  readonly sawInSlot: Set<Life>
  readonly debts: Map<Life, Debt>
  /** What it has put into a slot without a record of that, or of its end, yet. */
  readonly unrecorded: Set<Life>
  /** Outcomes that it has recorded and not handed on. */
  readonly unsent: Set<Outcome>
  /** What went wrong with which of its port calls. */
  readonly troubles: Map<string, string>
}
