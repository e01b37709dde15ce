import { dynamoDbClient } from '@heliograph/aws/clients'
import { jsonLog } from '@heliograph/aws/log'
import { loggedConnections } from '../device.ts'
import { issuePorts } from '../issue.ts'
import { readSettings, variable } from '../settings.ts'
import { renewHandler } from './handler.ts'
import { renewSettings } from './settings.ts'

const settings = readSettings(renewSettings, process.env)
const log = jsonLog('renew', settings[variable.stage])

export const handler = renewHandler(
  {
    ...issuePorts(settings, dynamoDbClient()),
    connections: loggedConnections(settings[variable.iotEndpoint], log),
  },
  log,
)
