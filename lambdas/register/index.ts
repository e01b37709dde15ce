import { dynamoDbClient, kmsClient } from '@heliograph/aws/clients'
import { devices } from '@heliograph/aws/devices'
import { jsonLog } from '@heliograph/aws/log'
import { providerKeys } from '@heliograph/aws/provider-keys'
import { providers } from '@heliograph/aws/providers'
import { registrations } from '@heliograph/aws/registrations'
import { tokenKeyRing } from '@heliograph/aws/token-keys'
import { systemClock as clock } from '@heliograph/aws/world'
import { loggedConnections } from '../device.ts'
import { readSettings, variable } from '../settings.ts'
import { registerHandler } from './handler.ts'
import { registerSettings } from './settings.ts'

const settings = readSettings(registerSettings, process.env)
const dynamoDb = dynamoDbClient()
const log = jsonLog('register', settings[variable.stage])

export const handler = registerHandler(
  {
    connections: loggedConnections(settings[variable.iotEndpoint], log),
    providers: providers(dynamoDb, settings[variable.providersTable]),
    providerKeys: providerKeys(dynamoDb, settings[variable.providerKeysTable]),
    devices: devices(dynamoDb, settings[variable.devicesTable]),
    registrations: registrations(dynamoDb, settings[variable.registrationsTable]),
    ring: tokenKeyRing(dynamoDb, kmsClient(), settings[variable.tokenKeysTable], clock),
  },
  log,
)
