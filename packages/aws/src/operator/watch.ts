import {
  type CloudWatchClient,
  DescribeAlarmsCommand,
  GetMetricDataCommand,
  type MetricAlarm,
} from '@aws-sdk/client-cloudwatch'

/** An alarm of a stage as CloudWatch sees it now. Milliseconds since the epoch. */
export interface StageAlarm {
  /** Without the stage: a heading of docs/runbook.md. */
  readonly name: string
  readonly state: 'ok' | 'alarm' | 'unknown'
  readonly since?: number
  readonly description: string
}

/** Every alarm of a stage. A stage's name has no dash, so no other stage's begins as its own does. */
export async function stageAlarms(client: CloudWatchClient, stage: string): Promise<StageAlarm[]> {
  const prefix = `heliograph-${stage}-`
  const found: MetricAlarm[] = []
  let NextToken: string | undefined
  do {
    const answer = await client.send(
      new DescribeAlarmsCommand({
        ...{ AlarmNamePrefix: prefix, AlarmTypes: ['MetricAlarm'], MaxRecords: 100 },
        ...(NextToken && { NextToken }),
      }),
    )
    found.push(...(answer.MetricAlarms ?? []))
    NextToken = answer.NextToken
  } while (NextToken !== undefined)
  return found.map((alarm) => alarmOf(alarm, prefix))
}

const states = new Map([
  ['OK', 'ok'],
  ['ALARM', 'alarm'],
] as const)

function alarmOf(alarm: MetricAlarm, prefix: string): StageAlarm {
  const { AlarmName = '', AlarmDescription = '', StateValue, StateTransitionedTimestamp } = alarm
  const since = (StateTransitionedTimestamp ?? alarm.StateUpdatedTimestamp)?.getTime()
  return {
    name: AlarmName.slice(prefix.length),
    state: states.get(StateValue as 'OK' | 'ALARM') ?? 'unknown',
    description: AlarmDescription,
    ...(since !== undefined && { since }),
  }
}

/** SQS tells its metrics by the minute and a little late ("Available CloudWatch metrics for Amazon SQS"). */
const LOOK_BACK_MS = 10 * 60_000

/**
 * How long the oldest message of each queue has waited, seconds; zero where nothing waits. Queues of which CloudWatch
 * knows nothing are left out.
 *
 * @param names of queues, at most 500.
 */
export async function oldestMessages(
  client: CloudWatchClient,
  names: readonly string[],
  nowMs: number,
): Promise<ReadonlyMap<string, number>> {
  const { MetricDataResults: results = [] } = await client.send(
    new GetMetricDataCommand({
      StartTime: new Date(nowMs - LOOK_BACK_MS),
      EndTime: new Date(nowMs),
      ScanBy: 'TimestampDescending',
      MetricDataQueries: names.map((Value, at) => ({
        Id: `q${at}`,
        MetricStat: {
          Metric: {
            Namespace: 'AWS/SQS',
            MetricName: 'ApproximateAgeOfOldestMessage',
            Dimensions: [{ Name: 'QueueName', Value }],
          },
          Period: 60,
          Stat: 'Maximum',
        },
      })),
    }),
  )
  const known = results.flatMap(({ Id = '', Values: [latest] = [] }) => {
    const name = names[Number(Id.slice(1))]
    return name === undefined || latest === undefined ? [] : [[name, latest] as const]
  })
  return new Map(known)
}
