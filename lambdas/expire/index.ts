import { dynamoDbClient, kmsClient, sqsClient } from '@heliograph/aws/clients'
import { feedback } from '@heliograph/aws/feedback'
import { jsonLog } from '@heliograph/aws/log'
import { flushing } from '@heliograph/aws/outcome-batch'
import { EVERY_KEY, tokenKeyRing } from '@heliograph/aws/token-keys'
import { systemClock as clock, systemIds } from '@heliograph/aws/world'
import { genuineBy } from '@heliograph/core/delivery/seal'
import { outcomesOf } from '../outcomes.ts'
import { readSettings, variable } from '../settings.ts'
import { expireHandler } from './handler.ts'
import { expireSettings } from './settings.ts'

const settings = readSettings(expireSettings, process.env)
const dynamoDb = dynamoDbClient()
const log = jsonLog('expire', settings[variable.stage])
const outcomes = outcomesOf(log, sqsClient(), settings)

const work = expireHandler(
  {
    clock,
    feedback: feedback(dynamoDb, settings[variable.feedbackTable], clock, systemIds()),
    outcomes,
    // a notification whose key has been retired reaches nobody, and its provider should be told
    isGenuine: genuineBy(
      tokenKeyRing(dynamoDb, kmsClient(), settings[variable.tokenKeysTable], clock, EVERY_KEY),
      clock,
      Number(settings[variable.unsealedUntil]) * 1000,
    ),
  },
  log,
)

export const handler = flushing(work, outcomes)
