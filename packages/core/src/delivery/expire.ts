import type { Notification } from '../notification.ts'
import type { Clock, Feedback, Outcomes } from '../ports.ts'
import { endWithFeedback } from './end.ts'

export interface ExpirePorts {
  readonly clock: Clock
  readonly feedback: Feedback
  readonly outcomes: Outcomes
}

/** The TTL removed a slot: the provider learns that its notification never arrived. */
export async function expire(notification: Notification, ports: ExpirePorts): Promise<void> {
  await endWithFeedback('expired', 'Expired', notification, ports)
}
