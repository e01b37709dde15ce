import { variable } from '../settings.ts'

export const feedbackSettings = [
  variable.stage,
  variable.feedbackTable,
  variable.providersTable,
  variable.providerKeysTable,
  variable.authoritiesTable,
  variable.trustCacheSeconds,
] as const
