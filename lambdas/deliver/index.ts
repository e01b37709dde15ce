import { ChangeMessageVisibilityCommand } from '@aws-sdk/client-sqs'
import { claims } from '../../aws/claims.ts'
import { dynamoDbClient, iotDataClient, sqsClient } from '../../aws/clients.ts'
import { connections } from '../../aws/connections.ts'
import { feedback } from '../../aws/feedback.ts'
import { jsonLog, loggedOutcomes } from '../../aws/log.ts'
import { notificationQueue } from '../../aws/notification-queue.ts'
import { pendingNotifications } from '../../aws/pending-notifications.ts'
import { registrations } from '../../aws/registrations.ts'
import { systemClock as clock, systemIds } from '../../aws/world.ts'
import { readSettings, variable } from '../settings.ts'
import { deliverHandler, jittered } from './handler.ts'
import { deliverSettings } from './settings.ts'

const settings = readSettings(deliverSettings, process.env)
const dynamoDb = dynamoDbClient()
const sqs = sqsClient()
const log = jsonLog('deliver', settings[variable.stage])
const queueUrl = settings[variable.notificationQueue]

export const handler = deliverHandler(
  {
    clock,
    connections: connections(
      iotDataClient(settings[variable.iotEndpoint], process.env),
      (fault, detail) => log.warn('direct message failed', { fault, detail }),
    ),
    pending: pendingNotifications(dynamoDb, settings[variable.pendingTable]),
    registrations: registrations(dynamoDb, settings[variable.registrationsTable]),
    feedback: feedback(dynamoDb, settings[variable.feedbackTable], clock, systemIds()),
    claims: claims(dynamoDb, settings[variable.claimsTable], clock),
    queue: notificationQueue(sqs, queueUrl),
    outcomes: loggedOutcomes(log),
  },
  async (receiptHandle, seconds) => {
    await sqs.send(
      new ChangeMessageVisibilityCommand({
        QueueUrl: queueUrl,
        ReceiptHandle: receiptHandle,
        VisibilityTimeout: jittered(seconds, Math.random()),
      }),
    )
  },
  log,
)
