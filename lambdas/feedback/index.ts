import { authorities } from '@heliograph/aws/authorities'
import { dynamoDbClient } from '@heliograph/aws/clients'
import { feedback } from '@heliograph/aws/feedback'
import { jsonLog } from '@heliograph/aws/log'
import { providers } from '@heliograph/aws/providers'
import { systemClock as clock, systemIds } from '@heliograph/aws/world'
import { cachedProviders } from '@heliograph/core/cached'
import { readSettings, variable } from '../settings.ts'
import { tokens } from '../tokens.ts'
import { feedbackHandler } from './handler.ts'
import { feedbackSettings } from './settings.ts'

const settings = readSettings(feedbackSettings, process.env)
const dynamoDb = dynamoDbClient()
const log = jsonLog('feedback', settings[variable.stage])
const ids = systemIds()

export const handler = feedbackHandler(
  {
    clock,
    ids,
    authorities: authorities(dynamoDb, settings[variable.authoritiesTable]),
    certificates: new Map(),
    tokens: tokens(dynamoDb, settings),
    providers: cachedProviders(
      providers(dynamoDb, settings[variable.providersTable]),
      Number(settings[variable.trustCacheSeconds]),
      clock,
    ),
    feedback: feedback(dynamoDb, settings[variable.feedbackTable], clock, ids),
  },
  log,
)
