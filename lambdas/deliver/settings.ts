import { variable } from '../settings.ts'

export const deliverSettings = [
  variable.stage,
  variable.slotQueue,
  variable.notificationQueue,
  variable.deadLetterQueue,
  variable.deliverPatience,
  variable.pendingTable,
  variable.registrationsTable,
  variable.feedbackTable,
  variable.outcomeQueue,
  variable.receipts,
  variable.countedTopics,
  variable.announcementQueue,
  variable.events,
  variable.claimsTable,
  variable.tokenKeysTable,
  variable.tokenWrapKey,
  variable.unsealedUntil,
  variable.iotEndpoint,
] as const
