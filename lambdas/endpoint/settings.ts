import { variable } from '../settings.ts'

export const endpointSettings = [variable.stage] as const

export { probe } from '@heliograph/core/devices/probe'
