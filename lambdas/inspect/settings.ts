import { variable } from '../settings.ts'

export const inspectSettings = [
  variable.stage,
  variable.authoritiesTable,
  variable.trustBucket,
] as const
