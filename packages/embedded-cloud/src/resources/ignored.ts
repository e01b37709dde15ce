import type { Json } from '../assembly/json.ts'
import type { MetricFilter } from '../metrics/metric-filter.ts'
import { checkAlarmActions } from './alarm-topics.ts'
import type { Properties } from './properties.ts'
import { arn, type Made, physicalName, type Resource } from './resource.ts'
import type { CloudParts, ResourceType } from './resource-type.ts'

interface Ignored {
  /** Why nothing is made. */
  readonly reason: string
  /** For the ARN: service and resource prefix. */
  readonly arn?: readonly [service: string, prefix: string]
  /** Ref gives the ARN, as on AWS for this type. */
  readonly refIsArn?: boolean
  readonly nameProperty?: string
  /** Looks for what AWS refuses all the same. */
  readonly examine?: (resource: Resource, made: Made, cloud: CloudParts) => void
  readonly remove?: ResourceType['remove']
}

const watching = 'nobody watches a laptop; functions log to files'
const names = 'names are not resolved: everything listens on the loopback interface'
const resourcePolicy = 'callers are judged by their IAM policies; resources are not shared'

/** Types that are accepted and make nothing, each with the reason. Any other unknown type is an error. */
export const ignoredReasons: Readonly<Record<string, Ignored>> = {
  'AWS::CDK::Metadata': { reason: 'usage statistics of the CDK' },
  'AWS::CertificateManager::Certificate': {
    reason: 'server certificates come from the embedded cloud itself',
    arn: ['acm', 'certificate/'],
    refIsArn: true,
  },
  'AWS::CloudWatch::Alarm': {
    reason: watching,
    arn: ['cloudwatch', 'alarm:'],
    nameProperty: 'AlarmName',
    examine: checkAlarmActions,
  },
  'AWS::CloudWatch::AnomalyDetector': { reason: watching },
  'AWS::CloudWatch::CompositeAlarm': {
    reason: watching,
    arn: ['cloudwatch', 'alarm:'],
    nameProperty: 'AlarmName',
    examine: checkAlarmActions,
  },
  'AWS::CloudWatch::Dashboard': { reason: watching, nameProperty: 'DashboardName' },
  'AWS::IoT::Logging': { reason: 'the broker writes to the log of the embedded cloud' },
  'AWS::IoT::ResourceSpecificLogging': { reason: 'the broker writes one log' },
  'AWS::Logs::LogGroup': {
    reason: 'functions log to files',
    arn: ['logs', 'log-group:'],
    nameProperty: 'LogGroupName',
    examine: (resource, { ref }, { logGroups }) => void logGroups.set(ref, resource),
    remove: removeLog,
  },
  'AWS::Logs::MetricFilter': {
    reason: 'a filter is nothing by itself; what it finds is counted',
    examine: noteMetricFilter,
  },
  'AWS::Logs::ResourcePolicy': { reason: 'functions log to files' },
  'AWS::Route53::HostedZone': { reason: names },
  'AWS::Route53::RecordSet': { reason: names, nameProperty: 'Name' },
  'AWS::S3::BucketPolicy': { reason: resourcePolicy },
  'AWS::XRay::Group': { reason: watching },
  'AWS::XRay::SamplingRule': { reason: watching },
  'Custom::LogRetention': { reason: 'functions log to files, which nothing deletes' },
}

const longestName = 128

export const ignoredTypes: readonly ResourceType[] = Object.entries(ignoredReasons).map(
  ([type, ignored]) => ignoredType(type, ignored),
)

const functionLog = /^\/aws\/lambda\/(.+)$/

function ignoredType(type: string, ignored: Ignored): ResourceType {
  return {
    ...(ignored.remove && { remove: ignored.remove }),
    type,
    uses: [],
    make: (resource, cloud) => {
      const made = pretended(ignored, resource, cloud)
      ignored.examine?.(resource, made, cloud)
      return made
    },
  }
}

function pretended(
  { nameProperty, arn: place, refIsArn }: Ignored,
  resource: Resource,
  { identity }: CloudParts,
): Made {
  const given = nameProperty && resource.properties.optionalText(nameProperty)
  const name = given || physicalName(resource, longestName)
  const own = place && arn(identity, place[0], place[1] + name)
  const attributes: Record<string, Json> = own ? { Arn: own, TopicArn: own, TopicName: name } : {}
  return { ref: refIsArn && own ? own : name, attributes }
}

/** A filter whose log group another resource of its stack makes at the same time fails on AWS. */
function noteMetricFilter(
  { properties, stack, after }: Resource,
  _made: Made,
  { logGroups, cloudWatch }: CloudParts,
): void {
  const group = logGroups.get(properties.text('LogGroupName'))
  if (!group || (group.stack === stack && !after.has(group.logicalId)))
    throw properties.error(
      'LogGroupName',
      'names a log group that may not exist yet; depend on the log group',
    )
  cloudWatch.addFilter(metricFilterOf(properties))
}

function metricFilterOf(properties: Properties): MetricFilter {
  return {
    FilterPattern: properties.text('FilterPattern'),
    LogGroupName: properties.text('LogGroupName'),
    MetricTransformations: properties.objects('MetricTransformations').map((one) => ({
      MetricNamespace: one.text('MetricNamespace'),
      MetricName: one.text('MetricName'),
      MetricValue: one.text('MetricValue'),
      Dimensions: one
        .objects('Dimensions')
        .map((dimension) => ({ Key: dimension.text('Key'), Value: dimension.text('Value') })),
    })),
  }
}

/** Functions log to files, which go with the log group of their name. */
async function removeLog(_resource: Resource, { ref }: Made, cloud: CloudParts): Promise<void> {
  const [, name] = functionLog.exec(ref) ?? []
  if (name !== undefined) await cloud.functions.removeLog(name)
}
