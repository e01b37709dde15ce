import { snsClient } from '@heliograph/aws/clients'
import { eventTopic } from '@heliograph/aws/event-topic'
import { jsonLog } from '@heliograph/aws/log'
import { readSettings, variable } from '../settings.ts'
import { announceHandler } from './handler.ts'
import { announceSettings } from './settings.ts'

const settings = readSettings(announceSettings, process.env)

export const handler = announceHandler(
  eventTopic(snsClient(), settings[variable.eventTopic]),
  jsonLog('announce', settings[variable.stage]),
)
