import { allows } from '../policy.ts'
import type { CloudIdentity, PolicyDocument, PolicyStatement } from '../types.ts'
import { policyDocument } from './iam.ts'
import { arn, type Made, type Resource } from './resource.ts'
import type { CloudParts } from './resource-type.ts'

/** A statement of a resource's policy: it says whom it is about, too. */
interface ResourceStatement extends PolicyStatement {
  readonly Principal?: '*' | Readonly<Record<string, string | readonly string[]>>
}

/**
 * What a topic's policy is until it gets one of its own.
 * Source: SNS, "Example cases for Amazon SNS access control" (the default policy of a topic).
 */
function defaultPolicy({ accountId }: CloudIdentity): PolicyDocument {
  const Condition = { StringEquals: { 'AWS:SourceOwner': accountId } }
  const statement = { Effect: 'Allow', Action: 'sns:Publish', Resource: '*', Condition } as const
  return { Version: '2008-10-17', Statement: [{ ...statement, Principal: '*' } as PolicyStatement] }
}

export function noteTopic(_resource: Resource, { ref }: Made, cloud: CloudParts): void {
  cloud.topicPolicies.set(ref, defaultPolicy(cloud.identity))
}

/** A policy of its own takes the place of the default one. */
export function noteTopicPolicy({ properties }: Resource, _made: Made, cloud: CloudParts): void {
  const document = policyDocument(properties, 'PolicyDocument')
  for (const topic of properties.texts('Topics')) cloud.topicPolicies.set(topic, document)
}

const actionLists = ['AlarmActions', 'OKActions', 'InsufficientDataActions'] as const

/**
 * That CloudWatch may publish to the topics of an alarm. AWS deploys one whose topic refuses it, and nobody ever hears of it.
 * Source: AWS re:Post Knowledge Center, "Why didn't I receive an SNS notification for my CloudWatch alarm trigger?".
 */
export function checkAlarmActions({ properties }: Resource, { ref }: Made, cloud: CloudParts) {
  cloud.whenMade(() => {
    for (const list of actionLists)
      for (const topic of properties.texts(list)) {
        const policy = cloud.topicPolicies.get(topic)
        if (policy === undefined || mayTell(policy, topic, ref, cloud.identity)) continue
        throw properties.error(
          list,
          `names ${topic}, to which CloudWatch may not publish; allow cloudwatch.amazonaws.com sns:Publish in the topic's policy`,
        )
      }
  })
}

function mayTell(
  { Statement, ...rest }: PolicyDocument,
  topic: string,
  alarm: string,
  identity: CloudIdentity,
): boolean {
  const aboutAlarms = ([Statement].flat() as ResourceStatement[])
    .filter(({ Principal }) => isCloudWatch(Principal))
    .map(({ Principal: _, ...statement }) => statement)
  return allows([{ ...rest, Statement: aboutAlarms }], {
    action: 'sns:Publish',
    resource: topic,
    context: {
      'aws:SourceAccount': identity.accountId,
      'aws:SourceOwner': identity.accountId,
      'aws:SourceArn': arn(identity, 'cloudwatch', `alarm:${alarm}`),
      'aws:SecureTransport': 'true',
    },
  })
}

function isCloudWatch(principal: ResourceStatement['Principal']): boolean {
  if (principal === undefined || principal === '*') return principal === '*'
  const named = [principal.Service ?? [], principal.AWS === '*' ? '*' : []].flat()
  return named.includes('cloudwatch.amazonaws.com') || named.includes('*')
}
