import { dynamoDbClient } from '@heliograph/aws/clients'
import { jsonLog } from '@heliograph/aws/log'
import { receiptReader } from '@heliograph/aws/receipts'
import { systemClock as clock, systemIds } from '@heliograph/aws/world'
import { rateLimit } from '@heliograph/core/rate-limit'
import { credentials } from '../credentials.ts'
import { readSettings, variable } from '../settings.ts'
import { receiptHandler } from './handler.ts'
import { receiptSettings } from './settings.ts'

const settings = readSettings(receiptSettings, process.env)
const dynamoDb = dynamoDbClient()

export const handler = receiptHandler(
  {
    ...credentials(dynamoDb, settings),
    ids: systemIds(),
    receipts: receiptReader(dynamoDb, settings[variable.receiptsTable], clock),
    providerRate: rateLimit(Number(settings[variable.providerRateLimit])),
  },
  jsonLog('receipt', settings[variable.stage]),
)
