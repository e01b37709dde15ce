import { variable } from '../settings.ts'

export const renewSettings = [
  variable.stage,
  variable.devicesTable,
  variable.authoritiesTable,
  variable.deviceAuthorityKey,
  variable.devicePolicy,
  variable.deviceCertificateDays,
  variable.iotEndpoint,
] as const
