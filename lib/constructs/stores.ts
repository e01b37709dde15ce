import { Construct } from 'constructs'
import { variable } from '../../lambdas/settings.ts'
import type { StageProps } from '../stage.ts'
import { Store, type StoreProps } from './store.ts'

/** The tables, in the words of the design. */
export const storeTables = {
  /** The one slot per device and topic; its expiry is told to `expire`. */
  pending: {
    variable: variable.pendingTable,
    partitionKey: 'deviceId',
    sortKey: 'topic',
    expires: true,
    streamed: true,
  },
  registrations: {
    variable: variable.registrationsTable,
    partitionKey: 'deviceId',
    sortKey: 'topic',
  },
  /** Dead tokens by topic, kept 30 days. */
  feedback: {
    variable: variable.feedbackTable,
    partitionKey: 'topic',
    sortKey: 'entry',
    expires: true,
  },
  /** Issued and revoked certificates, and an item `topic#<topic>` for each topic they name. */
  providers: { variable: variable.providersTable, partitionKey: 'fingerprint' },
  /** Public halves of the keys that provider tokens are signed with, and `topic#<topic>` as above. */
  providerKeys: { variable: variable.providerKeysTable, partitionKey: 'keyId' },
  /** The certificates of the two CAs. */
  authorities: { variable: variable.authoritiesTable, partitionKey: 'name' },
  /** The token key ring, wrapped by KMS. */
  tokenKeys: { variable: variable.tokenKeysTable, partitionKey: 'keyId' },
  /** One-time activation codes, by their hash. */
  activations: { variable: variable.activationsTable, partitionKey: 'codeHash', expires: true },
  devices: { variable: variable.devicesTable, partitionKey: 'deviceId' },
  /** What a repeated queue message must not do twice. */
  claims: { variable: variable.claimsTable, partitionKey: 'claim', expires: true },
  /** Channels by topic, and an item `#` for each topic that counts them. */
  channels: { variable: variable.channelsTable, partitionKey: 'topic', sortKey: 'channel' },
  /** What happened to notifications, by the second of their acceptance. */
  receipts: {
    variable: variable.receiptsTable,
    partitionKey: 'bucketId',
    sortKey: 'chunk',
    expires: true,
  },
} as const satisfies Record<string, StoreProps>

/** Every table of a stage. */
export class Stores extends Construct {
  readonly pending: Store
  readonly registrations: Store
  readonly feedback: Store
  readonly providers: Store
  readonly providerKeys: Store
  readonly authorities: Store
  readonly tokenKeys: Store
  readonly activations: Store
  readonly devices: Store
  readonly claims: Store
  readonly channels: Store
  readonly receipts: Store

  constructor(scope: Construct, id: string, stage: StageProps) {
    super(scope, id)
    const store = (name: string, props: StoreProps) => new Store(this, name, stage, props)
    this.pending = store('Pending', storeTables.pending)
    this.registrations = store('Registrations', storeTables.registrations)
    this.feedback = store('Feedback', storeTables.feedback)
    this.providers = store('Providers', storeTables.providers)
    this.providerKeys = store('ProviderKeys', storeTables.providerKeys)
    this.authorities = store('Authorities', storeTables.authorities)
    this.tokenKeys = store('TokenKeys', storeTables.tokenKeys)
    this.activations = store('Activations', storeTables.activations)
    this.devices = store('Devices', storeTables.devices)
    this.claims = store('Claims', storeTables.claims)
    this.channels = store('Channels', storeTables.channels)
    this.receipts = store('Receipts', storeTables.receipts)
  }
}
