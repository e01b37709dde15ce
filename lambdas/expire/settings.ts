import { variable } from '../settings.ts'

export const expireSettings = [
  variable.stage,
  variable.feedbackTable,
  variable.outcomeQueue,
  variable.receipts,
  variable.countedTopics,
  variable.announcementQueue,
  variable.events,
  variable.tokenKeysTable,
  variable.tokenWrapKey,
  variable.unsealedUntil,
] as const
