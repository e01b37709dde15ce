import { variable } from '../settings.ts'

export const endpointSettings = [variable.stage] as const
