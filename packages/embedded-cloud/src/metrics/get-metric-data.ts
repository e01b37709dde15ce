import { AwsError } from '../answer.ts'
import type { MetricStore } from './metric-store.ts'

type Json = Readonly<Record<string, unknown>>

/** CloudWatch API Reference, "GetMetricData". */
const MOST_QUERIES = 500

/** Answers `GetMetricData`; times are seconds since the epoch. */
export function getMetricData(store: MetricStore, input: Json): Json {
  const queries = listOf(input.MetricDataQueries)
  if (queries.length === 0 || queries.length > MOST_QUERIES)
    throw invalid(`MetricDataQueries has ${queries.length} members, not 1 to ${MOST_QUERIES}`)
  const span = { start: timeOf(input, 'StartTime'), end: timeOf(input, 'EndTime') }
  if (span.start >= span.end) throw invalid('StartTime is not before EndTime')
  const isAscending = input.ScanBy === 'TimestampAscending'
  const shown = queries.filter(({ ReturnData }) => ReturnData !== false)
  return {
    MetricDataResults: shown.map((query) => resultOf(store, query, { ...span, isAscending })),
    Messages: [],
  }
}

interface Asked {
  readonly start: number
  readonly end: number
  readonly isAscending: boolean
}

function resultOf(store: MetricStore, query: Json, { start, end, isAscending }: Asked): Json {
  const stat = objectOf(query.MetricStat, 'MetricStat, and expressions are not evaluated here')
  const metric = objectOf(stat.Metric, 'Metric')
  const seconds = Number(stat.Period)
  if (!Number.isInteger(seconds) || seconds < 60 || seconds % 60 !== 0)
    throw invalid(`Period ${stat.Period} is not a multiple of 60`)
  const periodMs = seconds * 1_000
  const points = store.points(metricOf(metric), String(stat.Stat), { start, end, periodMs })
  if (!points) throw invalid(`the statistic ${stat.Stat} is not known here`)
  if (!isAscending) points.reverse()
  return {
    Id: query.Id,
    Label: query.Label ?? metric.MetricName,
    Timestamps: points.map(({ at }) => at / 1_000),
    Values: points.map(({ value }) => value),
    StatusCode: 'Complete',
  }
}

function metricOf({ Namespace, MetricName, Dimensions }: Json) {
  const pairs = listOf(Dimensions).map(({ Name, Value }) => [String(Name), String(Value)])
  return {
    namespace: String(Namespace),
    name: String(MetricName),
    dimensions: Object.fromEntries(pairs) as Record<string, string>,
  }
}

function timeOf(input: Json, name: string): number {
  const seconds = input[name]
  if (typeof seconds === 'number') return seconds * 1_000
  throw invalid(`${name} is not a time`)
}

function listOf(value: unknown): readonly Json[] {
  return Array.isArray(value) ? value : []
}

function objectOf(value: unknown, what: string): Json {
  if (typeof value === 'object' && value !== null) return value as Json
  throw invalid(`a query has no ${what}`)
}

function invalid(message: string): AwsError {
  return new AwsError('InvalidParameterValueException', message)
}
