import { OTHER_TOPICS } from '@heliograph/protocol/metrics'
import { discardReasons, type OutcomeKind, outcomeKinds } from '@heliograph/protocol/outcome'
import { Duration } from 'aws-cdk-lib'
import {
  type Alarm,
  AlarmStatusWidget,
  Dashboard,
  GraphWidget,
  type GraphWidgetProps,
  type IMetric,
  type IWidget,
  LogQueryWidget,
  MathExpression,
  Metric,
  Row,
  Stats,
} from 'aws-cdk-lib/aws-cloudwatch'
import { Construct } from 'constructs'
import { physicalName } from '../deployment.ts'
import {
  broadcastsMetric,
  canaryMetric,
  deliveryTimeMetric,
  droppedRequestsMetric,
  goneMetric,
  notificationsMetric,
  topicMetric,
  topicTimeMetric,
} from '../metrics.ts'
import type { StageProps } from '../stage.ts'
import type { HeliographFunction } from './function.ts'
import type { HttpEdge } from './http-edge.ts'
import { logGroupName } from './outcome-metrics.ts'
import type {
  AnnouncementQueue,
  DeadLetterQueue,
  NotificationQueue,
  OutcomeQueue,
  SlotQueue,
} from './queues.ts'
import type { Stores } from './stores.ts'

type Functions<Name extends string> = Readonly<Record<Name, HeliographFunction>>

export interface ServiceDashboardProps {
  readonly stage: StageProps
  readonly state: {
    readonly stores: Stores
    readonly notifications: NotificationQueue
    readonly slots: SlotQueue
    readonly outcomes: OutcomeQueue
    readonly announcements: AnnouncementQueue
    readonly ruleErrors: DeadLetterQueue
    readonly deadLetters: DeadLetterQueue
  }
  readonly providers: { readonly edge: HttpEdge } & Functions<
    'accept' | 'deliver' | 'feedback' | 'record' | 'receipt' | 'announce' | 'channel'
  >
  readonly devices: Functions<'activate' | 'expire'> & {
    readonly upstream: Readonly<Record<string, HeliographFunction>>
  }
  readonly alarms: readonly Alarm[]
}

const minute = Duration.minutes(1)
const third = { width: 8, height: 6 } as const

/** For the person on call: is the service healthy, what happens to notifications, where do they wait, what does it cost? */
export class ServiceDashboard extends Construct {
  constructor(scope: Construct, id: string, props: ServiceDashboardProps) {
    super(scope, id)
    new Dashboard(this, 'Dashboard', {
      dashboardName: physicalName(props.stage, 'service'),
      defaultInterval: Duration.hours(3),
      widgets: [
        [
          new AlarmStatusWidget({
            title: 'Alarms',
            width: 24,
            height: 4,
            alarms: [...props.alarms],
          }),
        ],
        [new Row(...outcomeRow(props))],
        [new Row(...latencyRow(props))],
        ...(props.stage.canary ? [[canaryGraph(props.stage)]] : []),
        ...(props.stage.countedTopics.length > 0 ? topicRows(props.stage) : []),
        [new Row(...waitingRow(props))],
        [new Row(...deviceRow(props))],
        [new Row(...costRow(props))],
      ],
    })
  }
}

function graph(title: string, left: readonly IMetric[], more: GraphWidgetProps = {}): GraphWidget {
  return new GraphWidget({ ...third, title, left: [...left], leftYAxis: { min: 0 }, ...more })
}

function outcomeRow({ stage }: ServiceDashboardProps): IWidget[] {
  return [
    graph(
      'What becomes of notifications, per minute',
      outcomeKinds.map((outcome) => notificationsMetric(stage, outcome)),
      { width: 12 },
    ),
    graph('Answered 410, per minute', [goneMetric(stage)], { width: 4 }),
    logTable(
      'By topic',
      stage,
      ['accept', 'deliver', 'connect', 'unregister', 'expire'],
      [
        'filter ispresent(outcome)',
        'stats sum(count) as notifications by topic, outcome',
        'sort notifications desc',
      ],
    ),
  ]
}

function logTable(
  title: string,
  stage: StageProps,
  functions: readonly Parameters<typeof logGroupName>[1][],
  queryLines: string[],
): LogQueryWidget {
  const logGroupNames = functions.map((name) => logGroupName(stage, name))
  return new LogQueryWidget({ ...third, title, logGroupNames, queryLines })
}

