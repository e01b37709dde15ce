import { Duration, Stack } from 'aws-cdk-lib'
import type { HttpStage } from 'aws-cdk-lib/aws-apigatewayv2'
import {
  Alarm,
  ComparisonOperator,
  type IMetric,
  MathExpression,
  Metric,
  Stats,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch'
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions'
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { Topic } from 'aws-cdk-lib/aws-sns'
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions'
import type { IQueue } from 'aws-cdk-lib/aws-sqs'
import { Construct } from 'constructs'
import { physicalName } from '../deployment.ts'
import {
  canaryMetric,
  daysLeftMetric,
  droppedRequestsMetric,
  inspectedCertificates,
  lostEventsMetric,
  lostOutcomesMetric,
  notificationsMetric,
} from '../metrics.ts'
import type { StageProps } from '../stage.ts'
import type { HeliographFunction } from './function.ts'
import type { HttpEdge } from './http-edge.ts'
import type { KeyWatch } from './key-watch.ts'

export interface AlarmsProps {
  readonly stage: StageProps
  readonly notifications: IQueue
  readonly notificationDeadLetters: IQueue
  readonly eventDeadLetters: IQueue
  readonly outcomeDeadLetters: IQueue
  readonly announcementDeadLetters: IQueue
  readonly ruleErrors: IQueue
  readonly providerEdge: HttpEdge
  /** Where provider tokens are taken, if the stage takes them. */
  readonly tokenStage: HttpStage | undefined
  readonly providerPath: readonly HeliographFunction[]
  readonly devicePath: readonly HeliographFunction[]
  readonly upkeep: readonly HeliographFunction[]
  readonly keys: KeyWatch
}

interface AlarmProps {
  readonly description: string
  readonly metric: IMetric
  readonly threshold: number
  /** The alarm goes off above the threshold, or, with `below`, below it. */
  readonly below?: true
  /** Periods in a row, of the metric's own length. */
  readonly periods: number
  /** The periods need not be in a row: so many of these are looked at. */
  readonly among?: number
  /** A period without data counts as if it were beyond the threshold. Otherwise as if it were not. */
  readonly missingIsBad?: true
}

type Condition = Omit<AlarmProps, 'description'>

/** Every alarm: its name here is the heading of its section in `docs/runbook.md`. */
export type AlarmName =
  | 'notifications-dead-lettered'
  | 'events-dead-lettered'
  | 'outcomes-dead-lettered'
  | 'announcements-dead-lettered'
  | 'receipts-lost'
  | 'events-lost'
  | 'rule-errors'
  | 'notifications-late'
  | 'provider-edge-errors'
  | 'provider-tokens-refused'
  | 'provider-path-errors'
  | 'provider-path-throttled'
  | 'device-path-errors'
  | 'device-path-throttled'
  | 'few-delivered'
  | 'devices-refused'
  | 'device-floods'
  | 'canary-late'
  | 'canary-silent'
  | 'upkeep-errors'
  | 'authority-expires'
  | 'domain-certificate-expires'
  | 'provider-ca-busy'
  | 'device-ca-misused'
  | 'token-keys-misused'

/** The alarms of a stage; with `alarmEmail`, someone is notified of them. */
export class Alarms extends Construct {
  readonly all: readonly Alarm[]
  /** Hears of every alarm; absent without `alarmEmail`. */
  readonly topic: Topic | undefined

  constructor(scope: Construct, id: string, props: AlarmsProps) {
    super(scope, id)
    this.topic = this.#topic(props.stage)
    this.all = Object.entries(alarmsOf(props)).map(([name, alarm]) =>
      this.#alarm(physicalName(props.stage, name), name, alarm),
    )
    if (!this.topic) return
    const action = new SnsAction(this.topic)
    for (const alarm of this.all) alarm.addAlarmAction(action)
  }

  #alarm(alarmName: string, id: string, props: AlarmProps): Alarm {
    const { description, metric, threshold, below, periods, among, missingIsBad } = props
    return new Alarm(this, id, {
      alarmName,
      alarmDescription: description,
      metric,
      threshold,
      comparisonOperator: below
        ? ComparisonOperator.LESS_THAN_THRESHOLD
        : ComparisonOperator.GREATER_THAN_THRESHOLD,
      evaluationPeriods: among ?? periods,
      ...(among && { datapointsToAlarm: periods }),
      treatMissingData: missingIsBad ? TreatMissingData.BREACHING : TreatMissingData.NOT_BREACHING,
    })
  }

  #topic({ alarmEmail }: StageProps): Topic | undefined {
    if (!alarmEmail) return undefined
    const topic = new Topic(this, 'Topic', { enforceSSL: true })
    allowAlarms(topic)
    topic.addSubscription(new EmailSubscription(alarmEmail))
    return topic
  }
}

/**
 * A topic with its own policy no longer has the default one, which allows CloudWatch to publish.
 * Sources: SNS, "Example cases for Amazon SNS access control"; AWS re:Post Knowledge Center, "Why
 * didn't I receive an SNS notification for my CloudWatch alarm trigger?".
 */
