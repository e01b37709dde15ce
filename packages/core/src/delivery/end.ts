import type { OutcomeKind } from '@heliograph/protocol/outcome'
import type { Notification } from '../notification.ts'
import { outcomeOf } from '../outcome.ts'
import type { Clock, Feedback, LostNotificationEntry, Outcomes } from '../ports.ts'

/** What is needed to record how a notification ended. */
export interface EndPorts {
  readonly clock: Clock
  readonly outcomes: Outcomes
}

export function end(
  kind: OutcomeKind,
  notification: Notification,
  ports: EndPorts,
  replacedBy?: Notification,
): 'done' {
  ports.outcomes.record(outcomeOf(kind, notification, ports.clock.now(), replacedBy))
  return 'done'
}

/** Ends a notification and tells its provider; the entry is written before the outcome is recorded. */
export async function endWithFeedback(
  kind: OutcomeKind,
  reason: LostNotificationEntry['reason'],
  notification: Notification,
  ports: EndPorts & { readonly feedback: Feedback },
): Promise<'done'> {
  const { topic, id, seq } = notification
  const timestamp = ports.clock.now()
  await ports.feedback.write(topic, `${kind}:${seq}`, { reason, timestamp, id })
  ports.outcomes.record(outcomeOf(kind, notification, timestamp))
  return 'done'
}
