import type { Clock, Feedback, FeedbackEntry, Ids } from '@heliograph/core/ports'
import type { Seq, Topic } from '@heliograph/protocol/identifiers'
import { FEEDBACK_DAYS } from '@heliograph/protocol/limits'
import type { Environment } from './environment.ts'
import type { Expiries } from './expiries.ts'

const FEEDBACK = 'feedback'
const WRITTEN = 'feedback written'

type Row = FeedbackEntry & { readonly expiresAt: number }

/** The feedback of each topic in the order of writing; an entry and the mark of its cause are one transaction. */
export function feedback(
  environment: Environment,
  expiries: Expiries,
  clock: Clock,
  ids: Ids,
): Feedback {
  const rows = environment.table<Row, [Topic, Seq | '']>(FEEDBACK)
  const written = environment.table<{ readonly expiresAt: number }, string>(WRITTEN)
  return {
    write: (topic, cause, entry) =>
      environment.change(() => {
        if (written.doesExist(cause)) return
        const place = ids.seq(clock.now())
        const expiresAt = Math.floor(clock.now() / 1000) + FEEDBACK_DAYS * 24 * 3600
        rows.put([topic, place], { ...entry, expiresAt })
        written.put(cause, { expiresAt })
        expiries.note(expiresAt, FEEDBACK, [topic, place])
        expiries.note(expiresAt, WRITTEN, [cause])
      }),

    async read(topic, after, limit) {
      const range = rows.getRange({
        start: [topic, after ?? ''],
        end: [topic, '\uffff' as Seq],
        exclusiveStart: true,
        limit,
      })
      return [...range].map(({ key: [, entry], value: { expiresAt: _, ...row } }) => ({
        ...row,
        entry: entry as Seq,
      }))
    },
  }
}
