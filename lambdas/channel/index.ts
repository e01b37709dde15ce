import { setTimeout as wait } from 'node:timers/promises'
import { broadcasts } from '@heliograph/aws/broadcasts'
import { channels } from '@heliograph/aws/channels'
import { dynamoDbClient, iotDataClient } from '@heliograph/aws/clients'
import { latestBroadcasts } from '@heliograph/aws/latest-broadcasts'
import { jsonLog } from '@heliograph/aws/log'
import { systemClock as clock, systemIds } from '@heliograph/aws/world'
import { rateLimit } from '@heliograph/core/rate-limit'
import { credentials } from '../credentials.ts'
import { readSettings, variable } from '../settings.ts'
import { channelHandler } from './handler.ts'
import { channelFunctionSettings } from './settings.ts'

const settings = readSettings(channelFunctionSettings, process.env)
const dynamoDb = dynamoDbClient()
const iot = iotDataClient(settings[variable.iotEndpoint], process.env)
const latest = latestBroadcasts(dynamoDb, settings[variable.channelsTable])

export const handler = channelHandler(
  {
    ...credentials(dynamoDb, settings),
    ids: systemIds(),
    channels: channels(dynamoDb, settings[variable.channelsTable], clock),
    broadcasts: broadcasts(iot, { clock, latest, wait }),
    providerRate: rateLimit(Number(settings[variable.providerRateLimit])),
  },
  jsonLog('channel', settings[variable.stage]),
)
