import type { Outputs } from '../aws-stage.ts'

/** The queues of what could not be worked on, by the names that the commands use. */
export const deadLetterQueues = {
  /** Notifications that deliver gave up. */
  notifications: 'NotificationDeadLetters',
  /** Events that a function failed on after all tries. */
  events: 'EventDeadLetters',
  /** What happened to notifications, where that could not be kept as receipts. */
  outcomes: 'OutcomeDeadLetters',
  /** Events for subscribers that SNS did not take. */
  announcements: 'AnnouncementDeadLetters',
  /** What a topic rule could not hand to its function. */
  rules: 'RuleErrors',
} as const satisfies Record<string, keyof Outputs>

export type DeadLetterQueueName = keyof typeof deadLetterQueues

export const deadLetterQueueNames = Object.keys(deadLetterQueues) as DeadLetterQueueName[]
