import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { KMSClient } from '@aws-sdk/client-kms'
import { CreateQueueCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs'
import { claims } from '../../aws/claims.ts'
import { feedback } from '../../aws/feedback.ts'
import { notificationQueue } from '../../aws/notification-queue.ts'
import { providerRecords } from '../../aws/operator/provider-records.ts'
import { pendingNotifications } from '../../aws/pending-notifications.ts'
import { providers } from '../../aws/providers.ts'
import { registrations } from '../../aws/registrations.ts'
import { tokenKeyRing, tokenKeyStore } from '../../aws/token-keys.ts'
import { systemIds } from '../../aws/world.ts'
import type { Fingerprint } from '../../core/identifiers.ts'
import type {
  Claims,
  Feedback,
  NotificationQueue,
  PendingNotifications,
  ProviderRecord,
  Providers,
  Registrations,
  TokenKeyRing,
} from '../../core/ports.ts'
import type { TokenKeyStore } from '../../core/rotate.ts'
import { startDynamoDb } from '../../local/dynamodb/dynamodb.ts'
import { startKms } from '../../local/kms/kms.ts'
import { startSqs } from '../../local/sqs/sqs.ts'
import {
  clientOf,
  endpointFor,
  identity,
  logLines,
  temporaryFolder,
} from '../local/service-harness.ts'
import { atOnce } from '../simulation/ports/access.ts'
import { ClaimStore, memoryClaims } from '../simulation/ports/claims.ts'
import { FeedbackStore, memoryFeedback } from '../simulation/ports/feedback.ts'
import { memoryPending, PendingStore } from '../simulation/ports/pending.ts'
import { memoryProviders, ProviderStore } from '../simulation/ports/providers.ts'
import { memoryQueue } from '../simulation/ports/queue.ts'
import { memoryRegistrations, RegistrationStore } from '../simulation/ports/registrations.ts'
import {
  memoryTokenKeyRing,
  memoryTokenKeyStore,
  TokenKeys,
} from '../simulation/ports/token-keys.ts'
import type { SetClock } from './samples.ts'

/** Ports to hold to the contract, and how to look behind them. */
export interface Target {
  readonly pending: PendingNotifications
  readonly registrations: Registrations
  readonly feedback: Feedback
  readonly claims: Claims
  readonly providers: Providers
  readonly tokenKeys: TokenKeyStore
  readonly queue: NotificationQueue
  /** A function that has just started. */
  newRing(): TokenKeyRing
  issue(record: ProviderRecord): Promise<void>
  revoke(fingerprint: Fingerprint, at: number): Promise<void>
  /** The body of the one message that the queue holds by now, if any. */
  receive(): Promise<string | undefined>
  close(): Promise<void>
}

export type OpenTarget = (clock: SetClock) => Promise<Target>

const openMemory: OpenTarget = async (clock) => {
  const ids = systemIds()
  const providerStore = new ProviderStore()
  const keys = new TokenKeys((length) => ids.bytes(length))
  const bodies: string[] = []
  return {
    pending: memoryPending(new PendingStore(), atOnce),
    registrations: memoryRegistrations(new RegistrationStore(), atOnce),
    feedback: memoryFeedback(new FeedbackStore(), atOnce, clock, ids),
    claims: memoryClaims(new ClaimStore(), atOnce, clock),
    providers: memoryProviders(providerStore, atOnce),
    tokenKeys: memoryTokenKeyStore(keys, atOnce),
    queue: memoryQueue((body, delay) => delay === 0 && bodies.push(body), atOnce),
    newRing: () => memoryTokenKeyRing(keys, atOnce, clock),
    issue: async (record) => providerStore.issue(record),
    revoke: async (fingerprint, at) => providerStore.revoke(fingerprint, at),
    receive: async () => bodies.shift(),
    close: async () => {},
  }
}

/** Partition and sort key of every table, as lib/constructs/stores has them. */
const tables = {
  pending: ['deviceId', 'topic'],
  registrations: ['deviceId', 'topic'],
  feedback: ['topic', 'entry'],
  claims: ['claim'],
  providers: ['fingerprint'],
  tokenKeys: ['keyId'],
} as const

const openEmulated: OpenTarget = async (clock) => {
  const cloud = await startCloud()
  const { dynamoDb, sqs, kms } = cloud
  for (const [name, keys] of Object.entries(tables)) await createTable(dynamoDb, name, keys)
  const { QueueUrl: url = '' } = await sqs.send(new CreateQueueCommand({ QueueName: 'queue' }))
  return {
    pending: pendingNotifications(dynamoDb, 'pending'),
    registrations: registrations(dynamoDb, 'registrations'),
    feedback: feedback(dynamoDb, 'feedback', clock, systemIds()),
    claims: claims(dynamoDb, 'claims', clock),
    providers: providers(dynamoDb, 'providers'),
    tokenKeys: tokenKeyStore(dynamoDb, kms, 'tokenKeys', cloud.wrapKeyArn),
    queue: notificationQueue(sqs, url),
    newRing: () => tokenKeyRing(dynamoDb, kms, 'tokenKeys', clock),
    issue: (record) => providerRecords(dynamoDb, 'providers').save(record),
    async revoke(fingerprint, at) {
      await providerRecords(dynamoDb, 'providers').revoke(fingerprint, at, 'keyCompromise')
    },
    async receive() {
      const { Messages: [message] = [] } = await sqs.send(
        new ReceiveMessageCommand({ QueueUrl: url }),
      )
      return message?.Body
    },
    close: cloud.close,
  }
}

async function startCloud() {
  const { log } = logLines()
  const folder = await temporaryFolder()
  const database = await startDynamoDb({ identity, log, ttlIntervalMs: 3_600_000 })
  const keys = await startKms({ identity, log, stateFile: `${folder.path}/keys.json` })
  const endpoint = await endpointFor([database.service, keys.service])
  const queues = await startSqs({ identity, log, baseUrl: endpoint.url })
  endpoint.add(queues.service)
  const settings = clientOf(endpoint)
  const dynamoDb = new DynamoDBClient(settings)
  const kms = new KMSClient(settings)
  const sqs = new SQSClient({ ...settings, useQueueUrlAsEndpoint: false })
  const { arn: wrapKeyArn } = await keys.createKey('wrap', {})
  return {
    ...{ dynamoDb, kms, sqs, wrapKeyArn },
    async close() {
      for (const client of [dynamoDb, kms, sqs]) client.destroy()
      await queues.close()
      await endpoint.close()
      await keys.close()
      await database.close()
      await folder.remove()
    },
  }
}

async function createTable(
  client: DynamoDBClient,
  name: string,
  keys: readonly string[],
): Promise<void> {
  await client.send(
    new CreateTableCommand({
      TableName: name,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: keys.map((key) => ({ AttributeName: key, AttributeType: 'S' })),
      KeySchema: keys.map((key, index) => ({
        AttributeName: key,
        KeyType: index === 0 ? 'HASH' : 'RANGE',
      })),
    }),
  )
}

/** The simulation's ports, and the real ones on emulators. */
export const targets: readonly (readonly [name: string, open: OpenTarget])[] = [
  ['ports in memory', openMemory],
  ['aws/ on dynalite and fauxqs', openEmulated],
]
