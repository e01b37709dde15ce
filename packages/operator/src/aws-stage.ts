import type { OperatorClients } from '@heliograph/aws/operator/clients'
import type { Deployment } from './deployment.ts'
import { Failure } from './failure.ts'

/** Every output that the commands use, by the stack that has it. */
export const outputNames = {
  State: [
    'PendingTable',
    'RegistrationsTable',
    'FeedbackTable',
    'ProvidersTable',
    'AuthoritiesTable',
    'TokenKeysTable',
    'ActivationsTable',
    'DevicesTable',
    'NotificationQueue',
    'NotificationDeadLetters',
    'EventDeadLetters',
    'RuleErrors',
    'ProviderAuthorityKey',
    'DeviceAuthorityKey',
    'TokenWrapKey',
    'TrustBucket',
    'TruststoreKey',
    'IotEndpoint',
    'RotateFunction',
  ],
  Providers: ['ProviderUrl'],
  Devices: [
    'ActivationUrl',
    'DevicePolicy',
    'RegisterFunction',
    'ConnectFunction',
    'UnregisterFunction',
    'RenewFunction',
  ],
} as const

export type StackPart = keyof typeof outputNames
export type OutputName = (typeof outputNames)[StackPart][number]
export interface Outputs extends Readonly<Record<OutputName, string>> {
  /** What the provider domain reads; an output of Providers, and in an earlier build of State. */
  readonly TruststoreVersion?: string
  /** These are absent if an earlier version is deployed. */
  readonly ProviderKeysTable?: string
  readonly ReceiptsTable?: string
  readonly ChannelsTable?: string
  readonly SlotQueue?: string
  readonly OutcomeQueue?: string
  readonly ReceiptSettings?: string
  readonly CountedTopics?: string
  readonly OutcomeDeadLetters?: string
  readonly EventTopic?: string
  readonly EventSettings?: string
  readonly AnnouncementQueue?: string
  readonly AnnouncementDeadLetters?: string
  /** Absent if the stage takes no provider tokens. */
  readonly TokenUrl?: string
}

/** A stage on AWS, or one that the embedded cloud runs: its stacks, found and ready. */
export interface AwsDeployment extends Deployment {
  readonly outputs: Outputs
  readonly clients: OperatorClients
}

export function isAws(deployment: Deployment): deployment is AwsDeployment {
  return 'outputs' in deployment
}

/** The stage on AWS, for what exists only there; `instead` says what to do elsewhere. */
export function awsOnly(deployment: Deployment, instead: string): AwsDeployment {
  if (isAws(deployment)) return deployment
  throw new Failure('refused', `this is for a stage on AWS: ${instead}`)
}
