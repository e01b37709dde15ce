import { CustomResource, Duration } from 'aws-cdk-lib'
import type { Construct } from 'constructs'
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
): CustomResource {
  return new CustomResource(scope, id, {
    serviceToken: maker.resource.functionArn,
    // CloudFormation otherwise waits an hour for an answer that never comes.
    serviceTimeout: Duration.minutes(5),
    resourceType: `Custom::Heliograph${id}`,
    properties,
  })
}
