import { AwsError } from '../answer.ts'
import { CloudStartError } from '../cloud-start-error.ts'
import type { PolicyDocument } from '../types.ts'
import { policyDocument } from './iam.ts'
import type { Properties } from './properties.ts'
import { arn, type Made, physicalName, type Resource } from './resource.ts'
import type { CloudParts, ResourceType } from './resource-type.ts'

const longestName = 128

const policy: ResourceType = {
  type: 'AWS::IoT::Policy',
  uses: ['PolicyName', 'PolicyDocument'],
  ignores: ['Tags'],
  make: async (resource, cloud) => {
    const { properties } = resource
    const name = properties.optionalText('PolicyName') ?? physicalName(resource, longestName)
    await cloud.iot.putPolicy(name, iotPolicyDocument(properties))
    const policyArn = arn(cloud.identity, 'iot', `policy/${name}`)
    return { ref: name, attributes: { Arn: policyArn, Id: name } }
  },
  remove: (_resource, { ref }, cloud) => unlessGone(() => cloud.iot.deletePolicy(ref)),
}

const topicRule: ResourceType = {
  type: 'AWS::IoT::TopicRule',
  uses: ['RuleName', 'TopicRulePayload'],
  ignores: ['Tags'],
  make: makeTopicRule,
  remove: (_resource, { ref }, cloud) => cloud.iot.deleteTopicRule(ref),
}

export const iotTypes: readonly ResourceType[] = [policy, topicRule]

/** What is gone already counts as deleted. */
function unlessGone(remove: () => void): void {
  try {
    remove()
  } catch (error) {
    if (!(error instanceof AwsError) || error.code !== 'ResourceNotFoundException') throw error
  }
}

/** Templates give the document as an object, or as a text that Fn::Sub or Fn::Join wrote. */
function iotPolicyDocument(properties: Properties): PolicyDocument {
  const given = properties.raw('PolicyDocument')
  if (typeof given !== 'string') return policyDocument(properties, 'PolicyDocument')
  try {
    return JSON.parse(given) as PolicyDocument
  } catch {
    throw properties.error('PolicyDocument', 'is a text that is not JSON')
  }
}

async function makeTopicRule(resource: Resource, cloud: CloudParts): Promise<Made> {
  const { properties } = resource
  // Rule names take letters, digits and underscores only.
  const made = physicalName(resource, longestName).replace(/[^A-Za-z0-9_]/g, '_')
  const name = properties.optionalText('RuleName') ?? made
  const payload = properties.object('TopicRulePayload')
  await cloud.iot.putTopicRule(name, payload.values)
  const ruleArn = arn(cloud.identity, 'iot', `rule/${name}`)
  cloud.whenMade(() => demandGrants(payload, ruleArn, cloud, resource.where))
  return { ref: name, attributes: { Arn: ruleArn } }
}

/** On AWS a rule that lacks a right fails when a device speaks; here it fails at the start. */
function demandGrants(
  payload: Properties,
  ruleArn: string,
  cloud: CloudParts,
  where: string,
): void {
  const error = payload.optionalObject('ErrorAction')
  for (const action of [...payload.objects('Actions'), ...(error ? [error] : [])]) {
    const [sqs, lambda] = [action.optionalObject('Sqs'), action.optionalObject('Lambda')]
    if (sqs) demandSend(sqs, cloud, where)
    if (lambda) demandInvoke(lambda.text('FunctionArn'), ruleArn, cloud, where)
  }
}

function demandSend(sqs: Properties, cloud: CloudParts, where: string): void {
  const role = cloud.roles.assumable(sqs.text('RoleArn'), 'iot.amazonaws.com', where)
  const queue = sqs.text('QueueUrl').split('/').at(-1) ?? ''
  cloud.roles.demand(role.arn, 'sqs:SendMessage', arn(cloud.identity, 'sqs', queue), where)
}

function demandInvoke(
  functionArn: string,
  ruleArn: string,
  cloud: CloudParts,
  where: string,
): void {
  if (cloud.functions.find(functionArn) === undefined) {
    throw new CloudStartError(`${where}: no stack makes the function ${functionArn}.`)
  }
  if (cloud.permissions.permits(functionArn, 'iot.amazonaws.com', ruleArn)) return
  throw new CloudStartError(
    `${where} may not invoke ${functionArn}: add an AWS::Lambda::Permission for iot.amazonaws.com.`,
  )
}
