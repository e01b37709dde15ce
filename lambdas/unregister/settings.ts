import { variable } from '../settings.ts'

export const unregisterSettings = [
  variable.stage,
  variable.registrationsTable,
  variable.pendingTable,
  variable.feedbackTable,
  variable.tokenKeysTable,
  variable.tokenWrapKey,
  variable.iotEndpoint,
] as const
