import { Duration } from 'aws-cdk-lib'
import {
  Alarm,
  ComparisonOperator,
  type IMetric,
  MathExpression,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch'
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions'
import { Topic } from 'aws-cdk-lib/aws-sns'
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions'
import type { IQueue } from 'aws-cdk-lib/aws-sqs'
import { Construct } from 'constructs'
import { physicalName } from '../deployment.ts'
import type { StageProps } from '../stage.ts'
import type { HeliographFunction } from './function.ts'

export interface AlarmsProps {
  readonly stage: StageProps
  readonly notifications: IQueue
  readonly notificationDeadLetters: IQueue
  readonly eventDeadLetters: IQueue
  readonly ruleErrors: IQueue
  readonly providerPath: readonly HeliographFunction[]
  readonly devicePath: readonly HeliographFunction[]
  readonly upkeep: readonly HeliographFunction[]
}

interface AlarmProps {
  readonly description: string
  readonly metric: IMetric
  /** The alarm goes off above this. */
  readonly above: number
  /** Periods in a row, of the metric's own length. */
  readonly periods: number
}

/** Every alarm: its name here is the heading of its section in `docs/runbook.md`. */
export type AlarmName =
  | 'notifications-dead-lettered'
  | 'events-dead-lettered'
  | 'rule-errors'
  | 'notifications-late'
  | 'provider-path-errors'
  | 'device-path-errors'
  | 'token-key-rotation-errors'

const minute = Duration.minutes(1)

/** The alarms of a stage; with `alarmEmail` they are told to somebody. */
export class Alarms extends Construct {
  constructor(scope: Construct, id: string, props: AlarmsProps) {
    super(scope, id)
    const action = this.#action(props.stage)
    for (const [name, alarm] of Object.entries(alarmsOf(props))) {
      const made = this.#alarm(physicalName(props.stage, name), name, alarm)
      if (action) made.addAlarmAction(action)
    }
  }

  #alarm(
    alarmName: string,
    id: string,
    { description, metric, above, periods }: AlarmProps,
  ): Alarm {
    return new Alarm(this, id, {
      alarmName,
      alarmDescription: description,
      metric,
      threshold: above,
      comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
      evaluationPeriods: periods,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    })
  }

  #action({ alarmEmail }: StageProps): SnsAction | undefined {
    if (!alarmEmail) return undefined
    const topic = new Topic(this, 'Topic', { enforceSSL: true })
    topic.addSubscription(new EmailSubscription(alarmEmail))
    return new SnsAction(topic)
  }
}

function alarmsOf(props: AlarmsProps): Record<AlarmName, AlarmProps> {
  return {
    'notifications-dead-lettered': {
      description: 'An accepted notification could not be delivered in eight attempts',
      ...notEmpty(props.notificationDeadLetters),
    },
    'events-dead-lettered': {
      description: 'A function gave up an event of a device or of an expiry',
      ...notEmpty(props.eventDeadLetters),
    },
    'rule-errors': {
      description: 'A topic rule could not hand over what a device said',
      ...notEmpty(props.ruleErrors),
    },
    'notifications-late': {
      description: 'The oldest notification has waited more than a minute, five minutes long',
      metric: props.notifications.metricApproximateAgeOfOldestMessage({ period: minute }),
      above: 60,
      periods: 5,
    },
    'provider-path-errors': {
      description: 'accept, deliver or feedback ends in errors',
      ...errors(props.providerPath),
    },
    'device-path-errors': {
      description: 'A function that serves devices ends in errors',
      ...errors(props.devicePath),
    },
    'token-key-rotation-errors': {
      description: 'No new token key could be made',
      ...errors(props.upkeep),
    },
  }
}

function notEmpty(queue: IQueue): Omit<AlarmProps, 'description'> {
  const metric = queue.metricApproximateNumberOfMessagesVisible({ period: minute })
  return { metric, above: 0, periods: 1 }
}

/** Sum of the functions' errors; metric math takes up to ten of them. */
function errors(functions: readonly HeliographFunction[]): Omit<AlarmProps, 'description'> {
  const period = Duration.minutes(5)
  const usingMetrics = Object.fromEntries(
    functions.map(({ resource }, index) => [`e${index}`, resource.metricErrors({ period })]),
  )
  const expression = Object.keys(usingMetrics).join(' + ')
  return { metric: new MathExpression({ expression, usingMetrics, period }), above: 0, periods: 1 }
}
