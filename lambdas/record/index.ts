import { dynamoDbClient } from '@heliograph/aws/clients'
import { jsonLog } from '@heliograph/aws/log'
import { receipts } from '@heliograph/aws/receipts'
import { systemClock as clock } from '@heliograph/aws/world'
import { readSettings, variable } from '../settings.ts'
import { recordHandler } from './handler.ts'
import { recordSettings } from './settings.ts'

const settings = readSettings(recordSettings, process.env)
const keptSeconds = Number(settings[variable.receiptDays]) * 24 * 3600

export const handler = recordHandler(
  receipts(dynamoDbClient(), settings[variable.receiptsTable], clock, keptSeconds),
  jsonLog('record', settings[variable.stage]),
)