function latencyRow({ stage, providers }: ServiceDashboardProps): IWidget[] {
  const { accept, deliver, edge } = providers
  return [
    graph(
      'From acceptance to the device, ms',
      [50, 99].map((p) => deliveryTimeMetric(stage, p)),
    ),
    graph('Time of a call, ms', [accept, deliver].flatMap(durations)),
    graph('Answers to providers', [
      edge.api.metricCount({ period: minute, statistic: Stats.SUM, label: 'requests' }),
      edge.api.metricClientError({ period: minute, statistic: Stats.SUM, label: '4xx' }),
      edge.api.metricServerError({ period: minute, statistic: Stats.SUM, label: '5xx' }),
    ]),
  ]
}

function canaryGraph(stage: StageProps): IWidget {
  const late = { value: stage.canaryLateSeconds * 1000, label: 'late' }
  return graph(
    'The canary, once a minute: to the answer and to its device, ms',
    [
      canaryMetric(stage, 'canaryAcceptance', 'answered'),
      canaryMetric(stage, 'canaryDevice', 'heard'),
    ],
    { width: 24, leftAnnotations: [late] },
  )
}

/** What the stage counts by topic. */
function topicRows(stage: StageProps): IWidget[][] {
  const topics = [...stage.countedTopics, OTHER_TOPICS]
  const counts = (kinds: readonly (readonly [OutcomeKind, string])[]) =>
    topics.flatMap((topic) =>
      kinds.map(([kind, words]) => topicMetric(stage, topic, kind, `${topic}${words}`)),
    )
  const reasons = discardReasons.map((kind) => [kind, `, ${kind}`] as const)
  const times = (time: Parameters<typeof topicTimeMetric>[2]) =>
    topics.map((topic) => topicTimeMetric(stage, topic, time))
  return [
    [
      new Row(
        graph('Received by topic, per minute', counts([['accepted', '']])),
        graph(
          'Delivered by topic, per minute',
          counts([
            ['delivered', ''],
            ['drained', ', from storage'],
          ]),
        ),
        graph('Stored by topic, per minute', counts([['stored', '']])),
      ),
    ],
    [
      new Row(
        graph('Discarded by topic, per minute', counts(reasons)),
        graph('To the device by topic, ms', times('deliveryTime')),
        graph('To the device from storage by topic, ms', times('storedDeliveryTime')),
      ),
    ],
  ]
}

function durations({ node, resource }: HeliographFunction): IMetric[] {
  return [50, 99].map((p) =>
    resource.metricDuration({
      period: minute,
      statistic: Stats.percentile(p),
      label: `${node.id} p${p}`,
    }),
  )
}

function waitingRow({ state }: ServiceDashboardProps): IWidget[] {
  const { queue, deadLetters } = state.notifications
  const { queue: slots } = state.slots
  const visible = { period: minute, statistic: Stats.MAXIMUM }
  return [
    graph('Oldest notification in the queue, s', [
      queue.metricApproximateAgeOfOldestMessage({ period: minute, label: 'age' }),
    ]),
    graph('Notifications waiting', [
      queue.metricApproximateNumberOfMessagesVisible({ ...visible, label: 'waiting' }),
      queue.metricApproximateNumberOfMessagesNotVisible({ ...visible, label: 'being delivered' }),
      slots.metricApproximateNumberOfMessagesVisible({ ...visible, label: 'slots to try' }),
    ]),
    graph('Dead letters', [
      deadLetters.queue.metricApproximateNumberOfMessagesVisible({
        ...visible,
        label: 'notifications',
      }),
      state.deadLetters.queue.metricApproximateNumberOfMessagesVisible({
        ...visible,
        label: 'events',
      }),
      state.outcomes.deadLetters.queue.metricApproximateNumberOfMessagesVisible({
        ...visible,
        label: 'outcomes',
      }),
      state.announcements.deadLetters.queue.metricApproximateNumberOfMessagesVisible({
        ...visible,
        label: 'announcements',
      }),
      state.ruleErrors.queue.metricApproximateNumberOfMessagesVisible({
        ...visible,
        label: 'rules',
      }),
    ]),
  ]
}

