import {
  isJsonObject,
  type Json,
  type JsonObject,
  lengthOf,
  stagedText,
  valuesAt,
} from './quota-values.ts'

/** A template, as `cdk synth` writes it. */
export interface TemplateDocument {
  readonly Description?: string
  readonly Resources: Readonly<Record<string, TemplateResource>>
  readonly Outputs?: Readonly<Record<string, Json>>
  readonly Parameters?: Readonly<Record<string, Json>>
}

export interface TemplateResource {
  readonly Type: string
  readonly Properties?: JsonObject
}

/** One limit of AWS: where it is written, how a template is measured, and a template that breaks it. */
export interface Quota {
  readonly what: string
  /** Page of AWS's documentation. */
  readonly page: string
  /** What is wrong with a template, a line for each. */
  faults(template: TemplateDocument): readonly string[]
  /** Breaks this limit and, by its least violation, no more than must be. */
  readonly planted: TemplateDocument
}

const pages = {
  cloudFormation:
    'https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html',
  iam: 'https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html',
  iot: 'https://docs.aws.amazon.com/general/latest/gr/iot-core.html',
  iotRule: 'https://docs.aws.amazon.com/iot/latest/apireference/API_TopicRule.html',
  iotPolicy: 'https://docs.aws.amazon.com/iot/latest/apireference/API_CreatePolicy.html',
  sqsQueues:
    'https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html',
  sqsMessages:
    'https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html',
  sns: 'https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-language-api-permissions-reference.html',
  snsTopic: 'https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html',
  kmsPolicy: 'https://docs.aws.amazon.com/kms/latest/APIReference/API_PutKeyPolicy.html',
  kmsKey: 'https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html',
  kmsAlias: 'https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html',
  s3Names: 'https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html',
  s3: 'https://docs.aws.amazon.com/general/latest/gr/s3.html',
  lambda: 'https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html',
  lambdaFunction: 'https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html',
  lambdaMapping: 'https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html',
  lambdaFilter: 'https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html',
  httpApi: 'https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html',
  dynamoDb: 'https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html',
  cloudWatch:
    'https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html',
  alarm: 'https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html',
  dashboard:
    'https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutDashboard.html',
  logs: 'https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html',
  logGroup:
    'https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html',
  retention:
    'https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html',
  metricFilter:
    'https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutMetricFilter.html',
  transformation:
    'https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_MetricTransformation.html',
  eventBridge: 'https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html',
  eventRule: 'https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html',
  route53: 'https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DomainNameFormat.html',
} as const

type Page = keyof typeof pages

