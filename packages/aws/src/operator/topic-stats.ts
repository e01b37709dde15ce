import {
  type CloudWatchClient,
  GetMetricDataCommand,
  type MetricDataQuery,
  type MetricDataResult,
} from '@aws-sdk/client-cloudwatch'
import {
  alignedSpan,
  countsOf,
  type DeliveryTimes,
  partsOf,
  type StatsReader,
  type StatsSpan,
  type TopicStats,
  timesOfWays,
} from '@heliograph/core/stats/topic-stats'
import {
  COUNTED_TOPIC,
  METRIC_NAMESPACE,
  NOTIFICATIONS,
  OTHER_TOPICS,
} from '@heliograph/protocol/metrics'
import { outcomeKinds } from '@heliograph/protocol/outcome'
import { priorities } from '@heliograph/protocol/priority'
import { pushTypes } from '@heliograph/protocol/push-type'

/** CloudWatch API Reference, "GetMetricData". */
const MOST_QUERIES = 500

const DAY_MS = 24 * 3_600_000

export interface StageMetrics {
  readonly stage: string
  /** Those that the stage names; all others are `OTHER_TOPICS`. */
  readonly countedTopics: readonly string[]
}

/** What the metrics of a stage tell of topics. */
export function topicStats(client: CloudWatchClient, stage: StageMetrics): StatsReader {
  const known = [...stage.countedTopics, OTHER_TOPICS]
  return {
    async read(asked, topics = known) {
      if (!topics.every((topic) => known.includes(topic))) return undefined
      const span = alignedSpan(asked, grainOf(asked.since, asked.until))
      const results = await ask(
        client,
        span,
        topics.flatMap((topic) => queriesOf(stage.stage, topic, span)),
      )
      return { span, topics: topics.map((topic) => statsOf(topic, span, results)) }
    },
  }
}

/**
 * The shortest possible part, milliseconds: CloudWatch keeps one-minute resolution for fifteen
 * days, five minutes for 63 days, and hours beyond that ("GetMetricData", on the start time).
 */
export function grainOf(since: number, now: number): number {
  const age = now - since
  if (age > 63 * DAY_MS) return 3_600_000
  return age > 15 * DAY_MS ? 300_000 : 60_000
}

interface Query {
  /** Part of the answer: `topic`, and what is requested for it. */
  readonly name: string
  readonly metric: string
  readonly dimensions: Readonly<Record<string, string>>
  readonly statistic: string
  readonly periodMs: number
}

/** By `name` of the query. */
type Results = ReadonlyMap<string, readonly { readonly at: number; readonly value: number }[]>

function queriesOf(stage: string, topic: string, span: StatsSpan): Query[] {
  const wholeMs = span.until - span.since
  const periodMs = wholeMs / span.parts
  const counts = [
    ...outcomeKinds.map((kind) => ['outcome', kind] as const),
    ...Object.keys(pushTypes).map((type) => ['pushType', type] as const),
    ...priorities.map((priority) => ['priority', String(priority)] as const),
  ].map(([field, value]) => ({
    ...{ name: nameOf(topic, field, value), metric: NOTIFICATIONS, statistic: 'Sum', periodMs },
    dimensions: { stage, [COUNTED_TOPIC]: topic, [field]: value },
  }))
  const times = ways.flatMap((way) =>
    percentiles.map((statistic) => ({
      ...{ name: nameOf(topic, way, statistic), metric: timesOfWays[way], statistic },
      ...{ dimensions: { stage, [COUNTED_TOPIC]: topic }, periodMs: wholeMs },
    })),
  )
  return [...counts, ...times]
}

const ways = ['online', 'fromStorage'] as const
const percentiles = ['p50', 'p90', 'p99'] as const
const nameOf = (...parts: readonly string[]) => parts.join(' ')

async function ask(
  client: CloudWatchClient,
  span: StatsSpan,
  queries: readonly Query[],
): Promise<Results> {
  const found = new Map<string, { at: number; value: number }[]>()
  for (let at = 0; at < queries.length; at += MOST_QUERIES) {
    const some = queries.slice(at, at + MOST_QUERIES)
    for await (const { Id: id = '', Timestamps = [], Values = [] } of answers(client, span, some)) {
      const { name = '' } = some[Number(id.slice(1))] ?? {}
      const points = Timestamps.map((time, place) => ({
        at: time.getTime(),
        value: Values[place] ?? 0,
      }))
      found.set(name, [...(found.get(name) ?? []), ...points])
    }
  }
  return found
}

async function* answers(
  client: CloudWatchClient,
  { since, until }: StatsSpan,
  queries: readonly Query[],
): AsyncGenerator<MetricDataResult> {
  const input = {
    MetricDataQueries: queries.map(queryOf),
    StartTime: new Date(since),
    EndTime: new Date(until),
    ScanBy: 'TimestampAscending',
  } as const
  let NextToken: string | undefined
  do {
    const answer = await client.send(
      new GetMetricDataCommand({ ...input, ...(NextToken && { NextToken }) }),
    )
    yield* answer.MetricDataResults ?? []
    NextToken = answer.NextToken
  } while (NextToken !== undefined)
}

function queryOf({ metric, dimensions, statistic, periodMs }: Query, at: number): MetricDataQuery {
  const Dimensions = Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value }))
  return {
    // an id begins with a lower-case letter
    Id: `q${at}`,
    MetricStat: {
      Metric: { Namespace: METRIC_NAMESPACE, MetricName: metric, Dimensions },
      Period: periodMs / 1_000,
      Stat: statistic,
    },
  }
}

function statsOf(topic: string, span: StatsSpan, results: Results): TopicStats {
  const valuesOf = (...name: string[]) => results.get(nameOf(topic, ...name)) ?? []
  const sum = (...name: string[]) => valuesOf(...name).reduce((all, { value }) => all + value, 0)
  const occurring = (field: string, names: readonly string[]) =>
    Object.fromEntries(
      names.map((name) => [name, sum(field, name)] as const).filter(([, count]) => count > 0),
    )
  const times = ways.flatMap((way) => {
    const found = timesOf((statistic) => valuesOf(way, statistic).map(({ value }) => value))
    return found ? [[way, found] as const] : []
  })
  return {
    topic,
    counts: countsOf((kind) => sum('outcome', kind)),
    pushTypes: occurring('pushType', Object.keys(pushTypes)),
    priorities: occurring('priority', priorities.map(String)),
    ...Object.fromEntries(times),
    parts: partsOf(span).map((at, part) => {
      const inPart = (kind: string) =>
        valuesOf('outcome', kind)
          .filter((value) => partAt(value.at, span) === part)
          .reduce((all, { value }) => all + value, 0)
      return {
        at,
        received: inPart('accepted'),
        delivered: inPart('delivered') + inPart('drained'),
      }
    }),
  }
}

function partAt(at: number, { since, until, parts }: StatsSpan): number {
  return Math.floor(((at - since) / (until - since)) * parts)
}

/**
 * A period begins with the start time, so that one as long as the span has one value; should CloudWatch cut it in
 * two, the worse is told.
 */
function timesOf(values: (statistic: string) => readonly number[]): DeliveryTimes | undefined {
  const [p50, p90, p99] = percentiles.map((statistic) => Math.max(...values(statistic)))
  if (p50 === undefined || p90 === undefined || p99 === undefined) return undefined
  return Number.isFinite(p50) ? { p50, p90, p99 } : undefined
}
