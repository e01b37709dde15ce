import type { DynamoDb } from '../dynamodb/dynamodb.ts'
import type { EventSourceMappings } from '../functions/event-source-mappings.ts'
import type { FunctionHost } from '../functions/function-host.ts'
import type { Permissions } from '../functions/permissions.ts'
import type { Iot } from '../iot/iot.ts'
import type { Kms } from '../kms/kms.ts'
import type { CloudWatch } from '../metrics/cloudwatch.ts'
import type { S3 } from '../s3/s3.ts'
import type { Schedules } from '../schedules.ts'
import type { Sns } from '../sns/sns.ts'
import type { Sqs } from '../sqs/sqs.ts'
import type { CloudIdentity, Log, PolicyDocument } from '../types.ts'
import type { CustomResources } from './custom-resources.ts'
import type { Gateways } from './gateways.ts'
import type { Made, Resource } from './resource.ts'
import type { Roles } from './roles.ts'
import type { StackExports } from './stack-exports.ts'

/** How one type of CloudFormation resource is made in the embedded cloud. */
export interface ResourceType {
  /** For example `AWS::SQS::Queue`. */
  readonly type: string
  /** Properties that have their effect here. */
  readonly uses: readonly string[]
  /** Properties without effect here; any that is in neither list is an error. */
  readonly ignores?: readonly string[]
  make(resource: Resource, cloud: CloudParts): Made | Promise<Made>
  /**
   * Removes what `make` created; throws if AWS would refuse. Absent if nothing has to be removed.
   */
  remove?(resource: Resource, made: Made, cloud: CloudParts): void | Promise<void>
}

/** The running parts that resources are made in. */
export interface CloudParts {
  readonly identity: CloudIdentity
  readonly dynamodb: DynamoDb
  readonly sqs: Sqs
  readonly sns: Sns
  readonly kms: Kms
  readonly s3: S3
  readonly iot: Iot
  readonly functions: FunctionHost
  readonly permissions: Permissions
  readonly roles: Roles
  readonly gateways: Gateways
  readonly mappings: EventSourceMappings
  readonly customResources: CustomResources
  readonly cloudWatch: CloudWatch
  readonly schedules: Schedules
  readonly exports: StackExports
  /** Visibility timeouts of the queues of all stacks, in seconds by queue ARN. */
  readonly visibilityTimeouts: Map<string, number>
  /** Where the log groups of all stacks were made, by the group's name. */
  readonly logGroups: Map<string, Pick<Resource, 'stack' | 'logicalId'>>
  /** Who may publish to each topic of all stacks, by the topic's ARN. */
  readonly topicPolicies: Map<string, PolicyDocument>
  /** Folder in which functions get their code. */
  readonly codeFolder: string
  readonly log: Log
  /** Runs once all stacks are made: for checks and starts that need what comes later in a template. */
  whenMade(task: () => void | Promise<void>): void
}
