import { variable } from '../settings.ts'

export const activateSettings = [
  variable.stage,
  variable.activationsTable,
  variable.activationsPerSecond,
  variable.devicesTable,
  variable.authoritiesTable,
  variable.deviceAuthorityKey,
  variable.devicePolicy,
  variable.deviceCertificateDays,
  variable.iotEndpoint,
] as const
