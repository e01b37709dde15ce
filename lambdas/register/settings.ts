import { variable } from '../settings.ts'

export const registerSettings = [
  variable.stage,
  variable.registrationsTable,
  variable.devicesTable,
  variable.providersTable,
  variable.providerKeysTable,
  variable.tokenKeysTable,
  variable.tokenWrapKey,
  variable.iotEndpoint,
] as const
