import type { CloudWatchClient, GetMetricDataCommandInput } from '@aws-sdk/client-cloudwatch'
import { describe, expect, test } from 'vitest'
import { grainOf, topicStats } from '../src/operator/topic-stats.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const now = Date.parse('2030-06-15T10:17:23Z')

test.each([
  ['an hour', HOUR, 1],
  ['fifteen days', 15 * DAY, 1],
  ['twenty days', 20 * DAY, 5],
  ['a year', 365 * DAY, 60],
])('CloudWatch tells minutes of %s apart, as far as it can', (_name, length, minutes) => {
  expect(grainOf(now - length, now)).toBe(minutes * MINUTE)
})

/** Answers each query with the value that `answer` has for it, in pages of two results. */
function clientOf(answer: (dimensions: string, statistic: string) => number | undefined) {
  const inputs: GetMetricDataCommandInput[] = []
  const send = async ({ input }: { readonly input: GetMetricDataCommandInput }) => {
    inputs.push(input)
    const from = Number(input.NextToken ?? 0)
    const queries = input.MetricDataQueries ?? []
    const results = queries.slice(from, from + 2).map(({ Id, MetricStat }) => {
      const { Metric, Stat = '' } = MetricStat ?? {}
      const values = Metric?.Dimensions?.map(({ Value }) => Value) ?? []
      const value = answer([Metric?.MetricName, ...values].join(' '), Stat)
      const times = value === undefined ? [] : [input.StartTime ?? new Date(0)]
      return { Id, Timestamps: times, Values: value === undefined ? [] : [value] }
    })
    const isLast = from + 2 >= queries.length
    return { MetricDataResults: results, ...(!isLast && { NextToken: String(from + 2) }) }
  }
  return { client: { send } as unknown as CloudWatchClient, inputs }
}

const span = { since: now - HOUR, until: now, parts: 30 }

describe('the figures of topics, from metrics', () => {
  test('are read page by page, and put where they belong', async () => {
    const { client, inputs } = clientOf((name, statistic) => {
      if (name === 'Notifications prod com.example.a accepted') return 7
      if (name === 'Notifications prod com.example.a drained') return 2
      if (name === 'Notifications prod com.example.a alert') return 7
      if (name === 'Notifications prod com.example.a 10') return 7
      if (name === 'DeliveryTime prod com.example.a') return Number(statistic.slice(1))
      return undefined
    })
    const stats = topicStats(client, { stage: 'prod', countedTopics: ['com.example.a'] })
    const { topics = [] } = (await stats.read(span)) ?? {}
    expect(topics.map(({ topic }) => topic)).toEqual(['com.example.a', 'other'])
    expect(topics[0]).toMatchObject({
      counts: { accepted: 7, drained: 2, delivered: 0 },
      ...{ pushTypes: { alert: 7 }, priorities: { 10: 7 } },
      online: { p50: 50, p90: 90, p99: 99 },
    })
    expect(topics[0]).not.toHaveProperty('fromStorage')
    expect(topics[0]?.parts[0]).toMatchObject({ received: 7, delivered: 2 })
    expect(topics[1]?.counts.accepted).toBe(0)
    expect(inputs.length).toBeGreaterThan(10)
  })

  test('are of the topics that were asked for, if all of these are counted', async () => {
    const { client, inputs } = clientOf(() => undefined)
    const stats = topicStats(client, { stage: 'prod', countedTopics: ['com.example.a'] })
    expect(await stats.read(span, ['com.example.b'])).toBeUndefined()
    expect(inputs).toEqual([])
    const { topics = [] } = (await stats.read(span, ['other'])) ?? {}
    expect(topics.map(({ topic }) => topic)).toEqual(['other'])
  })

  test('are asked for in calls of 500 queries at most', async () => {
    const { client, inputs } = clientOf(() => undefined)
    const countedTopics = Array.from({ length: 20 }, (_, n) => `com.example.a${n}`)
    await topicStats(client, { stage: 'prod', countedTopics }).read(span)
    const sizes = new Set(inputs.map(({ MetricDataQueries = [] }) => MetricDataQueries.length))
    expect(Math.max(...sizes)).toBe(500)
    const ids = inputs[0]?.MetricDataQueries?.map(({ Id }) => Id)
    expect(new Set(ids).size).toBe(500)
  })
})
