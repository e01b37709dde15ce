import { physicalName } from './resource.ts'
import type { ResourceType } from './resource-type.ts'

const longestName = 80
const fifoEnding = '.fifo'
/** Amazon's default. */
const defaultVisibilitySeconds = 30

const queue: ResourceType = {
  type: 'AWS::SQS::Queue',
  uses: [
    'QueueName',
    'FifoQueue',
    'ContentBasedDeduplication',
    'DeduplicationScope',
    'FifoThroughputLimit',
    'DelaySeconds',
    'MaximumMessageSize',
    'MessageRetentionPeriod',
    'ReceiveMessageWaitTimeSeconds',
    'RedrivePolicy',
    'VisibilityTimeout',
  ],
  // Messages are not encrypted on this machine, and the right to redrive by API is not checked.
  ignores: [
    'KmsDataKeyReusePeriodSeconds',
    'KmsMasterKeyId',
    'RedriveAllowPolicy',
    'SqsManagedSseEnabled',
    'Tags',
  ],
  make: (resource, cloud) => {
    const { properties } = resource
    const ending = properties.optionalFlag('FifoQueue') ? fifoEnding : ''
    const made = physicalName(resource, longestName - ending.length) + ending
    const name = properties.optionalText('QueueName') ?? made
    const { url, arn } = cloud.sqs.createQueue({ ...properties.values, QueueName: name })
    const visibility = properties.optionalNumber('VisibilityTimeout') ?? defaultVisibilitySeconds
    cloud.visibilityTimeouts.set(arn, visibility)
    return { ref: url, attributes: { Arn: arn, QueueName: name, QueueUrl: url } }
  },
  remove: (_resource, { ref }, cloud) => cloud.sqs.deleteQueue(ref),
}

/** Callers are checked by their own policies; this one says which services may send. */
const queuePolicy: ResourceType = {
  type: 'AWS::SQS::QueuePolicy',
  uses: ['PolicyDocument', 'Queues'],
  make: ({ logicalId, properties }, { sqs }) => {
    const document = JSON.stringify(properties.object('PolicyDocument').values)
    for (const url of properties.texts('Queues')) sqs.setPolicy(url, document)
    return { ref: logicalId }
  },
}

export const sqsTypes: readonly ResourceType[] = [queue, queuePolicy]
