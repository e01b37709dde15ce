import { createHash } from 'node:crypto'
import type { Json } from '../assembly/json.ts'
import type { CloudIdentity } from '../types.ts'
import type { Properties } from './properties.ts'

/** A resource of a template, its properties resolved. */
export interface Resource {
  readonly stack: string
  readonly logicalId: string
  readonly type: string
  readonly properties: Properties
  /** For errors: logical id, type and stack. */
  readonly where: string
  /**
   * Logical ids of the resources that are certain to be created before it: AWS creates everything
   * else in parallel.
   */
  readonly after: ReadonlySet<string>
  /** The folder or file of a code asset by its S3 key. */
  asset(objectKey: string): string | undefined
}

/** What other resources may refer to: by Ref, and by Fn::GetAtt. */
export interface Made {
  readonly ref: string
  readonly attributes?: Readonly<Record<string, Json>>
}

/**
 * The name of a resource that has none in the template. It depends only on the stack and the
 * logical id, so that a restart finds the same data; the suffix keeps it unique if it has to be
 * cut.
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
