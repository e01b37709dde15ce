import type { Clock, Feedback, FeedbackEntry, FeedbackRow, Ids } from '@heliograph/core/ports'
import type { Seq, Topic } from '@heliograph/protocol/identifiers'
import type { Access } from './access.ts'

/** The feedback of all topics and the marks of what has been written. Every method happens at once. */
export class FeedbackStore {
  readonly #rows = new Map<Topic, FeedbackRow[]>()
  readonly #marks = new Set<string>()

  isWritten(cause: string): boolean {
    return this.#marks.has(cause)
  }

  mark(cause: string): void {
    this.#marks.add(cause)
  }

  /** Entries are named before they are written, so they come in any order. */
  put(topic: Topic, row: FeedbackRow): void {
    const rows = this.#rows.get(topic) ?? []
    const place = rows.findLastIndex(({ entry }) => entry <= row.entry)
    if (rows[place]?.entry === row.entry) rows[place] = row
    else rows.splice(place + 1, 0, row)
    this.#rows.set(topic, rows)
  }

  read(topic: Topic, after: Seq | undefined, limit: number): FeedbackRow[] {
    const rows = this.all(topic)
    return rows.filter(({ entry }) => after === undefined || entry > after).slice(0, limit)
  }

  all(topic: Topic): readonly FeedbackRow[] {
    return this.#rows.get(topic) ?? []
  }
}

/** Three steps, as the table has them: look for the mark, write the entry, write the mark. */
export function memoryFeedback(
  store: FeedbackStore,
  access: Access,
  clock: Clock,
  ids: Ids,
): Feedback {
  return {
    async write(topic: Topic, cause: string, entry: FeedbackEntry) {
      if (await access('feedback.find', cause, () => store.isWritten(cause))) return
      const row = { ...entry, entry: ids.seq(clock.now()) }
      await access('feedback.put', cause, () => store.put(topic, row))
      await access('feedback.mark', cause, () => store.mark(cause))
    },
    read: (topic, after, limit) =>
      access('feedback.read', topic, () => store.read(topic, after, limit)),
  }
}
