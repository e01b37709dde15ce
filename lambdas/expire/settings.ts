import { variable } from '../settings.ts'

export const expireSettings = [variable.stage, variable.feedbackTable] as const
