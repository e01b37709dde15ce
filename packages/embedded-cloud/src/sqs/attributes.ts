/** Properties of AWS::SQS::Queue with every intrinsic resolved, and its name. */
export interface QueueProperties {
  readonly QueueName: string
  readonly [property: string]: unknown
}

/** Properties that are attributes of the same name. */
const attributeProperties = new Set([
  'ContentBasedDeduplication',
  'DeduplicationScope',
  'DelaySeconds',
  'FifoQueue',
  'FifoThroughputLimit',
  'KmsDataKeyReusePeriodSeconds',
  'KmsMasterKeyId',
  'MaximumMessageSize',
  'MessageRetentionPeriod',
  'Policy',
  'ReceiveMessageWaitTimeSeconds',
  'RedriveAllowPolicy',
  'RedrivePolicy',
  'SqsManagedSseEnabled',
  'VisibilityTimeout',
])

/** The attributes (all strings, policies as JSON) that a template's properties ask for. */
export function attributesOf(properties: QueueProperties): Record<string, string> {
  const attributes: Record<string, string> = {}
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || name === 'QueueName' || name === 'Tags') continue
    if (!attributeProperties.has(name))
      throw new Error(`The queue ${properties.QueueName} has the unknown property ${name}.`)
    attributes[name] = typeof value === 'object' ? JSON.stringify(value) : String(value)
  }
  return attributes
}
