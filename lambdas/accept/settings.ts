import { variable } from '../settings.ts'

export const acceptSettings = [
  variable.stage,
  variable.notificationQueue,
  variable.registrationsTable,
  variable.providersTable,
  variable.authoritiesTable,
  variable.tokenKeysTable,
  variable.tokenWrapKey,
  variable.defaultLifetime,
  variable.trustCacheSeconds,
  variable.registrationCacheSeconds,
  variable.tokenRateLimit,
] as const