function allowAlarms(topic: Topic): void {
  topic.addToResourcePolicy(
    new PolicyStatement({
      principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
      actions: ['sns:Publish'],
      resources: [topic.topicArn],
      conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(topic).account } },
    }),
  )
}

function alarmsOf(props: AlarmsProps): Partial<Record<AlarmName, AlarmProps>> {
  return {
    ...queueAlarms(props),
    ...pathAlarms(props),
    ...tokenAlarms(props),
    ...outcomeAlarms(props),
    ...canaryAlarms(props),
    ...trustAlarms(props),
  }
}

function queueAlarms(props: AlarmsProps) {
  return {
    'notifications-dead-lettered': {
      description: 'An accepted notification could not be delivered in eight attempts',
      ...notEmpty(props.notificationDeadLetters),
    },
    'events-dead-lettered': {
      description: 'A function gave up an event of a device or of an expiry',
      ...notEmpty(props.eventDeadLetters),
    },
    'outcomes-dead-lettered': {
      description: 'Outcomes could not be kept as receipts in eight attempts',
      ...notEmpty(props.outcomeDeadLetters),
    },
    'announcements-dead-lettered': {
      description: 'Subscribers did not get events that SNS did not take for an hour',
      ...notEmpty(props.announcementDeadLetters),
    },
    'rule-errors': {
      description: 'A topic rule could not hand over what a device said',
      ...notEmpty(props.ruleErrors),
    },
    'notifications-late': {
      description: 'The oldest notification has waited more than a minute, five minutes long',
      metric: props.notifications.metricApproximateAgeOfOldestMessage({ period: minute }),
      threshold: 60,
      periods: 5,
    },
  } satisfies Partial<Record<AlarmName, AlarmProps>>
}

function pathAlarms({ providerEdge, providerPath, devicePath }: AlarmsProps) {
  return {
    'provider-edge-errors': {
      description: 'Providers have been getting 5xx for five minutes',
      metric: providerEdge.api.metricServerError({ period: minute, statistic: Stats.SUM }),
      threshold: 0,
      periods: 5,
    },
    'provider-path-errors': {
      description: 'accept, deliver or feedback ends in errors',
      ...any('Errors', providerPath),
    },
    'provider-path-throttled': {
      description: 'Lambda refuses to run accept, deliver or feedback more often at the same time',
      ...any('Throttles', providerPath),
    },
    'device-path-errors': {
      description: 'A function that serves devices ends in errors',
      ...any('Errors', devicePath),
    },
    'device-path-throttled': {
      description:
        'Lambda refuses to run a function that serves devices more often at the same time',
      ...any('Throttles', devicePath),
    },
  } satisfies Partial<Record<AlarmName, AlarmProps>>
}

function tokenAlarms({ tokenStage }: AlarmsProps): Partial<Record<AlarmName, AlarmProps>> {
  if (!tokenStage) return {}
  return {
    'provider-tokens-refused': {
      description:
        'The token domain answers 4xx at least a hundred times a second: a flood, or a loop',
      metric: tokenStage.metricClientError({ period: fiveMinutes, statistic: Stats.SUM }),
      threshold: 30_000,
      periods: 1,
    },
  }
}

function outcomeAlarms({ stage }: AlarmsProps) {
  return {
    'few-delivered': {
      description: 'Hardly anything of what is accepted reaches a device, half an hour long',
      metric: undeliveredPercent(stage),
      threshold: 95,
      periods: 2,
    },
    'receipts-lost': {
      description: 'Receipts lack outcomes that the outcome queue did not take in time',
      metric: lostOutcomesMetric(stage).with({ period: fiveMinutes }),
      threshold: 0,
      periods: 1,
    },
    'events-lost': {
      description: 'Subscribers miss events that the event queue did not take in time',
      metric: lostEventsMetric(stage).with({ period: fiveMinutes }),
      threshold: 0,
      periods: 1,
    },
    'devices-refused': {
      description: 'IoT Core does not allow devices to receive: a policy is missing or wrong',
      metric: notificationsMetric(stage, 'undeliverable').with({ period: fiveMinutes }),
      threshold: 0,
      periods: 1,
    },
    'device-floods': {
      description: 'A device sends requests in a loop: they are dropped, but still cost money',
      metric: droppedRequestsMetric(stage).with({ period: fiveMinutes }),
      // one request a second from one device; one that repeats honestly has a handful dropped
      threshold: 300,
      periods: 1,
    },
  } satisfies Partial<Record<AlarmName, AlarmProps>>
}

/** A schedule is a few seconds off, so that a minute may have no run, or two; and a run may meet a cold start. */
const mostOfFiveMinutes = { periods: 3, among: 5 } as const

