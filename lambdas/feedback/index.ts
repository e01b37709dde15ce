import { dynamoDbClient } from '@heliograph/aws/clients'
import { feedback } from '@heliograph/aws/feedback'
import { jsonLog } from '@heliograph/aws/log'
import { systemClock as clock, systemIds } from '@heliograph/aws/world'
import { credentials } from '../credentials.ts'
import { readSettings, variable } from '../settings.ts'
import { feedbackHandler } from './handler.ts'
import { feedbackSettings } from './settings.ts'

const settings = readSettings(feedbackSettings, process.env)
const dynamoDb = dynamoDbClient()
const log = jsonLog('feedback', settings[variable.stage])
const ids = systemIds()

export const handler = feedbackHandler(
  {
    ...credentials(dynamoDb, settings),
    ids,
    feedback: feedback(dynamoDb, settings[variable.feedbackTable], clock, ids),
  },
  log,
)
