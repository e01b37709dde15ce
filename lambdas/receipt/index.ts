import { authorities } from '@heliograph/aws/authorities'
import { dynamoDbClient } from '@heliograph/aws/clients'
import { jsonLog } from '@heliograph/aws/log'
import { providers } from '@heliograph/aws/providers'
import { receiptReader } from '@heliograph/aws/receipts'
import { systemClock as clock, systemIds } from '@heliograph/aws/world'
import { cachedProviders } from '@heliograph/core/cached'
import { rateLimit } from '@heliograph/core/rate-limit'
import { readSettings, variable } from '../settings.ts'
import { tokens } from '../tokens.ts'
import { receiptHandler } from './handler.ts'
import { receiptSettings } from './settings.ts'

const settings = readSettings(receiptSettings, process.env)
const dynamoDb = dynamoDbClient()

export const handler = receiptHandler(
  {
    clock,
    ids: systemIds(),
    authorities: authorities(dynamoDb, settings[variable.authoritiesTable]),
    certificates: new Map(),
    tokens: tokens(dynamoDb, settings),
    providers: cachedProviders(
      providers(dynamoDb, settings[variable.providersTable]),
      Number(settings[variable.trustCacheSeconds]),
      clock,
    ),
    receipts: receiptReader(dynamoDb, settings[variable.receiptsTable], clock),
    providerRate: rateLimit(Number(settings[variable.providerRateLimit])),
  },
  jsonLog('receipt', settings[variable.stage]),
)
