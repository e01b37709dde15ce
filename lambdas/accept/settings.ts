import { variable } from '../settings.ts'

export const acceptSettings = [
  variable.stage,
  variable.notificationQueue,
  variable.countedTopics,
  variable.pending,
  variable.registrationsTable,
  variable.providersTable,
  variable.providerKeysTable,
  variable.authoritiesTable,
  variable.tokenKeysTable,
  variable.tokenWrapKey,
  variable.defaultLifetime,
  variable.trustCacheSeconds,
  variable.registrationCacheSeconds,
  variable.providerRateLimit,
  variable.tokenRateLimit,
] as const
