import { ChangeMessageVisibilityCommand } from '@aws-sdk/client-sqs'
import { claims } from '@heliograph/aws/claims'
import { dynamoDbClient, iotDataClient, kmsClient, sqsClient } from '@heliograph/aws/clients'
import { connections } from '@heliograph/aws/connections'
import { feedback } from '@heliograph/aws/feedback'
import { jsonLog } from '@heliograph/aws/log'
import { notificationQueue } from '@heliograph/aws/notification-queue'
import { flushing } from '@heliograph/aws/outcome-batch'
import { pendingNotifications } from '@heliograph/aws/pending-notifications'
import { registrationReads } from '@heliograph/aws/registration-reads'
import { tokenKeyRing } from '@heliograph/aws/token-keys'
import { systemClock as clock, systemIds } from '@heliograph/aws/world'
import { genuineBy } from '@heliograph/core/delivery/seal'
import { silence } from '@heliograph/core/delivery/silence'
import { outcomesOf } from '../outcomes.ts'
import { readSettings, variable } from '../settings.ts'
import { deliverHandler } from './handler.ts'
import { deliverSettings } from './settings.ts'

const settings = readSettings(deliverSettings, process.env)
const dynamoDb = dynamoDbClient()
const sqs = sqsClient()
const log = jsonLog('deliver', settings[variable.stage])
const isGenuine = genuineBy(
  tokenKeyRing(dynamoDb, kmsClient(), settings[variable.tokenKeysTable], clock),
  clock,
  Number(settings[variable.unsealedUntil]) * 1000,
)
const outcomes = outcomesOf(log, sqs, settings)
/** Both queues whose messages this function works. */
const queueUrls = [settings[variable.notificationQueue], settings[variable.slotQueue]]

const work = deliverHandler(
  {
    clock,
    connections: connections(
      iotDataClient(settings[variable.iotEndpoint], process.env),
      (fault, detail) => log.warn('direct message failed', { fault, detail }),
    ),
    pending: pendingNotifications(dynamoDb, settings[variable.pendingTable], isGenuine),
    registrations: registrationReads(dynamoDb, settings[variable.registrationsTable]),
    feedback: feedback(dynamoDb, settings[variable.feedbackTable], clock, systemIds()),
    claims: claims(dynamoDb, settings[variable.claimsTable], clock),
    queue: notificationQueue(sqs, settings[variable.slotQueue]),
    notifications: notificationQueue(sqs, settings[variable.notificationQueue]),
    deadLetters: notificationQueue(sqs, settings[variable.deadLetterQueue]),
    silence: silence(),
    patienceMs: Number(settings[variable.deliverPatience]) * 1_000,
    isGenuine,
    outcomes,
    chance: Math.random,
  },
  async ({ receiptHandle, eventSourceARN }, seconds) => {
    await sqs.send(
      new ChangeMessageVisibilityCommand({
        QueueUrl: queueUrls.find((url) => nameOf(url, '/') === nameOf(eventSourceARN, ':')),
        ReceiptHandle: receiptHandle,
        VisibilityTimeout: seconds,
      }),
    )
  },
  log,
)

/** The outcomes of a batch are sent once nothing is left that a notification waits for. */
export const handler = flushing(work, outcomes)

function nameOf(urlOrArn: string, separator: string): string | undefined {
  return urlOrArn.split(separator).at(-1)
}
