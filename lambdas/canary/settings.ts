import { variable } from '../settings.ts'

export const canarySettings = [
  variable.stage,
  variable.canaryTable,
  variable.canaryKey,
  variable.providerUrl,
  variable.activationUrl,
] as const