/** Every limit that a template of this project can meet. */
export const quotas: readonly Quota[] = [
  ofTemplate(
    'resources of a template',
    'cloudFormation',
    500,
    ({ Resources }) => count(Resources),
    (n) => ({
      Resources: numbered(n, () => ({ Type: 'AWS::CDK::Metadata' })),
    }),
  ),
  ofTemplate(
    'outputs of a template',
    'cloudFormation',
    200,
    ({ Outputs }) => count(Outputs),
    (n) => ({
      Resources: {},
      Outputs: numbered(n, () => ({ Value: 'x' })),
    }),
  ),
  ofTemplate(
    'parameters of a template',
    'cloudFormation',
    200,
    ({ Parameters }) => count(Parameters),
    (n) => ({
      Resources: {},
      Parameters: numbered(n, () => ({ Type: 'String' })),
    }),
  ),
  ofTemplate(
    'bytes of a template',
    'cloudFormation',
    1024 * 1024,
    (template) => Buffer.byteLength(JSON.stringify(template)),
    (n) => ({
      Resources: { Big: { Type: 'AWS::CDK::Metadata', Properties: { Analytics: 'x'.repeat(n) } } },
    }),
  ),
  ofTemplate(
    "bytes of a template's description",
    'cloudFormation',
    1024,
    ({ Description = '' }) => Buffer.byteLength(Description),
    (n) => ({
      Description: 'x'.repeat(n),
      Resources: {},
    }),
  ),
  ofTemplate(
    "characters of an output's name",
    'cloudFormation',
    255,
    ({ Outputs = {} }) => longest(Object.keys(Outputs)),
    (n) => ({
      Resources: {},
      Outputs: { ['x'.repeat(n)]: { Value: 'x' } },
    }),
  ),

  // names; without one, CloudFormation makes a name that fits
  form('AWS::IAM::Role', 'RoleName', 'iam', /^[\w+=,.@-]{1,64}$/),
  form('AWS::IAM::Policy', 'PolicyName', 'iam', /^[\w+=,.@-]{1,128}$/),
  form('AWS::IoT::Policy', 'PolicyName', 'iotPolicy', /^[\w+=,.@-]{1,128}$/),
  form('AWS::IoT::TopicRule', 'RuleName', 'iotRule', /^[a-zA-Z0-9_]{1,128}$/),
  form('AWS::SQS::Queue', 'QueueName', 'sqsQueues', /^[a-zA-Z0-9_-]{1,80}$/),
  form('AWS::SNS::Topic', 'TopicName', 'snsTopic', /^[a-zA-Z0-9_-]{1,256}$/),
  form(
    'AWS::KMS::Alias',
    'AliasName',
    'kmsAlias',
    /^(?=.{1,256}$)alias\/(?!aws\/)[a-zA-Z0-9/_-]+$/,
  ),
  form('AWS::S3::Bucket', 'BucketName', 's3Names', /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/),
  form('AWS::Lambda::Function', 'FunctionName', 'lambdaFunction', /^[a-zA-Z0-9_-]{1,64}$/),
  form('AWS::DynamoDB::Table', 'TableName', 'dynamoDb', /^[a-zA-Z0-9_.-]{3,255}$/),
  form('AWS::CloudWatch::Alarm', 'AlarmName', 'alarm', /^.{1,255}$/),
  form('AWS::CloudWatch::Dashboard', 'DashboardName', 'dashboard', /^[A-Za-z0-9_-]{1,255}$/),
  form('AWS::Logs::LogGroup', 'LogGroupName', 'logGroup', /^[.\-_/#A-Za-z0-9]{1,512}$/),
  form('AWS::Events::Rule', 'Name', 'eventRule', /^[.\-_A-Za-z0-9]{1,64}$/),
  form('AWS::ApiGatewayV2::Api', 'Name', 'httpApi', /^.{1,128}$/),
  form(
    'AWS::ApiGatewayV2::DomainName',
    'DomainName',
    'route53',
    /^(?=.{1,255}$)[^.]{1,63}(\.[^.]{1,63})*$/,
  ),
  form('AWS::Route53::RecordSet', 'Name', 'route53', /^(?=.{1,255}$)[^.]{1,63}(\.[^.]{1,63})*\.?$/),
  form(
    'AWS::Logs::MetricFilter',
    'MetricTransformations.*.MetricName',
    'transformation',
    /^[^:*$]{1,255}$/,
  ),
  form(
    'AWS::Logs::MetricFilter',
    'MetricTransformations.*.MetricNamespace',
    'transformation',
    /^[0-9a-zA-Z.\-_/#]{1,256}$/,
  ),

  // texts
  characters('AWS::Lambda::Function', 'Description', 'lambdaFunction', 256),
  characters('AWS::CloudWatch::Alarm', 'AlarmDescription', 'alarm', 1024),
  characters('AWS::KMS::Key', 'Description', 'kmsKey', 8192),
  characters('AWS::Events::Rule', 'Description', 'eventRule', 512),
  characters('AWS::Events::Rule', 'ScheduleExpression', 'eventRule', 256),
  characters('AWS::Events::Rule', 'EventPattern', 'eventBridge', 2048),
  characters('AWS::ApiGatewayV2::Api', 'Description', 'httpApi', 1024),
  characters('AWS::ApiGatewayV2::Stage', 'AccessLogSettings.Format', 'httpApi', 3 * 1024),
  characters('AWS::Logs::MetricFilter', 'FilterPattern', 'metricFilter', 1024),
  characters('AWS::IoT::TopicRule', 'TopicRulePayload.Sql', 'iot', 256 * 1024),
  characters('AWS::Lambda::Function', 'Environment.Variables', 'lambda', 4 * 1024),
  characters(
    'AWS::Lambda::EventSourceMapping',
    'FilterCriteria.Filters.*.Pattern',
    'lambdaFilter',
    4096,
  ),

  // policies; what is known only at deployment counts as the longest ARN that it may be
  characters('AWS::IoT::Policy', 'PolicyDocument', 'iot', 2048),
  characters('AWS::IAM::Role', 'AssumeRolePolicyDocument', 'iam', 2048),
  characters('AWS::SQS::QueuePolicy', 'PolicyDocument', 'sqsMessages', 8192),
  characters('AWS::SNS::TopicPolicy', 'PolicyDocument', 'sns', 30 * 1024),
  characters('AWS::KMS::Key', 'KeyPolicy', 'kmsPolicy', 32 * 1024),
  characters('AWS::S3::BucketPolicy', 'PolicyDocument', 's3', 20 * 1024),
  perOwner(
    'AWS::IAM::Policy',
    'Roles.*',
    'PolicyDocument',
    'iam',
    10_240,
    'characters of the inline policies of a role',
  ),
  perOwner(
    'AWS::Lambda::Permission',
    'FunctionName',
    '',
    'lambda',
    20 * 1024,
    "characters of a function's own policy",
  ),

  // how many
  members('AWS::SQS::QueuePolicy', 'PolicyDocument.Statement', 'sqsMessages', 20),
  members('AWS::SNS::TopicPolicy', 'PolicyDocument.Statement', 'sns', 100),
  members('AWS::IoT::TopicRule', 'TopicRulePayload.Actions', 'iotRule', 10),
  members('AWS::Events::Rule', 'Targets', 'eventBridge', 5),
  members('AWS::CloudWatch::Alarm', 'AlarmActions', 'cloudWatch', 5),
  members('AWS::CloudWatch::Alarm', 'Metrics', 'cloudWatch', 10),
  members('AWS::CloudWatch::Alarm', 'Dimensions', 'cloudWatch', 30),
  members('AWS::Logs::MetricFilter', 'MetricTransformations.*.Dimensions', 'transformation', 3),
  members('AWS::Lambda::EventSourceMapping', 'FilterCriteria.Filters', 'lambdaFilter', 5),
  members('AWS::DynamoDB::Table', 'KeySchema', 'dynamoDb', 2),
  members('AWS::DynamoDB::Table', 'GlobalSecondaryIndexes', 'dynamoDb', 20),
  howMany('AWS::Logs::MetricFilter', 'LogGroupName', 'metricFilter', 100),
  howMany('AWS::Logs::SubscriptionFilter', 'LogGroupName', 'logs', 2),
  howMany('AWS::ApiGatewayV2::Route', 'ApiId', 'httpApi', 300),
  howMany('AWS::ApiGatewayV2::Integration', 'ApiId', 'httpApi', 300),
  howMany('AWS::ApiGatewayV2::Stage', 'ApiId', 'httpApi', 10),

  // numbers
  range('AWS::Lambda::Function', 'Timeout', 'lambda', [1, 900]),
  range('AWS::Lambda::Function', 'MemorySize', 'lambda', [128, 10_240]),
  range('AWS::Lambda::EventSourceMapping', 'BatchSize', 'lambdaMapping', [1, 10_000]),
  range(
    'AWS::Lambda::EventSourceMapping',
    'ScalingConfig.MaximumConcurrency',
    'lambdaMapping',
    [2, 1000],
  ),
  range('AWS::SQS::Queue', 'MessageRetentionPeriod', 'sqsMessages', [60, 1_209_600]),
  range('AWS::SQS::Queue', 'VisibilityTimeout', 'sqsMessages', [0, 43_200]),
  range('AWS::KMS::Key', 'PendingWindowInDays', 'kmsKey', [7, 30]),
  range('AWS::ApiGatewayV2::Integration', 'TimeoutInMillis', 'httpApi', [50, 30_000]),
  oneOf(
    'AWS::Logs::LogGroup',
    'RetentionInDays',
    'retention',
    [
      1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
      3288, 3653,
    ],
  ),
  alarmWindow(),
  ...dashboardQuotas(),
]

function ofTemplate(
  what: string,
  page: Page,
  most: number,
  measure: (template: TemplateDocument) => number,
  plant: (size: number) => TemplateDocument,
): Quota {
  return {
    what: `${what}: at most ${most}`,
    page: pages[page],
    faults: (template) => over(what, measure(template), most),
    planted: plant(most + 1),
  }
}

/** A limit of one property, wherever a resource of the type has it. */
function ofProperty(
  [type, path]: readonly [type: string, path: string],
  page: Page,
  rule: string,
  isFine: (value: Json) => boolean,
  bad: Json,
): Quota {
  return {
    what: `${type} ${path}: ${rule}`,
    page: pages[page],
    faults: ({ Resources }) =>
      ofType(Resources, type).flatMap(([id, properties]) =>
        valuesAt(properties, path)
          .filter((value) => !isFine(value))
          .map((value) => `${id} ${path} is ${shown(value)}: ${rule}`),
      ),
    planted: { Resources: { Planted: { Type: type, Properties: nested(path, bad) } } },
  }
}

function form(type: string, path: string, page: Page, pattern: RegExp): Quota {
  // what is known only at deployment is a name that AWS made
  const isFine = (value: Json) => typeof value !== 'string' || pattern.test(value)
  return ofProperty([type, path], page, `as ${pattern.source}`, isFine, `${'x:'.repeat(600)}.`)
}

function characters(type: string, path: string, page: Page, most: number): Quota {
  const isFine = (value: Json) => lengthOf(value) <= most
  return ofProperty([type, path], page, `at most ${most} characters`, isFine, 'x'.repeat(most + 1))
}

function members(type: string, path: string, page: Page, most: number): Quota {
  const isFine = (value: Json) => !Array.isArray(value) || value.length <= most
  const bad = Array.from({ length: most + 1 }, () => ({}))
  return ofProperty([type, path], page, `at most ${most}`, isFine, bad)
}

function range(
  type: string,
  path: string,
  page: Page,
  [least, most]: readonly [number, number],
): Quota {
  const isFine = (value: Json) => Number(value) >= least && Number(value) <= most
  return ofProperty([type, path], page, `${least} to ${most}`, isFine, most + 1)
}

function oneOf(type: string, path: string, page: Page, values: readonly number[]): Quota {
  return ofProperty(
    [type, path],
    page,
    `one of ${values}`,
    (value) => values.includes(Number(value)),
    2,
  )
}

/** Resources that share an owner, such as the metric filters of a log group. */
function howMany(type: string, owner: string, page: Page, most: number): Quota {
  const rule = `at most ${most} with one ${owner}`
  return {
    what: `${type}: ${rule}`,
    page: pages[page],
    faults: (template) => owned(template, type, owner, () => 1, most, rule),
    planted: {
      Resources: numbered(most + 1, () => ({ Type: type, Properties: nested(owner, 'one') })),
    },
  }
}

/** The sizes of a property, all of it where the path is empty, of the resources that share an owner. */
function perOwner(
  type: string,
  owner: string,
  path: string,
  page: Page,
  most: number,
  rule: string,
): Quota {
  const sizeOf = (properties: JsonObject) => sum(valuesAt(properties, path).map(lengthOf))
  const half = nested(path || 'Sid', 'x'.repeat(most / 2 + 1))
  const planted = { Type: type, Properties: { ...half, ...nested(owner, 'one') } }
  return {
    what: `${rule}: at most ${most}`,
    page: pages[page],
    faults: (template) => owned(template, type, owner, sizeOf, most, rule),
    planted: { Resources: { One: planted, Other: planted } },
  }
}

function owned(
  { Resources }: TemplateDocument,
  type: string,
  owner: string,
  sizeOf: (properties: JsonObject) => number,
  most: number,
  rule: string,
): string[] {
  const sizes = new Map<string, number>()
  for (const [, properties] of ofType(Resources, type))
    for (const one of valuesAt(properties, owner).map((value) => JSON.stringify(value)))
      sizes.set(one, (sizes.get(one) ?? 0) + sizeOf(properties))
  return [...sizes].flatMap(([one, size]) => over(`${rule}, of ${one}`, size, most))
}

/** An alarm looks back a day, or a week with periods of an hour or more. */
function alarmWindow(): Quota {
  const type = 'AWS::CloudWatch::Alarm'
  const day = 86_400
  const alarm = (Period: number, EvaluationPeriods: number) => ({
    Resources: { Planted: { Type: type, Properties: { Period, EvaluationPeriods } } },
  })
  return {
    what: `${type}: periods of at most ${day} s together, ${7 * day} s with periods of an hour`,
    page: pages.alarm,
    faults: ({ Resources }) =>
      ofType(Resources, type).flatMap(([id, properties]) => {
        const periods = [
          ...valuesAt(properties, 'Period'),
          ...valuesAt(properties, 'Metrics.*.MetricStat.Period'),
        ]
        const period = Math.max(0, ...periods.map(Number))
        const most = period >= 3600 ? 7 * day : day
        return over(`${id} looks back`, period * Number(properties.EvaluationPeriods), most)
      }),
    planted: alarm(60, 1441),
  }
}

function dashboardQuotas(): Quota[] {
  const widget = (metrics: number, type = 'metric') => ({
    type,
    properties: { metrics: Array.from({ length: metrics }, () => ['a', 'b']) },
  })
  const widgets = (length: number, metrics: number) => Array.from({ length }, () => widget(metrics))
  return [
    ofDashboard('widgets', 500, (all) => all.length, widgets(501, 0)),
    ofDashboard(
      'metrics of a widget',
      500,
      (all) => Math.max(0, ...all.map(metricsOf)),
      widgets(1, 501),
    ),
    ofDashboard('metrics of all widgets', 2500, (all) => sum(all.map(metricsOf)), widgets(6, 420)),
  ]
}

type Widget = { readonly properties?: { readonly metrics?: readonly unknown[] } }
const metricsOf = ({ properties }: Widget) => properties?.metrics?.length ?? 0

function ofDashboard(
  what: string,
  most: number,
  measure: (widgets: readonly Widget[]) => number,
  bad: readonly Widget[],
): Quota {
  const type = 'AWS::CloudWatch::Dashboard'
  const DashboardBody = JSON.stringify({ widgets: bad })
  return {
    what: `${type}: at most ${most} ${what}`,
    page: pages.cloudWatch,
    faults: ({ Resources }) =>
      ofType(Resources, type).flatMap(([id, { DashboardBody: body = '{}' }]) =>
        over(`${id} ${what}`, measure(JSON.parse(stagedText(body)).widgets ?? []), most),
      ),
    planted: { Resources: { Planted: { Type: type, Properties: { DashboardBody } } } },
  }
}

function ofType(resources: TemplateDocument['Resources'], type: string): [string, JsonObject][] {
  return Object.entries(resources)
    .filter(([, resource]) => resource.Type === type)
    .map(([id, { Properties = {} }]) => [id, Properties])
}

function over(what: string, value: number, most: number): string[] {
  return value > most ? [`${what}: ${value} and not at most ${most}`] : []
}

/** Properties that have this value at the end of the path. */
function nested(path: string, value: Json): JsonObject {
  const [head = '', ...rest] = path.split('.')
  if (rest.length === 0) return { [head]: value }
  const [next, ...deeper] = rest
  if (next !== '*') return { [head]: nested(rest.join('.'), value) }
  return { [head]: [deeper.length === 0 ? value : nested(deeper.join('.'), value)] }
}

function numbered<T>(length: number, make: () => T): Record<string, T> {
  return Object.fromEntries(Array.from({ length }, (_, index) => [`R${index}`, make()]))
}

const count = (section: object = {}) => Object.keys(section).length
const longest = (texts: readonly string[]) => Math.max(0, ...texts.map((text) => text.length))
const sum = (numbers: readonly number[]) => numbers.reduce((total, one) => total + one, 0)
const shown = (value: Json) => {
  const text = isJsonObject(value) ? stagedText(value) : JSON.stringify(value)
  return text.length > 80 ? `${text.slice(0, 80)}… (${text.length})` : text
}
