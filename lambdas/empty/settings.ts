import { variable } from '../settings.ts'

export const emptySettings = [
  variable.stage,
  variable.devicePolicy,
  variable.devicesTable,
  variable.registryCallsPerSecond,
] as const

export { CALLS_PER_SECOND } from '@heliograph/aws/registry-quota'
