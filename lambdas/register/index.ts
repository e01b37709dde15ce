import { dynamoDbClient, kmsClient } from '../../aws/clients.ts'
import { devices } from '../../aws/devices.ts'
import { jsonLog } from '../../aws/log.ts'
import { providers } from '../../aws/providers.ts'
import { registrations } from '../../aws/registrations.ts'
import { tokenKeyRing } from '../../aws/token-keys.ts'
import { systemClock as clock } from '../../aws/world.ts'
import { register } from '../../core/register.ts'
import { deviceHandler, loggedConnections } from '../device.ts'
import { readSettings, variable } from '../settings.ts'
import { registerSettings } from './settings.ts'

const settings = readSettings(registerSettings, process.env)
const dynamoDb = dynamoDbClient()
const log = jsonLog('register', settings[variable.stage])
const ports = {
  connections: loggedConnections(settings[variable.iotEndpoint], log),
  providers: providers(dynamoDb, settings[variable.providersTable]),
  devices: devices(dynamoDb, settings[variable.devicesTable]),
  registrations: registrations(dynamoDb, settings[variable.registrationsTable]),
  ring: tokenKeyRing(dynamoDb, kmsClient(), settings[variable.tokenKeysTable], clock),
}

export const handler = deviceHandler((request) => register(request, ports), log)
