import type { Outputs } from '../aws-stage.ts'

/** The queues of messages that could not be processed, by the names that the commands use. */
export const deadLetterQueues = {
  /** Notifications that deliver gave up. */
  notifications: 'NotificationDeadLetters',
  /** Events that a function failed on after all tries. */
  events: 'EventDeadLetters',
  /** Outcomes of notifications that could not be saved as receipts. */
  outcomes: 'OutcomeDeadLetters',
  /** Events for subscribers that SNS did not take. */
  announcements: 'AnnouncementDeadLetters',
  /** What a topic rule could not hand to its function. */
  rules: 'RuleErrors',
} as const satisfies Record<string, keyof Outputs>

export type DeadLetterQueueName = keyof typeof deadLetterQueues

interface QueueNotes {
  /** What comes into the queue, and why. */
  readonly about: string
  readonly advice: string
  readonly redrivable: boolean
}

/** What an operator should know of each queue. */
export const deadLetterNotes: Readonly<Record<DeadLetterQueueName, QueueNotes>> = {
  notifications: {
    about: 'Notifications that could not be delivered or stored in eight attempts.',
    advice:
      'Find out what failed ("doctor", the log of deliver), then redrive. What has expired meanwhile is dropped as expired.',
    redrivable: true,
  },
  events: {
    about: 'Events of devices and of expiries on which a function failed after all tries.',
    advice:
      'Look at the log of the function, then redrive: it is invoked again with the same event. Stream batches stay, because only their position is known.',
    redrivable: true,
  },
  outcomes: {
    about: 'What became of notifications, where that could not be kept as receipts.',
    advice: 'Redrive once the receipts table takes writes again; otherwise these receipts lack it.',
    redrivable: true,
  },
  announcements: {
    about: 'Events for subscribers that SNS did not take for an hour.',
    advice: 'Redrive if subscribers should still hear of them; otherwise drop them.',
    redrivable: true,
  },
  rules: {
    about: 'What a device said and a topic rule could not hand to its function.',
    advice:
      'Read and drop: devices say it again when they next connect. If more keep coming, look at the permissions of the rules.',
    redrivable: false,
  },
}

export const deadLetterQueueNames = Object.keys(deadLetterQueues) as DeadLetterQueueName[]
