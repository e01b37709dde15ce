import { variable } from '../settings.ts'

export const channelFunctionSettings = [
  variable.stage,
  variable.channelsTable,
  variable.iotEndpoint,
  variable.providersTable,
  variable.providerKeysTable,
  variable.authoritiesTable,
  variable.trustCacheSeconds,
  variable.providerRateLimit,
] as const
