import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { MetricFilter } from '../../packages/embedded-cloud/src/metrics/metric-filter.ts'
import type { MetricId } from './metrics.ts'

/** A line of a graph. */
export interface Line extends MetricId {
  readonly label: string
  readonly statistic: string
  readonly right: boolean
}

interface Place {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
  readonly title: string
}

export type Widget = Place &
  (
    | { readonly kind: 'graph'; readonly lines: readonly Line[] }
    | { readonly kind: 'table'; readonly query: string }
    | { readonly kind: 'alarms'; readonly alarms: readonly AlarmRule[] }
  )

/** An alarm on one metric; one on an expression has no metric here. */
export interface AlarmRule {
  readonly name: string
  readonly metric?: MetricId & { readonly statistic: string; readonly periodSeconds: number }
  readonly threshold: number
  readonly below: boolean
  readonly periods: number
}

/** The operations stack, as far as a picture needs it. */
export interface Operations {
  readonly widgets: readonly Widget[]
  readonly filters: readonly MetricFilter[]
}

// biome-ignore lint/suspicious/noExplicitAny: template JSON, read where its shape is known
type Json = any
type Outputs = Readonly<Record<string, Readonly<Record<string, string>>>>

/** Reads the operations stack of an assembly; `outputs` are those of all stacks, by stack and key. */
export function readOperations(assembly: string, outputs: Outputs): Operations {
  const file = readdirSync(assembly).find((name) => name.endsWith('Operations.template.json'))
  if (!file) throw new Error(`${assembly} holds no operations stack: run npx cdk synth`)
  const { Resources } = JSON.parse(readFileSync(join(assembly, file), 'utf8')) as Json
  return operationsOf(Resources, outputs)
}

/** As `readOperations`, of the template's resources. */
export function operationsOf(resources: Json, outputs: Outputs): Operations {
  const all = Object.entries<Json>(resources)
  const of = (type: string) => all.filter(([, { Type }]) => Type === type)
  const alarms = new Map(
    of('AWS::CloudWatch::Alarm').map(([id, { Properties }]) => [
      arnOf(id),
      alarmOf(resolve(Properties, outputs)),
    ]),
  )
  const [[, dashboard] = []] = of('AWS::CloudWatch::Dashboard')
  const body = JSON.parse(resolve(dashboard.Properties.DashboardBody, outputs))
  return {
    widgets: body.widgets.map((widget: Json) => widgetOf(widget, alarms)),
    filters: of('AWS::Logs::MetricFilter').map(([, { Properties }]) => Properties),
  }
}

const arnOf = (logicalId: string) => `arn:${logicalId}`

/** A value with what only a deployment knows filled in. */
function resolve(value: Json, outputs: Outputs): Json {
  if (Array.isArray(value)) return value.map((each) => resolve(each, outputs))
  if (typeof value !== 'object' || value === null) return value
  const [[name, argument] = []] = Object.entries<Json>(value)
  if (name === 'Fn::Join') return resolve(argument[1], outputs).join(argument[0])
  if (name === 'Fn::GetAtt') return arnOf(argument[0])
  if (name === 'Fn::ImportValue') return imported(argument, outputs)
  if (name === 'Ref') return argument
  return Object.fromEntries(
    Object.entries<Json>(value).map(([key, each]) => [key, resolve(each, outputs)]),
  )
}

function imported(name: string, outputs: Outputs): string {
  const [stack = '', key = ''] = name.split(':')
  return outputs[stack]?.[key] ?? name
}

function alarmOf(alarm: Json): AlarmRule {
  const [only, ...others] = alarm.Metrics ?? []
  const flat = others.length > 0 ? undefined : (only?.MetricStat ?? { Metric: alarm, ...alarm })
  return {
    name: alarm.AlarmName.replace(/^heliograph-[a-z0-9]+-/, ''),
    ...(flat && { metric: metricOf(flat) }),
    threshold: alarm.Threshold,
    below: alarm.ComparisonOperator === 'LessThanThreshold',
    periods: alarm.EvaluationPeriods,
  }
}

function metricOf({ Metric, Period, Stat, Statistic }: Json): NonNullable<AlarmRule['metric']> {
  const dimensions = (Metric.Dimensions ?? []).map(({ Name, Value }: Json) => [Name, Value])
  return {
    namespace: Metric.Namespace,
    name: Metric.MetricName,
    dimensions: Object.fromEntries(dimensions),
    statistic: Stat ?? Statistic,
    periodSeconds: Period,
  }
}

function widgetOf(
  { type, x, y, width, height, properties }: Json,
  alarms: ReadonlyMap<string, AlarmRule>,
): Widget {
  const place: Place = { x, y, width, height, title: properties.title }
  if (type === 'alarm')
    return {
      ...place,
      kind: 'alarms',
      alarms: properties.alarms.map((arn: string) => need(alarms.get(arn), arn)),
    }
  if (type === 'log') return { ...place, kind: 'table', query: properties.query }
  if (type !== 'metric') throw new Error(`a widget of type ${type} cannot be drawn`)
  return { ...place, kind: 'graph', lines: properties.metrics.flatMap(lineOf) }
}

function need<T>(value: T | undefined, name: string): T {
  if (value === undefined)
    throw new Error(`the dashboard shows ${name}, which the stack does not have`)
  return value
}

/** `[namespace, name, dimension, value, …, options]`; what is hidden only serves an expression. */
function lineOf(metric: Json[]): Line[] {
  const options = metric.at(-1)
  if (options.visible === false) return []
  const [namespace = '', name = '', ...pairs] = metric.slice(0, -1)
  const dimensions: Record<string, string> = {}
  for (let i = 0; i < pairs.length; i += 2) dimensions[pairs[i]] = pairs[i + 1]
  const right = options.yAxis === 'right'
  return [{ namespace, name, dimensions, label: options.label, statistic: options.stat, right }]
}
