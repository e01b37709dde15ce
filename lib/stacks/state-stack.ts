import { Stack, type StackProps } from 'aws-cdk-lib'
import type { Construct } from 'constructs'
import { Authorities } from '../constructs/authorities.ts'
import { EventTopic } from '../constructs/event-topic.ts'
import { IotEndpoint } from '../constructs/iot-endpoint.ts'
import { addOutputs } from '../constructs/outputs.ts'
import {
  AnnouncementQueue,
  DeadLetterQueue,
  NotificationQueue,
  OutcomeQueue,
  SlotQueue,
} from '../constructs/queues.ts'
import { Stores } from '../constructs/stores.ts'
import { TokenKeyRing } from '../constructs/token-key-ring.ts'
import { TrustBucket } from '../constructs/trust-bucket.ts'
import { Vault } from '../constructs/vault.ts'
import type { Deployment } from '../deployment.ts'

/** Everything that must outlive a deployment: tables, queues, keys, and both CAs. */
export class StateStack extends Stack {
  readonly stores: Stores
  readonly notifications: NotificationQueue
  readonly slots: SlotQueue
  readonly outcomes: OutcomeQueue
  readonly announcements: AnnouncementQueue
  readonly events: EventTopic
  /** What a topic rule could not hand to its function. */
  readonly ruleErrors: DeadLetterQueue
  /** Events that a function failed to work on, with the error. */
  readonly deadLetters: DeadLetterQueue
  readonly vault: Vault
  readonly trust: TrustBucket
  readonly iot: IotEndpoint
  readonly authorities: Authorities
  readonly tokenKeyRing: TokenKeyRing

  constructor(scope: Construct, id: string, deployment: Deployment, props: StackProps) {
    super(scope, id, props)
    const { stage } = deployment
    const stores = new Stores(this, 'Stores', stage)
    const vault = new Vault(this, 'Vault', stage)
    const trust = new TrustBucket(this, 'Trust', stage)
    const deadLetters = new DeadLetterQueue(this, 'Events', stage)
    this.stores = stores
    this.vault = vault
    this.trust = trust
    this.deadLetters = deadLetters
    this.notifications = new NotificationQueue(this, 'Notifications', stage)
    this.slots = new SlotQueue(this, 'Slots', {
      stage,
      deadLetters: this.notifications.deadLetters,
    })
    this.outcomes = new OutcomeQueue(this, 'Outcomes', stage)
    this.announcements = new AnnouncementQueue(this, 'Announcements', stage)
    this.events = new EventTopic(this, 'Announced', stage)
    this.ruleErrors = new DeadLetterQueue(this, 'Rules', stage)
    this.iot = new IotEndpoint(this, 'Iot', deployment)
    this.authorities = new Authorities(this, 'Authorities', {
      ...deployment,
      stores,
      vault,
      trust,
    })
    this.tokenKeyRing = new TokenKeyRing(this, 'TokenKeys', {
      ...deployment,
      stores,
      vault,
      deadLetters,
    })
    addOutputs(this, this.#tables())
    addOutputs(this, this.#parts())
    this.#keepExports()
  }

  /**
   * A Providers stack that was deployed before it looked the version up itself imports this, and State is updated before
   * Providers: CloudFormation refuses to remove an export that is in use. It may go in the release after that with
   * `DomainTruststore`.
   */
  #keepExports(): void {
    this.exportValue(this.authorities.firstTruststoreVersion)
  }

  #tables(): Record<string, string> {
    const { stores } = this
    return {
      ChannelsTable: stores.channels.table.tableName,
      ReceiptsTable: stores.receipts.table.tableName,
      PendingTable: stores.pending.table.tableName,
      RegistrationsTable: stores.registrations.table.tableName,
      FeedbackTable: stores.feedback.table.tableName,
      ProvidersTable: stores.providers.table.tableName,
      ProviderKeysTable: stores.providerKeys.table.tableName,
      AuthoritiesTable: stores.authorities.table.tableName,
      TokenKeysTable: stores.tokenKeys.table.tableName,
      ActivationsTable: stores.activations.table.tableName,
      DevicesTable: stores.devices.table.tableName,
      ClaimsTable: stores.claims.table.tableName,
    }
  }

  #parts(): Record<string, string> {
    return {
      NotificationQueue: this.notifications.queue.queueUrl,
      SlotQueue: this.slots.queue.queueUrl,
      NotificationDeadLetters: this.notifications.deadLetters.queue.queueUrl,
      ReceiptSettings: JSON.stringify(this.outcomes.settings),
      CountedTopics: JSON.stringify(this.outcomes.countedTopics),
      OutcomeQueue: this.outcomes.queue.queueUrl,
      OutcomeDeadLetters: this.outcomes.deadLetters.queue.queueUrl,
      EventSettings: JSON.stringify(this.announcements.settings),
      EventTopic: this.events.topic.topicArn,
      AnnouncementQueue: this.announcements.queue.queueUrl,
      AnnouncementDeadLetters: this.announcements.deadLetters.queue.queueUrl,
      EventDeadLetters: this.deadLetters.queue.queueUrl,
      RuleErrors: this.ruleErrors.queue.queueUrl,
      ProviderAuthorityKey: this.vault.providerAuthority.key.keyArn,
      DeviceAuthorityKey: this.vault.deviceAuthority.key.keyArn,
      TokenWrapKey: this.vault.tokenWrap.key.keyArn,
      TrustBucket: this.trust.bucket.bucketName,
      TruststoreKey: this.authorities.truststoreKey,
      IotEndpoint: this.iot.address,
      AuthorityFunction: this.authorities.maker.resource.functionName,
      RotateFunction: this.tokenKeyRing.rotator.resource.functionName,
    }
  }
}
