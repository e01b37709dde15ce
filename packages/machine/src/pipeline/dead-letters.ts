import {
  type Notification,
  parseNotification,
  serializeNotification,
} from '@heliograph/core/notification'
import type { Seq } from '@heliograph/protocol/identifiers'
import type { Environment } from '../store/environment.ts'

/** Notifications that were given up after many attempts, for the operator to look at. */
export interface DeadLetters {
  keep(notification: Notification): Promise<void>
  count(): number
  /** The oldest first. */
  list(limit: number): readonly Notification[]
  remove(seq: Seq): Promise<void>
}

export function deadLetters(environment: Environment): DeadLetters {
  const rows = environment.table<string, Seq>('dead letters')
  return {
    keep: (notification) =>
      environment.change(
        () => void rows.put(notification.seq, serializeNotification(notification)),
      ),
    count: () => rows.getKeysCount(),
    list: (limit) =>
      [...rows.getRange({ limit })].flatMap(({ value }) => parseNotification(value) ?? []),
    remove: (seq) => environment.change(() => void rows.remove(seq)),
  }
}
