import { createHash } from 'node:crypto'
import { CustomResource, Duration, Stack } from 'aws-cdk-lib'
import { Construct } from 'constructs'
import type { HeliographFunction } from './function.ts'

/**
 * Something that CloudFormation has no resource for, made by one of our functions when the stacks
 * are deployed. The function itself answers CloudFormation at the request's `ResponseURL`.
 */
export function madeBy(
  maker: HeliographFunction,
  scope: Construct,
  id: string,
  properties: Readonly<Record<string, string>>,
  // CloudFormation otherwise waits an hour for an answer that never comes.
  serviceTimeout = Duration.minutes(5),
): CustomResource {
  return new CustomResource(scope, id, {
    serviceToken: maker.resource.functionArn,
    serviceTimeout,
    resourceType: `Custom::Heliograph${id}`,
    properties,
  })
}

/**
 * A scope for resources that are created once for a subject: another subject makes another
 * resource, so a rollback does not check the old one again.
 */
export function scopeOf(scope: Construct, subject: string): Construct {
  const resolved: unknown = Stack.of(scope).resolve(subject)
  // the same at every synthesis, even if a part is known only at deployment
  const text = typeof resolved === 'string' ? resolved : JSON.stringify(resolved)
  return new Construct(scope, createHash('sha256').update(text).digest('hex').slice(0, 8))
}
