import { variable } from '../settings.ts'

export const rotateSettings = [
  variable.stage,
  variable.tokenKeysTable,
  variable.tokenWrapKey,
  variable.tokenKeyGraceDays,
] as const
