import { textsOf } from './signed-call.ts'

/** A metric as a dashboard names it. */
export interface ShownMetric {
  readonly namespace: string
  readonly name: string
  readonly dimensions: readonly (readonly [name: string, value: string])[]
}

/** Every metric of a dashboard's body, once; expressions are none. */
export function metricsShown(body: string): ShownMetric[] {
  const { widgets = [] } = JSON.parse(body) as { widgets?: { properties?: Graph }[] }
  const all = widgets.flatMap(({ properties }) => properties?.metrics ?? []).flatMap(metricOf)
  return [...new Map(all.map((metric) => [JSON.stringify(metric), metric])).values()]
}

interface Graph {
  readonly metrics?: readonly (readonly unknown[])[]
}

/** `[namespace, name, dimension, value, …, options]`. */
function metricOf(entry: readonly unknown[]): ShownMetric[] {
  const [namespace, name, ...pairs] = entry.filter((part) => typeof part === 'string')
  if (namespace === undefined || name === undefined) return []
  const dimensions = pairs.flatMap((pair, index) =>
    index % 2 === 0 ? [[pair, pairs[index + 1] ?? ''] as const] : [],
  )
  return [{ namespace, name, dimensions }]
}

/** The form of a ListMetrics call that finds this metric and no other. */
export function listForm({ namespace, name, dimensions }: ShownMetric): URLSearchParams {
  const form = cloudWatchForm('ListMetrics', { Namespace: namespace, MetricName: name })
  for (const [index, [key, value]] of dimensions.entries()) {
    form.set(`Dimensions.member.${index + 1}.Name`, key)
    form.set(`Dimensions.member.${index + 1}.Value`, value)
  }
  return form
}

/** ListMetrics also finds metrics with more dimensions, which a graph of this one does not show. */
export function isKnown(xml: string, { dimensions }: ShownMetric): boolean {
  return metricsIn(xml).some((metric) => textsOf(metric, 'Value').length === dimensions.length)
}

/** Each `<member>` of `<Metrics>`: it has one MetricName, and dimensions before or after it. */
function metricsIn(xml: string): string[] {
  const inside = /<Metrics>([\s\S]*)<\/Metrics>/.exec(xml)?.[1] ?? ''
  const opened = inside.split(/<member>\s*(?=<(?:Dimensions|MetricName|Namespace)\b)/)
  return opened.filter((part) => part.includes('<MetricName>'))
}

export function cloudWatchForm(
  action: string,
  parameters: Readonly<Record<string, string>>,
): URLSearchParams {
  return new URLSearchParams({ Action: action, Version: '2010-08-01', ...parameters })
}

export function describeMetric({ namespace, name, dimensions }: ShownMetric): string {
  return [namespace, name, ...dimensions.map(([key, value]) => `${key}=${value}`)].join(' ')
}
