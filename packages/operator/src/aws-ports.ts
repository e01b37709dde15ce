import { setTimeout as wait } from 'node:timers/promises'
import { announcementQueue } from '@heliograph/aws/announcement-queue'
import { authorities } from '@heliograph/aws/authorities'
import { broadcasts } from '@heliograph/aws/broadcasts'
import { deviceRegistry } from '@heliograph/aws/device-registry'
import { devices } from '@heliograph/aws/devices'
import { feedback } from '@heliograph/aws/feedback'
import { latestBroadcasts } from '@heliograph/aws/latest-broadcasts'
import { activationCodes } from '@heliograph/aws/operator/activation-codes'
import { channelRecords } from '@heliograph/aws/operator/channel-records'
import { deviceRecords } from '@heliograph/aws/operator/device-records'
import { invoke } from '@heliograph/aws/operator/functions'
import { presences } from '@heliograph/aws/operator/presence'
import { providerKeyRecords } from '@heliograph/aws/operator/provider-key-records'
import { providerRecords } from '@heliograph/aws/operator/provider-records'
import { registrationRecords } from '@heliograph/aws/operator/registration-records'
import { storedBroadcasts } from '@heliograph/aws/operator/stored-broadcasts'
import { attachedCertificates } from '@heliograph/aws/operator/thing-principals'
import { keepTokenKey, openTokenKey } from '@heliograph/aws/operator/token-key-vault'
import { topicStats } from '@heliograph/aws/operator/topic-stats'
import { outcomeQueue } from '@heliograph/aws/outcome-queue'
import { pendingNotifications } from '@heliograph/aws/pending-notifications'
import { receiptReader } from '@heliograph/aws/receipts'
import { registrations } from '@heliograph/aws/registrations'
import { publicKeyOf, signingKey } from '@heliograph/aws/signing-key'
import { tokenKeyRing, tokenKeyStore } from '@heliograph/aws/token-keys'
import { genuineBy } from '@heliograph/core/delivery/seal'
import { announcementOf } from '@heliograph/core/events/announcement'
import { parseEventSettings, wantsEvent } from '@heliograph/core/events/event-settings'
import type { AuthorityKeys, OperatorPorts, TokenKeyVault } from '@heliograph/core/operator-ports'
import type { AnnouncementQueue } from '@heliograph/core/ports'
import { parseReceiptSettings, wantsReceipt } from '@heliograph/core/receipts/receipt-settings'
import { parseCountedTopics } from '@heliograph/core/stats/counted-topics'
import type { Rotation } from '@heliograph/core/token/rotate'
import { parseTokenKeyId } from '@heliograph/protocol/identifiers'
import type { AwsDeployment } from './aws-stage.ts'

export type AwsWorld = Pick<AwsDeployment, 'stage' | 'clients' | 'outputs' | 'clock' | 'ids'>

/** What operations ask for, on the tables and keys of a stage. */
export function awsPorts(world: AwsWorld): OperatorPorts {
  const { clients, outputs, clock, ids } = world
  const { dynamoDb, kms, iot } = clients
  const ring = tokenKeyRing(dynamoDb, kms, outputs.TokenKeysTable, clock)
  const registry = deviceRegistry(iot, outputs.DevicePolicy)
  return {
    authorities: authorities(dynamoDb, outputs.AuthoritiesTable),
    authorityKeys: authorityKeys(world),
    tokenKeys: tokenKeys(world),
    ring,
    providers: providerRecords(dynamoDb, outputs.ProvidersTable),
    ...(outputs.ProviderKeysTable && {
      providerKeys: providerKeyRecords(dynamoDb, outputs.ProviderKeysTable),
    }),
    devices: {
      ...devices(dynamoDb, outputs.DevicesTable),
      ...deviceRecords(dynamoDb, outputs.DevicesTable),
    },
    admissions: {
      attached: (deviceId) => attachedCertificates(iot, deviceId),
      admit: registry.admit,
      retire: registry.retire,
    },
    presences: presences(clients.iotData(outputs.IotEndpoint)),
    activationCodes: activationCodes(dynamoDb, outputs.ActivationsTable),
    registrations: {
      ...registrations(dynamoDb, outputs.RegistrationsTable),
      ...registrationRecords(dynamoDb, outputs.RegistrationsTable),
    },
    pending: pendingNotifications(
      dynamoDb,
      outputs.PendingTable,
      // what a version before seals stored goes with the registration, too
      genuineBy(ring, clock, Number.POSITIVE_INFINITY),
    ),
    feedback: feedback(dynamoDb, outputs.FeedbackTable, clock, ids),
    ...channelPorts(world),
    ...receiptPorts(world),
    ...outcomePorts(world),
    ...statsPort(world),
  }
}

