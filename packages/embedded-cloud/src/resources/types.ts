import { apiGatewayTypes } from './apigateway.ts'
import { dynamodbTypes } from './dynamodb.ts'
import { eventsTypes } from './events.ts'
import { iamTypes } from './iam.ts'
import { ignoredReasons, ignoredTypes } from './ignored.ts'
import { iotTypes } from './iot.ts'
import { kmsTypes } from './kms.ts'
import { lambdaTypes } from './lambda.ts'
import type { ResourceType } from './resource-type.ts'
import { s3Types } from './s3.ts'
import { snsTypes } from './sns.ts'
import { sqsTypes } from './sqs.ts'

/** A custom resource takes any properties: they are its function's affair. */
const customResource: ResourceType = {
  type: 'AWS::CloudFormation::CustomResource',
  uses: [],
  make: (resource, cloud) => cloud.customResources.make(resource),
  remove: (resource, _made, cloud) => cloud.customResources.remove(resource),
}

const known: ReadonlyMap<string, ResourceType> = new Map(
  [
    ...apiGatewayTypes,
    ...dynamodbTypes,
    ...eventsTypes,
    ...iamTypes,
    ...ignoredTypes,
    ...iotTypes,
    ...kmsTypes,
    ...lambdaTypes,
    ...s3Types,
    ...snsTypes,
    ...sqsTypes,
    customResource,
  ].map((type) => [type.type, type]),
)

/** How resources of a type are made; undefined when the embedded cloud does not know the type. */
export function resourceType(name: string): ResourceType | undefined {
  return known.get(name) ?? (name.startsWith('Custom::') ? customResource : undefined)
}

/** Whether a type takes any properties, because it does not act on them. */
export function takesAnyProperties(type: ResourceType): boolean {
  return type === customResource || type.type in ignoredReasons
}
