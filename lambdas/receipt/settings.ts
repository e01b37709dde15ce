import { variable } from '../settings.ts'

export const receiptSettings = [
  variable.stage,
  variable.receiptsTable,
  variable.providersTable,
  variable.providerKeysTable,
  variable.authoritiesTable,
  variable.trustCacheSeconds,
  variable.providerRateLimit,
] as const
