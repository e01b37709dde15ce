import { isJsonObject, type JsonObject } from '../assembly/json.ts'
import type { PolicyDocument } from '../types.ts'
import { awsManagedPolicy } from './aws-managed-policies.ts'
import type { Properties } from './properties.ts'
import { type Made, physicalName, type Resource } from './resource.ts'
import type { CloudParts, ResourceType } from './resource-type.ts'

const longestName = 64

const role: ResourceType = {
  type: 'AWS::IAM::Role',
  uses: ['RoleName', 'AssumeRolePolicyDocument', 'Policies', 'ManagedPolicyArns', 'Path'],
  ignores: ['Description', 'MaxSessionDuration', 'Tags'],
  make: makeRole,
  remove: (_resource, { attributes }, cloud) => cloud.roles.remove(String(attributes?.Arn)),
}

const policy: ResourceType = {
  type: 'AWS::IAM::Policy',
  uses: ['PolicyName', 'PolicyDocument', 'Roles'],
  make: ({ properties }, cloud) => {
    const document = policyDocument(properties, 'PolicyDocument')
    for (const name of properties.texts('Roles')) cloud.roles.attach(name, document)
    return { ref: properties.text('PolicyName') }
  },
  remove: ({ properties }, _made, cloud) => {
    const document = policyDocument(properties, 'PolicyDocument')
    for (const name of properties.texts('Roles')) cloud.roles.detach(name, document)
  },
}

const managedPolicy: ResourceType = {
  type: 'AWS::IAM::ManagedPolicy',
  uses: ['ManagedPolicyName', 'PolicyDocument', 'Roles', 'Path'],
  ignores: ['Description', 'Tags'],
  make: (resource, cloud) => {
    const { properties } = resource
    const document = policyDocument(properties, 'PolicyDocument')
    const name = properties.optionalText('ManagedPolicyName') ?? physicalName(resource, 128)
    const arn = iamArn(cloud, 'policy', properties, name)
    cloud.roles.addManagedPolicy(arn, document)
    for (const roleName of properties.texts('Roles')) cloud.roles.attach(roleName, document)
    return { ref: arn, attributes: { PolicyArn: arn } }
  },
}

export const iamTypes: readonly ResourceType[] = [role, policy, managedPolicy]

function makeRole(resource: Resource, cloud: CloudParts): Made {
  const { properties } = resource
  const name = properties.optionalText('RoleName') ?? physicalName(resource, longestName)
  const arn = iamArn(cloud, 'role', properties, name)
  const inline = properties
    .objects('Policies')
    .map((part) => policyDocument(part, 'PolicyDocument'))
  const managed = properties.texts('ManagedPolicyArns').map((policyArn) => {
    const document = cloud.roles.managedPolicy(policyArn) ?? awsManagedPolicy(policyArn)
    if (document) return document
    throw properties.error(
      'ManagedPolicyArns',
      `names ${policyArn}, which the embedded cloud lacks`,
    )
  })
  cloud.roles.add({ name, arn, trustedServices: trustedServices(properties) }, [
    ...inline,
    ...managed,
  ])
  return { ref: name, attributes: { Arn: arn, RoleId: name } }
}

function iamArn(cloud: CloudParts, kind: string, properties: Properties, name: string): string {
  const path = properties.optionalText('Path') ?? '/'
  return `arn:aws:iam::${cloud.identity.accountId}:${kind}${path}${name}`
}

function trustedServices(properties: Properties): string[] {
  const statements = properties.object('AssumeRolePolicyDocument').objects('Statement')
  return statements.flatMap((statement) => {
    const principal = statement.raw('Principal')
    const services = isJsonObject(principal) ? [principal.Service].flat() : []
    return services.filter((service) => typeof service === 'string')
  })
}

/** A policy document among the properties; whether it can be evaluated is checked where it is used. */
export function policyDocument(properties: Properties, name: string): PolicyDocument {
  const document: JsonObject = properties.object(name).values
  if (document.Statement === undefined) throw properties.error(name, 'has no Statement')
  return document as unknown as PolicyDocument
}
