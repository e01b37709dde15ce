import { CreateTableCommand, DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb'
import { KMSClient } from '@aws-sdk/client-kms'
import { CreateQueueCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs'
import { activationPace, activations } from '@heliograph/aws/activations'
import { channels } from '@heliograph/aws/channels'
import { claims } from '@heliograph/aws/claims'
import { devices } from '@heliograph/aws/devices'
import { feedback } from '@heliograph/aws/feedback'
import { notificationQueue } from '@heliograph/aws/notification-queue'
import { activationCodes } from '@heliograph/aws/operator/activation-codes'
import { deviceRecords } from '@heliograph/aws/operator/device-records'
import { providerKeyRecords } from '@heliograph/aws/operator/provider-key-records'
import { providerRecords } from '@heliograph/aws/operator/provider-records'
import { pendingNotifications, slotOf } from '@heliograph/aws/pending-notifications'
import { providerKeys } from '@heliograph/aws/provider-keys'
import { providers } from '@heliograph/aws/providers'
import { receipts } from '@heliograph/aws/receipts'
import { registrations } from '@heliograph/aws/registrations'
import { EVERY_KEY, tokenKeyRing, tokenKeyStore } from '@heliograph/aws/token-keys'
import { systemIds } from '@heliograph/aws/world'
import type { Notification } from '@heliograph/core/notification'
import type {
  Activations,
  Channels,
  Claims,
  DeviceRecord,
  Devices,
  Feedback,
  NotificationQueue,
  Pace,
  PendingNotifications,
  ProviderKey,
  ProviderKeys,
  ProviderRecord,
  Providers,
  Receipts,
  Registrations,
  TokenKeyRing,
  TokenKeyStore,
} from '@heliograph/core/ports'
import { activationPace as machinePace, openStore } from '@heliograph/machine/store'
import type { DeviceId, Fingerprint, ProviderKeyId } from '@heliograph/protocol/identifiers'
import { MAX_CHANNELS } from '@heliograph/protocol/limits'
import { startDynamoDb } from '../../packages/embedded-cloud/src/dynamodb/dynamodb.ts'
import { startKms } from '../../packages/embedded-cloud/src/kms/kms.ts'
import { startSqs } from '../../packages/embedded-cloud/src/sqs/sqs.ts'
import {
  clientOf,
  endpointFor,
  identity,
  logLines,
  temporaryFolder,
} from '../../packages/embedded-cloud/test/service-harness.ts'
import { atOnce } from '../../tools/simulate/ports/access.ts'
import { ClaimStore, memoryClaims } from '../../tools/simulate/ports/claims.ts'
import { FeedbackStore, memoryFeedback } from '../../tools/simulate/ports/feedback.ts'
import { memoryPending, PendingStore } from '../../tools/simulate/ports/pending.ts'
import { memoryProviderKeys, ProviderKeyStore } from '../../tools/simulate/ports/provider-keys.ts'
import { memoryProviders, ProviderStore } from '../../tools/simulate/ports/providers.ts'
import { memoryQueue } from '../../tools/simulate/ports/queue.ts'
import { memoryReceipts, ReceiptStore } from '../../tools/simulate/ports/receipts.ts'
import { memoryRegistrations, RegistrationStore } from '../../tools/simulate/ports/registrations.ts'
import {
  memoryRingOfEveryKey,
  memoryTokenKeyRing,
  memoryTokenKeyStore,
  TokenKeys,
} from '../../tools/simulate/ports/token-keys.ts'
import { MemoryChannels } from './memory-channels.ts'
import { MemoryActivations, MemoryDevices } from './memory-devices.ts'
import { isGenuine, type SetClock } from './samples.ts'

/** Ports to hold to the contract, and how to look behind them. */
export interface Target {
  readonly pending: PendingNotifications
  /**
   * Puts a row behind the service's back, whatever is there. Absent on one machine: who may write its
   * store holds its token keys, too.
   */
  forgeSlot?(notification: Notification): Promise<void>
  readonly registrations: Registrations
  readonly feedback: Feedback
  readonly claims: Claims
  /** Kept for `RECEIPT_SECONDS`. */
  readonly receipts: Receipts
  readonly providers: Providers
  readonly providerKeys: ProviderKeys
  /** At most so many of a topic: few, unless counting them is what the port is good at. */
  readonly channels: { readonly port: Channels; readonly most: number }
  readonly tokenKeys: TokenKeyStore
  readonly queue: NotificationQueue
  readonly devices: Devices
  readonly activations: Activations
  /** Two a second. */
  readonly pace: Pace
  /** One process has all keys, and believes nothing for a while. */
  readonly knowsKeysAtOnce?: boolean
  /** A function that has just started. */
  newRing(): TokenKeyRing
  /** The same, with retired keys, for those who judge what expires. */
  ringOfEveryKey?(): TokenKeyRing
  issue(record: ProviderRecord): Promise<void>
  revoke(fingerprint: Fingerprint, at: number): Promise<void>
  saveKey(key: ProviderKey): Promise<boolean>
  revokeKey(keyId: ProviderKeyId, at: number): Promise<ProviderKey | undefined>
  /** A code that is good until then, in milliseconds since the epoch. */
  invite(codeHash: string, expiresAt: number, reusable?: boolean): Promise<void>
  revokeDevice(deviceId: DeviceId, at: number): Promise<DeviceRecord | undefined>
  /** The body of the one message that the queue holds by now, if any. */
  receive(): Promise<string | undefined>
  close(): Promise<void>
}

export const RECEIPT_SECONDS = 600

export type OpenTarget = (clock: SetClock) => Promise<Target>

const openMemory: OpenTarget = async (clock) => {
  const ids = systemIds()
  const providerStore = new ProviderStore()
  const keyStore = new ProviderKeyStore()
  const keys = new TokenKeys((length) => ids.bytes(length))
  const bodies: string[] = []
  const slots = new PendingStore()
  const memory = new MemoryDevices()
  const codes = new MemoryActivations()
  return {
    pending: memoryPending(slots, atOnce, isGenuine),
    forgeSlot: async (notification) => slots.forge(notification),
    registrations: memoryRegistrations(new RegistrationStore(), atOnce),
    feedback: memoryFeedback(new FeedbackStore(), atOnce, clock, ids),
    claims: memoryClaims(new ClaimStore(), atOnce, clock),
    receipts: memoryReceipts(new ReceiptStore(), atOnce, clock, RECEIPT_SECONDS),
    providers: memoryProviders(providerStore, atOnce),
    providerKeys: memoryProviderKeys(keyStore, atOnce),
    channels: { port: new MemoryChannels(5), most: 5 },
    tokenKeys: memoryTokenKeyStore(keys, atOnce),
    queue: memoryQueue((body, delay) => delay === 0 && bodies.push(body), atOnce),
    devices: memory,
    activations: codes,
    pace: codes.pace(2),
    invite: async (...code) => codes.invite(...code),
    revokeDevice: async (deviceId, at) => memory.revoke(deviceId, at),
    newRing: () => memoryTokenKeyRing(keys, atOnce, clock),
    ringOfEveryKey: () => memoryRingOfEveryKey(keys, atOnce, clock),
    issue: async (record) => providerStore.issue(record),
    revoke: async (fingerprint, at) => providerStore.revoke(fingerprint, at),
    saveKey: async (key) => keyStore.save(key),
    revokeKey: async (keyId, at) => keyStore.revoke(keyId, at),
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
  receipts: ['bucketId', 'chunk'],
  providers: ['fingerprint'],
  providerKeys: ['keyId'],
  channels: ['topic', 'channel'],
  tokenKeys: ['keyId'],
  devices: ['deviceId'],
  activations: ['codeHash'],
} as const

const openEmulated: OpenTarget = async (clock) => {
  const cloud = await startCloud()
  const { dynamoDb, sqs, kms } = cloud
  for (const [name, keys] of Object.entries(tables)) await createTable(dynamoDb, name, keys)
  const { QueueUrl: url = '' } = await sqs.send(new CreateQueueCommand({ QueueName: 'queue' }))
  return {
    pending: pendingNotifications(dynamoDb, 'pending', isGenuine),
    async forgeSlot(notification) {
      await dynamoDb.send(new PutItemCommand({ TableName: 'pending', Item: slotOf(notification) }))
    },
    registrations: registrations(dynamoDb, 'registrations'),
    feedback: feedback(dynamoDb, 'feedback', clock, systemIds()),
    claims: claims(dynamoDb, 'claims', clock),
    receipts: receipts(dynamoDb, 'receipts', clock, RECEIPT_SECONDS),
    providers: providers(dynamoDb, 'providers'),
    providerKeys: providerKeys(dynamoDb, 'providerKeys'),
    channels: { port: channels(dynamoDb, 'channels', clock, 5), most: 5 },
    tokenKeys: tokenKeyStore(dynamoDb, kms, 'tokenKeys', cloud.wrapKeyArn),
    queue: notificationQueue(sqs, url),
    devices: devices(dynamoDb, 'devices'),
    activations: activations(dynamoDb, 'activations'),
    pace: activationPace(dynamoDb, 'activations', 2),
    invite: (codeHash, expiresAt, reusable = false) =>
      activationCodes(dynamoDb, 'activations').add({
        codeHash,
        expiresAt: expiresAt / 1000,
        createdAt: 0,
        reusable,
      }),
    revokeDevice: (deviceId, at) => deviceRecords(dynamoDb, 'devices').revoke(deviceId, at),
    newRing: () => tokenKeyRing(dynamoDb, kms, 'tokenKeys', clock),
    ringOfEveryKey: () => tokenKeyRing(dynamoDb, kms, 'tokenKeys', clock, EVERY_KEY),
    issue: (record) => providerRecords(dynamoDb, 'providers').save(record),
    async revoke(fingerprint, at) {
      await providerRecords(dynamoDb, 'providers').revoke(fingerprint, at, 'keyCompromise')
    },
    saveKey: (key) => providerKeyRecords(dynamoDb, 'providerKeys').save(key),
    revokeKey: (keyId, at) => providerKeyRecords(dynamoDb, 'providerKeys').revoke(keyId, at),
    async receive() {
      const { Messages: [message] = [] } = await sqs.send(
        new ReceiveMessageCommand({ QueueUrl: url }),
      )
      return message?.Body
    },
    close: cloud.close,
  }
}

const openMachine: OpenTarget = async (clock) => {
  const folder = await temporaryFolder()
  const ids = systemIds()
  const key = ids.bytes(32)
  const receiptSeconds = RECEIPT_SECONDS
  const store = await openStore({ folder: folder.path, key, clock, ids, receiptSeconds })
  const bodies: string[] = []
  return {
    ...store,
    channels: { port: store.channels, most: MAX_CHANNELS },
    knowsKeysAtOnce: true,
    newRing: () => store.ring,
    // what waits is in the pipeline's journal, which has tests of its own
    queue: memoryQueue((body, delay) => delay === 0 && bodies.push(body), atOnce),
    pace: machinePace(2),
    invite: (codeHash, expiresAt, reusable = false) =>
      store.activations.add({ codeHash, expiresAt: expiresAt / 1000, createdAt: 0, reusable }),
    revokeDevice: (deviceId, at) => store.devices.revoke(deviceId, at),
    issue: (record) => store.providers.save(record),
    async revoke(fingerprint, at) {
      await store.providers.revoke(fingerprint, at, 'keyCompromise')
    },
    saveKey: (key) => store.providerKeys.save(key),
    revokeKey: (keyId, at) => store.providerKeys.revoke(keyId, at),
    receive: async () => bodies.shift(),
    async close() {
      await store.close()
      await folder.remove()
    },
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

/** The simulation's ports, AWS's on emulators, and those of one machine. */
export const targets: readonly (readonly [name: string, open: OpenTarget])[] = [
  ['ports in memory', openMemory],
  ['aws/ on the embedded cloud', openEmulated],
  ['one machine', openMachine],
]