function channelPorts({
  clients,
  outputs,
  clock,
}: AwsWorld): Pick<OperatorPorts, 'channels' | 'broadcasts'> {
  const { ChannelsTable: table, IotEndpoint: endpoint } = outputs
  if (!table) return {}
  const broker = clients.iotData(endpoint)
  const latest = latestBroadcasts(clients.dynamoDb, table)
  return {
    channels: channelRecords(clients.dynamoDb, table, clock),
    broadcasts: {
      publish: broadcasts(broker, { clock, latest, wait }).publish,
      ...storedBroadcasts(broker),
    },
  }
}

function receiptPorts({ clients, outputs, clock }: AwsWorld): Pick<OperatorPorts, 'receipts'> {
  const { ReceiptsTable: table } = outputs
  return table ? { receipts: receiptReader(clients.dynamoDb, table, clock) } : {}
}

/** What an operator ends is kept as receipts and told to subscribers, as far as the stage wants it. */
function outcomePorts({
  clients,
  outputs,
}: AwsWorld): Pick<OperatorPorts, 'outcomes' | 'announcements'> {
  const { OutcomeQueue: url, ReceiptSettings: text } = outputs
  const announcements = announcementsOf(clients.sqs, outputs)
  if (!url || !text) return {}
  const settings = parseReceiptSettings(text)
  const queue = outcomeQueue(clients.sqs, url)
  return {
    ...(announcements && { announcements }),
    outcomes: {
      async send(outcomes) {
        const wanted = outcomes.filter((outcome) => wantsReceipt(settings, outcome))
        if (wanted.length > 0) await queue.send(wanted)
        await announcements?.send(outcomes.flatMap((one) => announcementOf(one) ?? []))
      },
    },
  }
}

function announcementsOf(
  sqs: AwsWorld['clients']['sqs'],
  { AnnouncementQueue: url, EventSettings: text }: AwsWorld['outputs'],
): AnnouncementQueue | undefined {
  if (!url || !text) return undefined
  const settings = parseEventSettings(text)
  const queue = announcementQueue(sqs, url)
  return {
    async send(announcements) {
      const wanted = announcements.filter((one) => wantsEvent(settings, one))
      if (wanted.length > 0) await queue.send(wanted)
    },
  }
}

function statsPort({ stage, clients, outputs }: AwsWorld): Pick<OperatorPorts, 'stats'> {
  const countedTopics = parseCountedTopics(outputs.CountedTopics ?? '[]')
  if (countedTopics.length === 0) return {}
  return { stats: topicStats(clients.cloudWatch, { stage, countedTopics }) }
}

function authorityKeys({ clients, outputs }: AwsWorld): AuthorityKeys {
  const keys = { provider: outputs.ProviderAuthorityKey, device: outputs.DeviceAuthorityKey }
  const algorithms = { provider: 'RSA-2048', device: 'ECDSA-P256' } as const
  return {
    sign: (name, message) => signingKey(clients.kms, keys[name], algorithms[name]).sign(message),
    publicKey: (name) => publicKeyOf(clients.kms, keys[name]),
  }
}

function tokenKeys({ clients, outputs }: AwsWorld): TokenKeyVault {
  const { dynamoDb, kms, lambda } = clients
  const { TokenKeysTable: tableName, TokenWrapKey: wrapKeyArn } = outputs
  const { list, retire } = tokenKeyStore(dynamoDb, kms, tableName, wrapKeyArn)
  return {
    ...{ list, retire },
    keep: (key) => keepTokenKey({ dynamoDb, kms, tableName, wrapKeyArn }, key),
    open: (key) => openTokenKey(kms, key),
    async rotate() {
      const answer = (await invoke(lambda, outputs.RotateFunction, {})) as Partial<Rotation>
      if (!parseTokenKeyId(answer?.created))
        throw new Error('the rotate function did not return the new key')
      return answer as Rotation
    },
  }
}