function canaryAlarms({ stage }: AlarmsProps): Partial<Record<AlarmName, AlarmProps>> {
  if (!stage.canary) return {}
  const metric = canaryMetric(stage, 'canaryDevice', 'canary')
  return {
    'canary-late': {
      description: `What is sent to the canary takes longer than ${stage.canaryLateSeconds} s, in three minutes of five`,
      metric,
      threshold: stage.canaryLateSeconds * 1000,
      ...mostOfFiveMinutes,
    },
    'canary-silent': {
      description: 'What is sent to the canary does not reach it, in three minutes of five',
      metric: metric.with({ statistic: Stats.SAMPLE_COUNT }),
      threshold: 1,
      below: true,
      ...mostOfFiveMinutes,
      missingIsBad: true,
    },
  }
}

function trustAlarms({ stage, upkeep, keys }: AlarmsProps) {
  return {
    'upkeep-errors': {
      description: 'Token keys could not be rotated, or certificates not be looked at',
      ...any('Errors', upkeep),
    },
    'authority-expires': {
      description: 'A CA ends before the device certificates that it would issue now',
      ...authorityExpires(stage),
    },
    'domain-certificate-expires': {
      description: 'The server certificate of a provider domain has less than 30 days left',
      ...domainCertificateExpires(stage),
    },
    'provider-ca-busy': {
      description: 'The provider CA signed more than 20 times in five minutes',
      metric: keys.providerSignatures,
      threshold: 20,
      periods: 1,
    },
    'device-ca-misused': {
      description: 'Someone other than the functions signed with the device CA',
      metric: keys.strangeDeviceSignatures,
      threshold: 0,
      periods: 1,
    },
    'token-keys-misused': {
      description: 'Someone other than the functions unwrapped the token keys',
      metric: keys.strangeTokenKeyUses,
      threshold: 0,
      periods: 1,
    },
  } satisfies Partial<Record<AlarmName, AlarmProps>>
}

const minute = Duration.minutes(1)
const fiveMinutes = Duration.minutes(5)

function notEmpty(queue: IQueue): Condition {
  const metric = queue.metricApproximateNumberOfMessagesVisible({ period: minute })
  return { metric, threshold: 0, periods: 1 }
}

/** Sum over the functions, up to ten of them. One that is quiet reports nothing, and without `FILL` neither would the sum. */
function any(name: 'Errors' | 'Throttles', functions: readonly HeliographFunction[]): Condition {
  const usingMetrics = Object.fromEntries(
    functions.map(({ resource }, index) => [
      `f${index}`,
      resource.metric(name, { period: fiveMinutes, statistic: Stats.SUM }),
    ]),
  )
  const expression = Object.keys(usingMetrics)
    .map((id) => `FILL(${id}, 0)`)
    .join(' + ')
  const metric = new MathExpression({ expression, usingMetrics, period: fiveMinutes })
  return { metric, threshold: 0, periods: 1 }
}

/** Of a hundred and more in a quarter of an hour; of fewer it says nothing, so it is 0. */
function undeliveredPercent(stage: StageProps): MathExpression {
  const period = Duration.minutes(15)
  const usingMetrics = {
    accepted: notificationsMetric(stage, 'accepted').with({ period }),
    delivered: notificationsMetric(stage, 'delivered').with({ period }),
    drained: notificationsMetric(stage, 'drained').with({ period }),
  }
  const arrived = '(FILL(delivered, 0) + FILL(drained, 0))'
  const expression = `IF(FILL(accepted, 0) >= 100, 100 - 100 * ${arrived} / accepted, 0)`
  return new MathExpression({ expression, usingMetrics, period, label: 'not delivered, percent' })
}

function authorityExpires(stage: StageProps): Condition {
  const usingMetrics = Object.fromEntries(
    inspectedCertificates.map((name, index) => [`c${index}`, daysLeftMetric(stage, name)]),
  )
  const expression = `MIN([${Object.keys(usingMetrics)}])`
  const metric = new MathExpression({ expression, usingMetrics, period: Duration.days(1) })
  return { metric, threshold: stage.deviceCertificateDays, below: true, periods: 1 }
}

/**
 * Sources: ACM, "Supported CloudWatch metrics": two values a day; "Renewal for domains validated by DNS": 60 days
 * before the end.
 */
function domainCertificateExpires(stage: StageProps): Condition {
  const { certificateArn, tokenCertificateArn } = stage
  const limit = { threshold: 30, below: true, periods: 1 } as const
  const domain = daysToExpiry(certificateArn)
  if (!tokenCertificateArn || tokenCertificateArn === certificateArn)
    return { metric: domain, ...limit }
  const usingMetrics = { domain, tokens: daysToExpiry(tokenCertificateArn) }
  const period = Duration.days(1)
  return {
    metric: new MathExpression({ expression: 'MIN(METRICS())', usingMetrics, period }),
    ...limit,
  }
}

function daysToExpiry(certificateArn: string): Metric {
  return new Metric({
    namespace: 'AWS/CertificateManager',
    metricName: 'DaysToExpiry',
    dimensionsMap: { CertificateArn: certificateArn },
    statistic: Stats.MINIMUM,
    period: Duration.days(1),
  })
}
