import type { Json } from '../assembly/json.ts'
import { arn, physicalName, type ResourceType } from './resource-type.ts'

interface Ignored {
  /** Why nothing is made. */
  readonly reason: string
  /** For the ARN: service and resource prefix. */
  readonly arn?: readonly [service: string, prefix: string]
  /** Ref gives the ARN, as on AWS for this type. */
  readonly refIsArn?: boolean
  readonly nameProperty?: string
}

const watching = 'nobody watches a laptop; functions log to files'
const notified = 'alarms do not run, so there is nobody to notify'
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
  },
  'AWS::CloudWatch::AnomalyDetector': { reason: watching },
  'AWS::CloudWatch::CompositeAlarm': {
    reason: watching,
    arn: ['cloudwatch', 'alarm:'],
    nameProperty: 'AlarmName',
  },
  'AWS::CloudWatch::Dashboard': { reason: watching, nameProperty: 'DashboardName' },
  'AWS::IoT::Logging': { reason: 'the broker writes to the log of the embedded cloud' },
  'AWS::IoT::ResourceSpecificLogging': { reason: 'the broker writes one log' },
  'AWS::Logs::LogGroup': {
    reason: 'functions log to files',
    arn: ['logs', 'log-group:'],
    nameProperty: 'LogGroupName',
  },
  'AWS::Logs::MetricFilter': { reason: watching },
  'AWS::Logs::ResourcePolicy': { reason: 'functions log to files' },
  'AWS::Route53::HostedZone': { reason: names },
  'AWS::Route53::RecordSet': { reason: names, nameProperty: 'Name' },
  'AWS::S3::BucketPolicy': { reason: resourcePolicy },
  'AWS::SNS::Subscription': { reason: notified },
  'AWS::SNS::Topic': {
    reason: notified,
    arn: ['sns', ''],
    refIsArn: true,
    nameProperty: 'TopicName',
  },
  'AWS::SNS::TopicPolicy': { reason: notified },
  'AWS::SQS::QueuePolicy': { reason: resourcePolicy },
  'AWS::XRay::Group': { reason: watching },
  'AWS::XRay::SamplingRule': { reason: watching },
  'Custom::LogRetention': { reason: 'functions log to files, which nothing deletes' },
}

const longestName = 128

export const ignoredTypes: readonly ResourceType[] = Object.entries(ignoredReasons).map(
  ([type, ignored]) => ignoredType(type, ignored),
)

function ignoredType(type: string, ignored: Ignored): ResourceType {
  return {
    type,
    uses: [],
    make: (resource, cloud) => {
      const given = ignored.nameProperty && resource.properties.optionalText(ignored.nameProperty)
      const name = given || physicalName(resource, longestName)
      const own = ignored.arn && arn(cloud.identity, ignored.arn[0], ignored.arn[1] + name)
      const attributes: Record<string, Json> = own
        ? { Arn: own, TopicArn: own, TopicName: name }
        : {}
      return { ref: ignored.refIsArn && own ? own : name, attributes }
    },
  }
}
