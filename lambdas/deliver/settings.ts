import { variable } from '../settings.ts'

export const deliverSettings = [
  variable.stage,
  variable.notificationQueue,
  variable.pendingTable,
  variable.registrationsTable,
  variable.feedbackTable,
  variable.claimsTable,
  variable.iotEndpoint,
] as const

/** How often the queue hands a notification out before it goes to the dead-letter queue. */
export const MAX_RECEIVES = 8
