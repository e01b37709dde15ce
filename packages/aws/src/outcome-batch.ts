import { isRepeatable } from '@heliograph/core/delivery/repeatable'
import type { Outcome } from '@heliograph/core/outcome'
import type { OutcomeQueue, Outcomes } from '@heliograph/core/ports'
import type { CountedAs } from '@heliograph/core/stats/counted-topics'
import { faultFields, type JsonLog, logOutcomes } from './log.ts'

/** Outcomes that wait for the end of an invocation. */
export interface OutcomeBatch extends Outcomes {
  /** Logs them and sends on those that are wanted. Never fails, and takes at most `PATIENCE_MS`. */
  flush(): Promise<void>
}

/** How long an invocation waits, after all else is done, for the queue to take its outcomes. */
const PATIENCE_MS = 1_500

export function outcomeBatch(
  log: Pick<JsonLog, 'line' | 'error'>,
  queue: OutcomeQueue,
  isWanted: (outcome: Outcome) => boolean,
  counted?: CountedAs,
): OutcomeBatch {
  const unlogged: Outcome[] = []
  const unsent: Outcome[] = []
  const record = (outcome: Outcome) => {
    unsent.push(outcome)
    // what nothing would say again is in the log at once, whatever becomes of this environment
    if (isRepeatable(outcome.kind)) unlogged.push(outcome)
    else logOutcomes(log, [outcome], counted)
  }
  return {
    record,
    recordTogether: (outcomes) => {
      for (const outcome of outcomes) record(outcome)
    },
    async flush() {
      logOutcomes(log, unlogged.splice(0), counted)
      const wanted = unsent.splice(0).filter(isWanted)
      if (wanted.length === 0) return
      try {
        await inTime(queue.send(wanted))
      } catch (fault) {
        // counted by a metric filter, with an alarm: the log line of the outcome is all that is left
        log.error('outcomes lost', { lost: wanted.length, ...faultFields(fault) })
      }
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

/** A handler whose outcomes are sent on once its own work is done, whatever came of it. */
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
