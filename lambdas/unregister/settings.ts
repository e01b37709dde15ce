import { variable } from '../settings.ts'

export const unregisterSettings = [
  variable.stage,
  variable.registrationsTable,
  variable.devicesTable,
  variable.pendingTable,
  variable.feedbackTable,
  variable.outcomeQueue,
  variable.receipts,
  variable.countedTopics,
  variable.announcementQueue,
  variable.events,
  variable.tokenKeysTable,
  variable.tokenWrapKey,
  variable.unsealedUntil,
  variable.iotEndpoint,
] as const
