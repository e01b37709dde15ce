import type { TableProperties } from '../dynamodb/dynamodb.ts'
import type { Properties } from './properties.ts'
import { type Made, physicalName, type Resource } from './resource.ts'
import type { CloudParts, ResourceType } from './resource-type.ts'

const longestName = 255

/** Encryption, backups and capacity change nothing on one machine. */
const withoutEffect = [
  'BillingMode',
  'ContributorInsightsSpecification',
  'KinesisStreamSpecification',
  'OnDemandThroughput',
  'PointInTimeRecoverySpecification',
  'ProvisionedThroughput',
  'ResourcePolicy',
  'SSESpecification',
  'TableClass',
  'Tags',
  'WarmThroughput',
  'WriteOnDemandThroughputSettings',
  'WriteProvisionedThroughputSettings',
]

const schema = [
  'TableName',
  'KeySchema',
  'AttributeDefinitions',
  'GlobalSecondaryIndexes',
  'LocalSecondaryIndexes',
  'StreamSpecification',
  'TimeToLiveSpecification',
  'DeletionProtectionEnabled',
]

const table: ResourceType = {
  type: 'AWS::DynamoDB::Table',
  uses: schema,
  ignores: withoutEffect,
  make: makeTable,
  remove: removeTable,
}

const globalTable: ResourceType = {
  type: 'AWS::DynamoDB::GlobalTable',
  uses: [...schema, 'Replicas'],
  ignores: withoutEffect,
  make: (resource, cloud) => {
    const { properties } = resource
    if (properties.objects('Replicas').length > 1) {
      throw properties.error(
        'Replicas',
        'names more than one region, and the embedded cloud is one',
      )
    }
    return makeTable(resource, cloud)
  },
  remove: removeTable,
}

export const dynamodbTypes: readonly ResourceType[] = [table, globalTable]

async function makeTable(resource: Resource, cloud: CloudParts): Promise<Made> {
  const { properties } = resource
  const name = properties.optionalText('TableName') ?? physicalName(resource, longestName)
  const { arn, streamArn } = await cloud.dynamodb.createTable(tableProperties(name, properties))
  return {
    ref: name,
    attributes: {
      Arn: arn,
      TableId: name,
      ...(streamArn !== undefined && { StreamArn: streamArn }),
    },
  }
}

/** Source: DynamoDB developer guide, "Deletion protection". */
async function removeTable(
  { properties }: Resource,
  { ref }: Made,
  cloud: CloudParts,
): Promise<void> {
  if (properties.optionalFlag('DeletionProtectionEnabled'))
    throw properties.error('DeletionProtectionEnabled', 'keeps the table from being deleted')
  await cloud.dynamodb.deleteTable(ref)
}

function tableProperties(name: string, properties: Properties): TableProperties {
  const view = properties.optionalObject('StreamSpecification')?.optionalText('StreamViewType')
  const global = properties.objects('GlobalSecondaryIndexes').map(index)
  const local = properties.objects('LocalSecondaryIndexes').map(index)
  return {
    TableName: name,
    KeySchema: keySchema(properties),
    AttributeDefinitions: properties.objects('AttributeDefinitions').map((attribute) => ({
      AttributeName: attribute.text('AttributeName'),
      AttributeType: attribute.text('AttributeType'),
    })),
    BillingMode: 'PAY_PER_REQUEST',
    ...(global.length > 0 && { GlobalSecondaryIndexes: global }),
    ...(local.length > 0 && { LocalSecondaryIndexes: local }),
    ...(view !== undefined && { StreamSpecification: { StreamViewType: view } }),
    ...timeToLive(properties),
  }
}

function timeToLive(properties: Properties): Pick<TableProperties, 'TimeToLiveSpecification'> {
  const settings = properties.optionalObject('TimeToLiveSpecification')
  if (settings === undefined) return {}
  const AttributeName = settings.optionalText('AttributeName')
  const Enabled = settings.optionalFlag('Enabled') ?? true
  return {
    TimeToLiveSpecification: { Enabled, ...(AttributeName !== undefined && { AttributeName }) },
  }
}

function keySchema(properties: Properties): { AttributeName: string; KeyType: string }[] {
  return properties.objects('KeySchema').map((key) => ({
    AttributeName: key.text('AttributeName'),
    KeyType: key.text('KeyType'),
  }))
}

function index(properties: Properties): object {
  return {
    IndexName: properties.text('IndexName'),
    KeySchema: keySchema(properties),
    Projection: properties.object('Projection').values,
  }
}
