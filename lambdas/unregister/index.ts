import { dynamoDbClient, kmsClient } from '../../aws/clients.ts'
import { feedback } from '../../aws/feedback.ts'
import { jsonLog, loggedOutcomes } from '../../aws/log.ts'
import { pendingNotifications } from '../../aws/pending-notifications.ts'
import { registrations } from '../../aws/registrations.ts'
import { tokenKeyRing } from '../../aws/token-keys.ts'
import { systemClock as clock, systemIds } from '../../aws/world.ts'
import { unregister } from '../../core/unregister.ts'
import { deviceHandler, loggedConnections } from '../device.ts'
import { readSettings, variable } from '../settings.ts'
import { unregisterSettings } from './settings.ts'

const settings = readSettings(unregisterSettings, process.env)
const dynamoDb = dynamoDbClient()
const log = jsonLog('unregister', settings[variable.stage])
const ports = {
  clock,
  connections: loggedConnections(settings[variable.iotEndpoint], log),
  pending: pendingNotifications(dynamoDb, settings[variable.pendingTable]),
  registrations: registrations(dynamoDb, settings[variable.registrationsTable]),
  feedback: feedback(dynamoDb, settings[variable.feedbackTable], clock, systemIds()),
  ring: tokenKeyRing(dynamoDb, kmsClient(), settings[variable.tokenKeysTable], clock),
  outcomes: loggedOutcomes(log),
}

export const handler = deviceHandler((request) => unregister(request, ports), log)
