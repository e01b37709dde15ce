import { dynamoDbClient, kmsClient, sqsClient } from '@heliograph/aws/clients'
import { devices } from '@heliograph/aws/devices'
import { feedback } from '@heliograph/aws/feedback'
import { jsonLog } from '@heliograph/aws/log'
import { flushing } from '@heliograph/aws/outcome-batch'
import { pendingNotifications } from '@heliograph/aws/pending-notifications'
import { registrations } from '@heliograph/aws/registrations'
import { tokenKeyRing } from '@heliograph/aws/token-keys'
import { systemClock as clock, systemIds } from '@heliograph/aws/world'
import { genuineBy } from '@heliograph/core/delivery/seal'
import { loggedConnections } from '../device.ts'
import { outcomesOf } from '../outcomes.ts'
import { readSettings, variable } from '../settings.ts'
import { unregisterHandler } from './handler.ts'
import { unregisterSettings } from './settings.ts'

const settings = readSettings(unregisterSettings, process.env)
const dynamoDb = dynamoDbClient()
const log = jsonLog('unregister', settings[variable.stage])
const ring = tokenKeyRing(dynamoDb, kmsClient(), settings[variable.tokenKeysTable], clock)
const isGenuine = genuineBy(ring, clock, Number(settings[variable.unsealedUntil]) * 1000)
const outcomes = outcomesOf(log, sqsClient(), settings)

const work = unregisterHandler(
  {
    clock,
    devices: devices(dynamoDb, settings[variable.devicesTable]),
    connections: loggedConnections(settings[variable.iotEndpoint], log),
    pending: pendingNotifications(dynamoDb, settings[variable.pendingTable], isGenuine),
    registrations: registrations(dynamoDb, settings[variable.registrationsTable]),
    feedback: feedback(dynamoDb, settings[variable.feedbackTable], clock, systemIds()),
    ring,
    outcomes,
    deadTokens: outcomes.deadTokens,
  },
  log,
)

export const handler = flushing(work, outcomes)
