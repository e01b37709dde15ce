import { isRepeatable } from '@heliograph/core/delivery/repeatable'
import { announcementOf, deathOf } from '@heliograph/core/events/announcement'
import type { Outcome } from '@heliograph/core/outcome'
import type { AnnouncementQueue, DeadTokens, OutcomeQueue, Outcomes } from '@heliograph/core/ports'
import type { CountedAs } from '@heliograph/core/stats/counted-topics'
import type { Announcement } from '@heliograph/protocol/messages'
import { faultFields, type JsonLog, logOutcomes } from './log.ts'

/** Outcomes, and tokens that have died, that wait for the end of an invocation. */
export interface OutcomeBatch extends Outcomes {
  /** Tokens that their devices gave up. */
  readonly deadTokens: DeadTokens
  /** Logs them and sends on those that are wanted. Never fails, and takes at most `PATIENCE_MS`. */
  flush(): Promise<void>
}

/** Where outcomes go from here, and which. */
export interface Hearers {
  readonly receipts: { readonly queue: OutcomeQueue; wants(outcome: Outcome): boolean }
  readonly events: { readonly queue: AnnouncementQueue; wants(event: Announcement): boolean }
}

/**
 * How long an invocation waits, after everything else is done, for the queues to take its outcomes.
 */
const PATIENCE_MS = 1_500

export function outcomeBatch(
  log: Pick<JsonLog, 'line' | 'error'>,
  { receipts, events }: Hearers,
  counted?: CountedAs,
): OutcomeBatch {
  const unlogged: Outcome[] = []
  const unsent: Outcome[] = []
  const deaths: Announcement[] = []
  const record = (outcome: Outcome) => {
    unsent.push(outcome)
    // what nothing would say again is in the log at once, whatever becomes of this environment
    if (isRepeatable(outcome.kind)) unlogged.push(outcome)
    else logOutcomes(log, [outcome], counted)
  }

  async function handOver(lost: string, count: number, send: () => Promise<void>): Promise<void> {
    if (count === 0) return
    try {
      await inTime(send())
    } catch (fault) {
      // counted by a metric filter, with an alarm: only the outcome's log line is left
      log.error(lost, { lost: count, ...faultFields(fault) })
    }
  }

  return {
    record,
    recordTogether: (outcomes) => {
      for (const outcome of outcomes) record(outcome)
    },
    deadTokens: { record: (dead) => void deaths.push(deathOf(dead, 'Unregistered')) },
    async flush() {
      logOutcomes(log, unlogged.splice(0), counted)
      const outcomes = unsent.splice(0)
      const kept = outcomes.filter(receipts.wants)
      const all = [...outcomes.flatMap((one) => announcementOf(one) ?? []), ...deaths.splice(0)]
      const announced = all.filter(events.wants)
      await Promise.all([
        handOver('outcomes lost', kept.length, () => receipts.queue.send(kept)),
        handOver('events lost', announced.length, () => events.queue.send(announced)),
      ])
    },
  }
}

function inTime(work: Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`the queue did not answer within ${PATIENCE_MS} ms`)),
      PATIENCE_MS,
    )
    work.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}

/** A handler whose outcomes are passed on once its own work has finished, successfully or not. */
export function flushing<Event, Answer>(
  handler: (event: Event) => Promise<Answer>,
  outcomes: Pick<OutcomeBatch, 'flush'>,
): (event: Event) => Promise<Answer> {
  return async (event) => {
    try {
      return await handler(event)
    } finally {
      await outcomes.flush()
    }
  }
}
