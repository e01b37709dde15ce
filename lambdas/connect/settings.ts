import { variable } from '../settings.ts'

export const connectSettings = [
  variable.stage,
  variable.notificationQueue,
  variable.pendingTable,
  variable.registrationsTable,
  variable.feedbackTable,
  variable.tokenKeysTable,
  variable.tokenWrapKey,
  variable.iotEndpoint,
] as const
