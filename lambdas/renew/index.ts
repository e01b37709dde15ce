import { dynamoDbClient } from '../../aws/clients.ts'
import { jsonLog } from '../../aws/log.ts'
import { renew } from '../../core/renew.ts'
import { deviceHandler, loggedConnections } from '../device.ts'
import { issuePorts } from '../issue.ts'
import { readSettings, variable } from '../settings.ts'
import { renewSettings } from './settings.ts'

const settings = readSettings(renewSettings, process.env)
const log = jsonLog('renew', settings[variable.stage])
const ports = {
  ...issuePorts(settings, dynamoDbClient()),
  connections: loggedConnections(settings[variable.iotEndpoint], log),
}

export const handler = deviceHandler((request) => renew(request, ports), log)
