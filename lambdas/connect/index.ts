import { dynamoDbClient, kmsClient, sqsClient } from '../../aws/clients.ts'
import { feedback } from '../../aws/feedback.ts'
import { jsonLog, loggedOutcomes } from '../../aws/log.ts'
import { notificationQueue } from '../../aws/notification-queue.ts'
import { pendingNotifications } from '../../aws/pending-notifications.ts'
import { registrations } from '../../aws/registrations.ts'
import { tokenKeyRing } from '../../aws/token-keys.ts'
import { systemClock as clock, systemIds } from '../../aws/world.ts'
import { loggedConnections } from '../device.ts'
import { readSettings, variable } from '../settings.ts'
import { connectHandler } from './handler.ts'
import { connectSettings } from './settings.ts'

const settings = readSettings(connectSettings, process.env)
const dynamoDb = dynamoDbClient()
const log = jsonLog('connect', settings[variable.stage])

export const handler = connectHandler(
  {
    clock,
    connections: loggedConnections(settings[variable.iotEndpoint], log),
    pending: pendingNotifications(dynamoDb, settings[variable.pendingTable]),
    registrations: registrations(dynamoDb, settings[variable.registrationsTable]),
    feedback: feedback(dynamoDb, settings[variable.feedbackTable], clock, systemIds()),
    ring: tokenKeyRing(dynamoDb, kmsClient(), settings[variable.tokenKeysTable], clock),
    queue: notificationQueue(sqsClient(), settings[variable.notificationQueue]),
    outcomes: loggedOutcomes(log),
  },
  log,
)
