import { createHash } from 'node:crypto'
import type { Json } from '../assembly/json.ts'
import type { DynamoDb } from '../dynamodb/dynamodb.ts'
import type { EventSourceMappings } from '../functions/event-source-mappings.ts'
import type { FunctionHost } from '../functions/function-host.ts'
import type { Permissions } from '../functions/permissions.ts'
import type { Iot } from '../iot/iot.ts'
import type { Kms } from '../kms/kms.ts'
import type { S3 } from '../s3/s3.ts'
import type { Sqs } from '../sqs/sqs.ts'
import type { CloudIdentity, Log } from '../types.ts'
import type { CustomResources } from './custom-resources.ts'
import type { Gateways } from './gateways.ts'
import type { Properties } from './properties.ts'
import type { Roles } from './roles.ts'

/** How one type of CloudFormation resource is made in the embedded cloud. */
export interface ResourceType {
  /** For example `AWS::SQS::Queue`. */
  readonly type: string
  /** Properties that have their effect here. */
  readonly uses: readonly string[]
  /** Properties without effect here; any that stands in neither list is an error. */
  readonly ignores?: readonly string[]
  make(resource: Resource, cloud: CloudParts): Made | Promise<Made>
}

/** A resource of a template, its properties resolved. */
export interface Resource {
  readonly stack: string
  readonly logicalId: string
  readonly type: string
  readonly properties: Properties
  /** For errors: logical id, type and stack. */
  readonly where: string
  /** The folder or file of a code asset by its S3 key. */
  asset(objectKey: string): string | undefined
}

/** What other resources may refer to: by Ref, and by Fn::GetAtt. */
export interface Made {
  readonly ref: string
  readonly attributes?: Readonly<Record<string, Json>>
}

/** The running parts that resources are made in. */
export interface CloudParts {
  readonly identity: CloudIdentity
  readonly dynamodb: DynamoDb
  readonly sqs: Sqs
  readonly kms: Kms
  readonly s3: S3
  readonly iot: Iot
  readonly functions: FunctionHost
  readonly permissions: Permissions
  readonly roles: Roles
  readonly gateways: Gateways
  readonly mappings: EventSourceMappings
  readonly customResources: CustomResources
  /** Visibility timeouts of the queues of all stacks, in seconds by queue ARN. */
  readonly visibilityTimeouts: Map<string, number>
  /** Folder in which functions get their code. */
  readonly codeFolder: string
  readonly log: Log
  /** Runs once all stacks are made: for checks and starts that need what comes later in a template. */
  whenMade(task: () => void | Promise<void>): void
}

/**
 * The name of a resource that has none in the template. It depends on stack and logical id alone, so
 * that a restart finds the same data; the ending keeps it unique when it has to be cut.
 */
export function physicalName(resource: Resource, longest: number): string {
  const ending = shortHash(resource)
  const name = `${resource.stack}-${resource.logicalId}`
  return `${name.slice(0, longest - ending.length - 1)}-${ending}`
}

/** Ten lower-case letters and digits that stand for a resource, such as an API's id. */
export function shortHash(resource: Resource): string {
  const digest = createHash('sha256').update(stableId(resource)).digest('hex')
  return BigInt(`0x${digest.slice(0, 20)}`)
    .toString(36)
    .padStart(10, '0')
    .slice(-10)
}

/** What a resource is called over restarts. */
export function stableId(resource: Resource): string {
  return `${resource.stack}/${resource.logicalId}`
}

/** An ARN in the account and region of the embedded cloud. */
export function arn(identity: CloudIdentity, service: string, resource: string): string {
  return `arn:aws:${service}:${identity.region}:${identity.accountId}:${resource}`
}
