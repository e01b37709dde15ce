import { dynamoDbClient } from '../../aws/clients.ts'
import { feedback } from '../../aws/feedback.ts'
import { jsonLog, loggedOutcomes } from '../../aws/log.ts'
import { systemClock as clock, systemIds } from '../../aws/world.ts'
import { readSettings, variable } from '../settings.ts'
import { expireHandler } from './handler.ts'
import { expireSettings } from './settings.ts'

const settings = readSettings(expireSettings, process.env)
const log = jsonLog('expire', settings[variable.stage])

export const handler = expireHandler(
  {
    clock,
    feedback: feedback(dynamoDbClient(), settings[variable.feedbackTable], clock, systemIds()),
    outcomes: loggedOutcomes(log),
  },
  log,
)
