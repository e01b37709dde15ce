import { COUNTED_TOPIC } from '@heliograph/protocol/metrics'
import { upstreams } from '@heliograph/protocol/mqtt-topic'
import { Unit } from 'aws-cdk-lib/aws-cloudwatch'
import {
  FilterPattern,
  LogGroup,
  MetricFilter,
  type MetricFilterOptions,
} from 'aws-cdk-lib/aws-logs'
import { Construct } from 'constructs'
import { physicalName } from '../deployment.ts'
import type { FunctionName } from '../functions.ts'
import { metricNames, metricNamespace } from '../metrics.ts'
import type { StageProps } from '../stage.ts'

/** The functions that log what happened to a notification. */
const recorders = ['accept', 'deliver', 'unregister', 'expire'] as const

/** Those that hand outcomes on, for receipts and events. */
const senders = ['deliver', 'unregister', 'expire'] as const

/**
 * Counts what the functions log about notifications. Their lines contain `count`, `outcome` and
 * `stage`, which become value and dimensions. A topic becomes a dimension only if the stage names
 * it, because each adds up to 26 metrics that cost money every month (otherwise the dashboard
 * queries the logs).
 */
export class OutcomeMetrics extends Construct {
  constructor(scope: Construct, id: string, stage: StageProps) {
    super(scope, id)
    if (stage.countedTopics.length > 0) countTopics(this, stage)
    for (const name of recorders)
      filterLog(this, `${name}-outcomes`, stage, name, {
        filterPattern: FilterPattern.exists('$.outcome'),
        metricName: metricNames.notifications,
        metricValue: '$.count',
        unit: Unit.COUNT,
        dimensions: { stage: '$.stage', outcome: '$.outcome' },
      })
    for (const name of senders)
      filterLog(this, `${name}-lost`, stage, name, {
        filterPattern: FilterPattern.stringValue('$.message', '=', 'outcomes lost'),
        metricName: metricNames.lostOutcomes,
        metricValue: '$.lost',
        unit: Unit.COUNT,
        dimensions: { stage: '$.stage' },
      })
    for (const name of senders)
      filterLog(this, `${name}-events-lost`, stage, name, {
        filterPattern: FilterPattern.stringValue('$.message', '=', 'events lost'),
        metricName: metricNames.lostEvents,
        metricValue: '$.lost',
        unit: Unit.COUNT,
        dimensions: { stage: '$.stage' },
      })
    for (const name of upstreams)
      filterLog(this, `${name}-dropped`, stage, name, {
        filterPattern: FilterPattern.stringValue('$.message', '=', 'a device asks too often'),
        metricName: metricNames.droppedRequests,
        metricValue: '$.dropped',
        unit: Unit.COUNT,
        dimensions: { stage: '$.stage' },
      })
    filterLog(this, 'broadcasts', stage, 'channel', {
      filterPattern: FilterPattern.exists('$.broadcast'),
      metricName: metricNames.broadcasts,
      metricValue: '1',
      unit: Unit.COUNT,
      dimensions: { stage: '$.stage', broadcast: '$.broadcast' },
    })
    const gone = {
      metricName: metricNames.gone,
      unit: Unit.COUNT,
      dimensions: { stage: '$.stage' },
    }
    filterLog(this, 'gone', stage, 'accept', {
      ...gone,
      filterPattern: FilterPattern.all(
        FilterPattern.stringValue('$.message', '=', 'request refused'),
        FilterPattern.numberValue('$.status', '=', 410),
      ),
      metricValue: '1',
    })
    filterLog(this, 'gone-together', stage, 'accept', {
      ...gone,
      filterPattern: FilterPattern.numberValue('$.gone', '>', 0),
      metricValue: '$.gone',
    })
  }
}

/** A filter takes three dimensions ("AWS::Logs::MetricFilter MetricTransformation"). */
function countTopics(scope: Construct, stage: StageProps): void {
  const count = { metricName: metricNames.notifications, metricValue: '$.count', unit: Unit.COUNT }
  const by = (field: string) => ({
    stage: '$.stage',
    [COUNTED_TOPIC]: `$.${COUNTED_TOPIC}`,
    [field]: `$.${field}`,
  })
  for (const name of recorders)
    filterLog(scope, `${name}-topics`, stage, name, {
      ...count,
      filterPattern: FilterPattern.exists(`$.${COUNTED_TOPIC}`),
      dimensions: by('outcome'),
    })
  // what accept logs of a counted topic has one push type and priority
  for (const field of ['pushType', 'priority'])
    filterLog(scope, `by-${field}`, stage, 'accept', {
      ...count,
      filterPattern: FilterPattern.exists(`$.${field}`),
      dimensions: by(field),
    })
}

/** Makes a metric of the lines of a function's log that match. */
export function filterLog(
  scope: Construct,
  id: string,
  stage: StageProps,
  name: FunctionName,
  options: Omit<MetricFilterOptions, 'metricNamespace'>,
): MetricFilter {
  const group = LogGroup.fromLogGroupName(scope, `${id}-log`, logGroupName(stage, name))
  return new MetricFilter(scope, id, { ...options, metricNamespace, logGroup: group })
}

/** By name, which `HeliographFunction` fixes: a reference would tie the stacks together once more. */
export function logGroupName(stage: StageProps, name: FunctionName): string {
  return `/aws/lambda/${physicalName(stage, name)}`
}
