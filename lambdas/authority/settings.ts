import { variable } from '../settings.ts'

export const authoritySettings = [
  variable.stage,
  variable.authoritiesTable,
  variable.providerAuthorityKey,
  variable.deviceAuthorityKey,
  variable.trustBucket,
] as const
