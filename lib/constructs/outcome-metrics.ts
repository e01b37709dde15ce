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

/** The functions that log what became of a notification. */
const recorders = ['accept', 'deliver', 'connect', 'unregister', 'expire'] as const

/**
 * Counts what the functions log about notifications. Their lines hold `outcome` and `stage`, which
 * become dimensions; the topic does not, as each would be ten more metrics to pay for by the month
 * (the dashboard asks the logs instead).
 */
export class OutcomeMetrics extends Construct {
  constructor(scope: Construct, id: string, stage: StageProps) {
    super(scope, id)
    for (const name of recorders)
      filterLog(this, `${name}-outcomes`, stage, name, {
        filterPattern: FilterPattern.exists('$.outcome'),
        metricName: metricNames.notifications,
        metricValue: '1',
        unit: Unit.COUNT,
        dimensions: { stage: '$.stage', outcome: '$.outcome' },
      })
    filterLog(this, 'delivery-time', stage, 'deliver', {
      filterPattern: FilterPattern.stringValue('$.outcome', '=', 'delivered'),
      metricName: metricNames.deliveryTime,
      metricValue: '$.age',
      unit: Unit.MILLISECONDS,
      dimensions: { stage: '$.stage' },
    })
    filterLog(this, 'gone', stage, 'accept', {
      filterPattern: FilterPattern.all(
        FilterPattern.stringValue('$.message', '=', 'request refused'),
        FilterPattern.numberValue('$.status', '=', 410),
      ),
      metricName: metricNames.gone,
      metricValue: '1',
      unit: Unit.COUNT,
      dimensions: { stage: '$.stage' },
    })
  }
}

/** Makes a metric of the lines of a function's log that match. */
export function filterLog(
  scope: Construct,
  id: string,
  stage: StageProps,
  name: FunctionName,
  options: Omit<MetricFilterOptions, 'metricNamespace'>,
): void {
  const group = LogGroup.fromLogGroupName(scope, `${id}-log`, logGroupName(stage, name))
  new MetricFilter(scope, id, { ...options, metricNamespace, logGroup: group })
}

/** By name, which `HeliographFunction` fixes: a reference would tie the stacks together once more. */
export function logGroupName(stage: StageProps, name: FunctionName): string {
  return `/aws/lambda/${physicalName(stage, name)}`
}
