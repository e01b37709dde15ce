import { variable } from '../settings.ts'

export const domainSettings = [variable.stage] as const
