import { AwsError } from '../answer.ts'
import { defaultPolicy } from './alarm-topics.ts'
import { policyDocument } from './iam.ts'
import type { Properties } from './properties.ts'
import { physicalName, type Resource, stableId } from './resource.ts'
import type { ResourceType } from './resource-type.ts'

const longestName = 256

const topic: ResourceType = {
  type: 'AWS::SNS::Topic',
  uses: ['TopicName', 'DisplayName', 'SignatureVersion', 'Subscription'],
  // Messages are not encrypted on this machine, and traces go nowhere.
  ignores: ['KmsMasterKeyId', 'Tags', 'TracingConfig'],
  make: (resource, cloud) => {
    const { properties } = resource
    const name = properties.optionalText('TopicName') ?? physicalName(resource, longestName)
    const attributes = textsOf(properties, ['DisplayName', 'SignatureVersion'])
    const arn = refused(resource, 'TopicName', () => cloud.sns.createTopic(name, attributes))
    cloud.topicPolicies.set(arn, defaultPolicy(cloud.identity))
    for (const one of properties.objects('Subscription'))
      refused(resource, 'Subscription', () =>
        cloud.sns.subscribe(`${stableId(resource)}/${one.text('Endpoint')}`, {
          topicArn: arn,
          protocol: one.text('Protocol'),
          endpoint: one.text('Endpoint'),
          attributes: {},
        }),
      )
    return { ref: arn, attributes: { TopicArn: arn, TopicName: name } }
  },
  remove: (_resource, { ref }, cloud) => cloud.sns.deleteTopic(ref),
}

const subscription: ResourceType = {
  type: 'AWS::SNS::Subscription',
  uses: [
    'TopicArn',
    'Protocol',
    'Endpoint',
    'DeliveryPolicy',
    'FilterPolicy',
    'FilterPolicyScope',
    'RawMessageDelivery',
    'RedrivePolicy',
  ],
  // there is one region here
  ignores: ['Region'],
  make: (resource, cloud) => {
    const { properties } = resource
    const attributes = textsOf(properties, [
      'DeliveryPolicy',
      'FilterPolicy',
      'FilterPolicyScope',
      'RawMessageDelivery',
      'RedrivePolicy',
    ])
    const ref = refused(resource, 'TopicArn', () =>
      cloud.sns.subscribe(stableId(resource), {
        topicArn: properties.text('TopicArn'),
        protocol: properties.text('Protocol'),
        endpoint: properties.text('Endpoint'),
        attributes,
      }),
    )
    return { ref, attributes: { Arn: ref } }
  },
  remove: (_resource, { ref }, cloud) => cloud.sns.unsubscribe(ref),
}

/**
 * Publishers in the account are checked by their own policies; this one says which services may
 * publish.
 */
const topicPolicy: ResourceType = {
  type: 'AWS::SNS::TopicPolicy',
  uses: ['PolicyDocument', 'Topics'],
  make: ({ logicalId, properties }, cloud) => {
    const document = policyDocument(properties, 'PolicyDocument')
    for (const arn of properties.texts('Topics')) cloud.topicPolicies.set(arn, document)
    return { ref: logicalId }
  },
}

export const snsTypes: readonly ResourceType[] = [topic, subscription, topicPolicy]

/** The given properties as SNS attributes: texts, or JSON for structured values. */
function textsOf(properties: Properties, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = properties.raw(name)
      if (value === undefined) return []
      return [[name, typeof value === 'object' ? JSON.stringify(value) : String(value)]]
    }),
  )
}

/** What SNS refuses, as a sentence about the resource. */
function refused<T>({ properties }: Resource, property: string, make: () => T): T {
  try {
    return make()
  } catch (error) {
    if (!(error instanceof AwsError)) throw error
    throw properties.error(property, `or another is refused by SNS: ${error.message}`)
  }
}
