export type { FunctionCode, FunctionName } from './functions.ts'
export { Heliograph, type HeliographProps, type HeliographStacks } from './heliograph.ts'
export type { HostedZoneProps, LogRetentionDays, StageProps, ThrottleProps } from './stage.ts'
