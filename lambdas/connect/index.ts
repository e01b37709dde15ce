import { dynamoDbClient, kmsClient, sqsClient } from '@heliograph/aws/clients'
import { devices } from '@heliograph/aws/devices'
import { jsonLog } from '@heliograph/aws/log'
import { notificationQueue } from '@heliograph/aws/notification-queue'
import { pendingNotifications } from '@heliograph/aws/pending-notifications'
import { registrations } from '@heliograph/aws/registrations'
import { tokenKeyRing } from '@heliograph/aws/token-keys'
import { systemClock as clock } from '@heliograph/aws/world'
import { genuineBy } from '@heliograph/core/delivery/seal'
import { loggedConnections } from '../device.ts'
import { readSettings, variable } from '../settings.ts'
import { connectHandler } from './handler.ts'
import { connectSettings } from './settings.ts'

const settings = readSettings(connectSettings, process.env)
const dynamoDb = dynamoDbClient()
const log = jsonLog('connect', settings[variable.stage])

const ring = tokenKeyRing(dynamoDb, kmsClient(), settings[variable.tokenKeysTable], clock)
const isGenuine = genuineBy(ring, clock, Number(settings[variable.unsealedUntil]) * 1000)

export const handler = connectHandler(
  {
    devices: devices(dynamoDb, settings[variable.devicesTable]),
    connections: loggedConnections(settings[variable.iotEndpoint], log),
    pending: pendingNotifications(dynamoDb, settings[variable.pendingTable], isGenuine),
    registrations: registrations(dynamoDb, settings[variable.registrationsTable]),
    ring,
    queue: notificationQueue(sqsClient(), settings[variable.slotQueue]),
  },
  log,
)
