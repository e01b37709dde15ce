import { allowsService } from '../resource-policy.ts'
import type { CloudIdentity, PolicyDocument, PolicyStatement } from '../types.ts'
import { arn, type Made, type Resource } from './resource.ts'
import type { CloudParts } from './resource-type.ts'

/**
 * The policy of a topic that does not have its own. Source: SNS, "Example cases for Amazon SNS
 * access control" (the default policy of a topic).
 */
export function defaultPolicy({ accountId }: CloudIdentity): PolicyDocument {
  const Condition = { StringEquals: { 'AWS:SourceOwner': accountId } }
  const statement = { Effect: 'Allow', Action: 'sns:Publish', Resource: '*', Condition } as const
  return { Version: '2008-10-17', Statement: [{ ...statement, Principal: '*' } as PolicyStatement] }
}

const actionLists = ['AlarmActions', 'OKActions', 'InsufficientDataActions'] as const

/**
 * Checks that CloudWatch may publish to the topics of an alarm. AWS deploys an alarm whose topic
 * refuses it, and nobody is ever notified. Source: AWS re:Post Knowledge Center, "Why didn't I
 * receive an SNS notification for my CloudWatch alarm trigger?".
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
  policy: PolicyDocument,
  topic: string,
  alarm: string,
  identity: CloudIdentity,
): boolean {
  return allowsService(policy, {
    service: 'cloudwatch.amazonaws.com',
    action: 'sns:Publish',
    resource: topic,
    sourceArn: arn(identity, 'cloudwatch', `alarm:${alarm}`),
    accountId: identity.accountId,
  })
}
