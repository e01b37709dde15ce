import type { AlarmRule } from './body.ts'
import type { MetricId, Metrics, Span } from './metrics.ts'

export type AlarmState = 'ok' | 'alarm' | 'no data here'

const MINUTE = 60

/** The state at the end of the span, in which a point stands for a minute. Missing data never breach. */
export function alarmState(
  { metric, threshold, below, periods }: AlarmRule,
  metrics: Metrics,
  span: Span,
  isMeasured: (metric: MetricId) => boolean,
): AlarmState {
  if (!metric || !isMeasured(metric)) return 'no data here'
  const pointMs = span.pointMs * Math.max(1, metric.periodSeconds / MINUTE)
  const start = span.start + span.points * span.pointMs - periods * pointMs
  const values = metrics.series(metric, metric.statistic, { start, pointMs, points: periods })
  const breaches = (value: number | undefined) =>
    value !== undefined && (below ? value < threshold : value > threshold)
  return values.every(breaches) ? 'alarm' : 'ok'
}
