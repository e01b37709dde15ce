import { CloudStartError, messageOf } from '../cloud-start-error.ts'
import { compileFilter, type EventFilter } from '../functions/event-filter.ts'
import type { MappingSettings } from '../functions/mapping.ts'
import { type Made, type Resource, shortHash, stableId } from './resource.ts'
import type { CloudParts, ResourceType } from './resource-type.ts'

const queueActions = ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes']
const streamActions = [
  'dynamodb:DescribeStream',
  'dynamodb:GetRecords',
  'dynamodb:GetShardIterator',
]

/** Lambda's own defaults. */
const queueBatchSize = 10
const streamBatchSize = 100
/** The largest batch of a queue that takes no waiting. */
const largestPlainBatch = 10

export const mapping: ResourceType = {
  type: 'AWS::Lambda::EventSourceMapping',
  uses: [
    'EventSourceArn',
    'FunctionName',
    'Enabled',
    'BatchSize',
    'MaximumBatchingWindowInSeconds',
    'FunctionResponseTypes',
    'ScalingConfig',
    'FilterCriteria',
    'StartingPosition',
    'MaximumRetryAttempts',
    'MaximumRecordAgeInSeconds',
    'BisectBatchOnFunctionError',
    'DestinationConfig',
  ],
  // A stream has one shard here, so there is nothing to work on in parallel.
  ignores: ['KmsKeyArn', 'MetricsConfig', 'ParallelizationFactor', 'Tags'],
  make: makeMapping,
  remove: (resource, _made, cloud) => cloud.mappings.remove(stableId(resource)),
}

function makeMapping(resource: Resource, cloud: CloudParts): Made {
  const { properties, where } = resource
  const settings = mappingSettings(resource)
  const target = cloud.functions.find(settings.functionArn)
  if (target === undefined) {
    throw new CloudStartError(`${where}: no stack makes the function ${settings.functionArn}.`)
  }
  demandVisibility(resource, target.timeoutSeconds, cloud)
  cloud.whenMade(() => demandGrants(cloud, target.role, settings, where))
  if (properties.optionalFlag('Enabled') ?? true) cloud.mappings.add(settings)
  return { ref: shortHash(resource) }
}

/** AWS refuses it too: messages would come back while the function still works on them. */
function demandVisibility(
  { properties }: Resource,
  timeoutSeconds: number,
  cloud: CloudParts,
): void {
  const visibility = cloud.visibilityTimeouts.get(properties.text('EventSourceArn'))
  if (visibility === undefined || visibility >= timeoutSeconds) return
  throw properties.error(
    'EventSourceArn',
    `names a queue with a visibility timeout of ${visibility} s, less than the function's ${timeoutSeconds} s`,
  )
}

/** AWS refuses to create a mapping whose function's role may not read the source. */
function demandGrants(
  cloud: CloudParts,
  role: string,
  { sourceArn, onFailure }: MappingSettings,
  where: string,
): void {
  const actions = isQueue(sourceArn) ? queueActions : streamActions
  for (const action of actions) cloud.roles.demand(role, action, sourceArn, where)
  if (onFailure) cloud.roles.demand(role, 'sqs:SendMessage', onFailure, where)
}

function mappingSettings(resource: Resource): MappingSettings {
  const { properties } = resource
  const sourceArn = properties.text('EventSourceArn')
  const fromQueue = isQueue(sourceArn)
  if (!fromQueue && !sourceArn.includes(':dynamodb:')) {
    throw properties.error('EventSourceArn', 'must be a queue or the stream of a table')
  }
  return {
    name: stableId(resource),
    functionArn: properties.text('FunctionName'),
    sourceArn,
    batchSize:
      properties.optionalNumber('BatchSize') ?? (fromQueue ? queueBatchSize : streamBatchSize),
    batchWindowSeconds: properties.optionalNumber('MaximumBatchingWindowInSeconds') ?? 0,
    reportsItemFailures: properties
      .texts('FunctionResponseTypes')
      .includes('ReportBatchItemFailures'),
    filters: filters(resource),
    ...(fromQueue ? queueSettings(resource) : streamSettings(resource)),
  }
}

function queueSettings({ properties }: Resource): Partial<MappingSettings> {
  const size = properties.optionalNumber('BatchSize') ?? queueBatchSize
  if (size > largestPlainBatch && !properties.optionalNumber('MaximumBatchingWindowInSeconds')) {
    throw properties.error('BatchSize', 'above 10 needs a MaximumBatchingWindowInSeconds')
  }
  const scaling = properties.optionalObject('ScalingConfig')
  const maximum = scaling?.optionalNumber('MaximumConcurrency')
  return maximum === undefined ? {} : { maximumConcurrency: maximum }
}

function streamSettings({ properties }: Resource): Partial<MappingSettings> {
  const position = properties.text('StartingPosition')
  if (position !== 'LATEST' && position !== 'TRIM_HORIZON') {
    throw properties.error('StartingPosition', 'must be LATEST or TRIM_HORIZON')
  }
  const onFailure = properties
    .optionalObject('DestinationConfig')
    ?.optionalObject('OnFailure')
    ?.text('Destination')
  return {
    startingPosition: position,
    maximumRetries: properties.optionalNumber('MaximumRetryAttempts') ?? -1,
    maximumRecordAgeSeconds: properties.optionalNumber('MaximumRecordAgeInSeconds') ?? -1,
    bisects: properties.optionalFlag('BisectBatchOnFunctionError') ?? false,
    ...(onFailure !== undefined && { onFailure }),
  }
}

function filters({ properties }: Resource): EventFilter[] {
  const criteria = properties.optionalObject('FilterCriteria')?.objects('Filters') ?? []
  return criteria.map((filter) => {
    try {
      return compileFilter(JSON.parse(filter.text('Pattern')))
    } catch (error) {
      throw filter.error('Pattern', `cannot be used: ${messageOf(error)}`)
    }
  })
}

function isQueue(arn: string): boolean {
  return arn.split(':')[2] === 'sqs'
}