function deviceRow(props: ServiceDashboardProps): IWidget[] {
  return [
    graph('Device connects, per minute', [
      iotMetric('Connect.Success', 'connected', byMqtt),
      iotMetric('Connect.AuthError', 'refused', byMqtt),
      iotMetric('Connect.Throttle', 'throttled', byMqtt),
      droppedRequestsMetric(props.stage),
    ]),
    graph('Throttles, per minute', [
      ...functionsOf(props).map(throttles),
      ...tablesOf(props).flatMap(tableThrottles),
    ]),
    graph('Functions running at the same time', functionsOf(props).map(concurrency)),
  ]
}

/** The message broker's metrics have this dimension; `RulesExecuted` does not. */
const byMqtt = { Protocol: 'MQTT' } as const

/** IoT Core counts for the account and region, not by stage. Source: AWS IoT, "AWS IoT metrics and dimensions". */
function iotMetric(metricName: string, label: string, dimensionsMap = {}): Metric {
  return new Metric({
    namespace: 'AWS/IoT',
    metricName,
    dimensionsMap,
    statistic: Stats.SUM,
    period: minute,
    label,
  })
}

function functionsOf({ providers, devices }: ServiceDashboardProps): HeliographFunction[] {
  const { accept, deliver, feedback, record, receipt, announce, channel } = providers
  const { activate, expire, upstream } = devices
  const ofProviders = [accept, deliver, feedback, record, receipt, announce, channel]
  return [...ofProviders, activate, expire, ...Object.values(upstream)]
}

function throttles({ node, resource }: HeliographFunction): IMetric {
  return resource.metricThrottles({ period: minute, statistic: Stats.SUM, label: node.id })
}

function concurrency({ node, resource }: HeliographFunction): IMetric {
  const statistic = Stats.MAXIMUM
  return resource.metric('ConcurrentExecutions', { period: minute, statistic, label: node.id })
}

const hotTables = ['pending', 'registrations', 'feedback', 'claims', 'receipts'] as const

function tablesOf({ state: { stores } }: ServiceDashboardProps) {
  return hotTables.map((name) => ({ name, table: stores[name].table }))
}

function tableThrottles({ name, table }: ReturnType<typeof tablesOf>[number]): IMetric[] {
  return ['Read', 'Write'].map((kind) =>
    table.metric(`${kind}ThrottleEvents`, {
      period: minute,
      statistic: Stats.SUM,
      label: `${name}, ${kind.toLowerCase()}`,
    }),
  )
}

/** What is paid by use, per minute; `docs/cost.md` has the prices. */
function costRow(props: ServiceDashboardProps): IWidget[] {
  return [
    graph('Function time, s', [totalSeconds(props)], {
      right: functionsOf(props).map(({ node, resource }) =>
        resource.metricInvocations({ period: minute, statistic: Stats.SUM, label: node.id }),
      ),
      rightYAxis: { min: 0, label: 'calls' },
    }),
    graph('Messages', [
      props.state.notifications.queue.metricNumberOfMessagesSent({
        period: minute,
        statistic: Stats.SUM,
        label: 'queued',
      }),
      props.providers.edge.api.metricCount({
        period: minute,
        statistic: Stats.SUM,
        label: 'provider requests',
      }),
      broadcastsMetric(props.stage, 'published'),
      iotMetric('PublishIn.Success', 'said by devices (account)', byMqtt),
      iotMetric('RulesExecuted', 'rules (account)'),
    ]),
    graph('Table units', tablesOf(props).flatMap(units)),
  ]
}

function totalSeconds(props: ServiceDashboardProps): MathExpression {
  const usingMetrics = Object.fromEntries(
    functionsOf(props).map(({ resource }, index) => [
      `d${index}`,
      resource.metricDuration({ period: minute, statistic: Stats.SUM }),
    ]),
  )
  const expression = `SUM([${Object.keys(usingMetrics)}]) / 1000`
  return new MathExpression({ expression, usingMetrics, period: minute, label: 'all functions' })
}

function units({ name, table }: ReturnType<typeof tablesOf>[number]): IMetric[] {
  const common = { period: minute, statistic: Stats.SUM }
  return [
    table.metricConsumedWriteCapacityUnits({ ...common, label: `${name}, written` }),
    table.metricConsumedReadCapacityUnits({ ...common, label: `${name}, read` }),
  ]
}
