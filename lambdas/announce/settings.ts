import { variable } from '../settings.ts'

export const announceSettings = [variable.stage, variable.eventTopic] as const
