import { variable } from '../settings.ts'

export const connectSettings = [
  variable.stage,
  variable.slotQueue,
  variable.pendingTable,
  variable.registrationsTable,
  variable.devicesTable,
  variable.tokenKeysTable,
  variable.tokenWrapKey,
  variable.unsealedUntil,
  variable.iotEndpoint,
] as const
