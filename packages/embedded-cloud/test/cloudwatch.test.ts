import {
  CloudWatchClient,
  GetMetricDataCommand,
  type GetMetricDataCommandInput,
  type MetricDataQuery,
} from '@aws-sdk/client-cloudwatch'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Endpoint, startEndpoint } from '../src/endpoint.ts'
import { type CloudWatch, startCloudWatch } from '../src/metrics/cloudwatch.ts'
import { MetricStore } from '../src/metrics/metric-store.ts'

const metric = { namespace: 'App', name: 'Orders', dimensions: { stage: 'test' } }
const minute = 60_000
const start = Date.parse('2030-01-01T10:00:00Z')

describe('the values of a metric', () => {
  const store = new MetricStore()
  for (const [at, value] of [
    [0, 4],
    [30, 2],
    [61, 9],
    [180, 1],
  ] as const)
    store.add({ ...metric, value, time: start + at * 1_000 })
  const points = (statistic: string, periodMinutes: number, of = metric) => {
    const span = { start, end: start + 4 * minute, periodMs: periodMinutes * minute }
    return store.points(of, statistic, span)?.map(({ at, value }) => [(at - start) / minute, value])
  }

  test.each([
    ['Sum', [6, 9, 1]],
    ['SampleCount', [2, 1, 1]],
    ['Average', [3, 9, 1]],
    ['Minimum', [2, 9, 1]],
    ['Maximum', [4, 9, 1]],
    ['p50', [2, 9, 1]],
  ])('%s for each minute that has some', (statistic, expected) =>
    expect(points(statistic, 1)).toEqual([0, 1, 3].map((at, place) => [at, expected[place]])),
  )

  test('are put together for a longer period', () => {
    expect(points('Sum', 2)).toEqual([
      [0, 15],
      [2, 1],
    ])
    expect(points('p99', 4)).toEqual([[0, 9]])
  })

  test('are those of its dimensions alone', () => {
    expect(points('Sum', 4, { ...metric, dimensions: { stage: 'prod' } })).toEqual([])
  })

  test('have no statistic that nobody knows', () => expect(points('p', 1)).toBeUndefined())

  test('are not remembered of more metrics than a bound', () => {
    const full = new MetricStore()
    const of = (name: number) => ({ ...metric, name: String(name) })
    for (let n = 0; n < 2_001; n += 1) full.add({ ...of(n), value: 1, time: start })
    const span = { start, end: start + minute, periodMs: minute }
    expect(full.points(of(1_999), 'Sum', span)).toHaveLength(1)
    expect(full.points(of(2_000), 'Sum', span)).toEqual([])
  })
})

describe('CloudWatch, asked by the SDK', () => {
  let endpoint: Endpoint
  let cloudWatch: CloudWatch
  let client: CloudWatchClient
  let mayRead = true
  const said: string[] = []
  beforeAll(async () => {
    cloudWatch = startCloudWatch((part, line) => void said.push(`${part}: ${line}`))
    const caller = { name: 'operator', may: (action: string) => mayRead && action !== '' }
    endpoint = await startEndpoint({
      ...{ host: '127.0.0.1', port: 0, log: () => {}, signatures: 'unchecked' as const },
      signers: () => ({ caller, secretAccessKey: 'secret' }),
      services: [cloudWatch.service],
    })
    client = new CloudWatchClient({
      ...{ endpoint: endpoint.url, region: 'us-east-1', maxAttempts: 1 },
      credentials: { accessKeyId: 'AKIA', secretAccessKey: 'secret' },
    })
    cloudWatch.addFilter({
      FilterPattern: '{ $.order = "*" }',
      LogGroupName: '/aws/lambda/shop',
      MetricTransformations: [
        {
          ...{ MetricNamespace: 'App', MetricName: 'Orders', MetricValue: '$.count' },
          Dimensions: [{ Key: 'stage', Value: '$.stage' }],
        },
      ],
    })
  })
  afterAll(async () => {
    client.destroy()
    await endpoint.close()
  })

  const query = (Id: string, Stat: string, MetricName = 'Orders'): MetricDataQuery => ({
    Id,
    MetricStat: {
      ...{ Stat, Period: 300 },
      Metric: { Namespace: 'App', MetricName, Dimensions: [{ Name: 'stage', Value: 'test' }] },
    },
  })
  const ask = (queries: MetricDataQuery[], more: Partial<GetMetricDataCommandInput> = {}) =>
    client.send(
      new GetMetricDataCommand({
        ...{ MetricDataQueries: queries, StartTime: new Date(Date.now() - 120_000) },
        ...{ EndTime: new Date(Date.now() + 120_000), ...more },
      }),
    )

  test('tells what filters and embedded metrics make of the lines of a function', async () => {
    const line = { order: 'x', count: 3, stage: 'test' }
    cloudWatch.hear('shop', JSON.stringify(line))
    cloudWatch.hear('shop', JSON.stringify({ ...line, count: 4 }))
    cloudWatch.hear('other', JSON.stringify(line))
    cloudWatch.hear('shop', 'no JSON')
    const _aws = {
      CloudWatchMetrics: [
        { Namespace: 'App', Dimensions: [['stage']], Metrics: [{ Name: 'Time' }] },
      ],
    }
    cloudWatch.hear('other', JSON.stringify({ _aws, Time: [5, 7, 9], stage: 'test' }))
    const { MetricDataResults: results = [] } = await ask([
      query('orders', 'Sum'),
      query('time', 'p90', 'Time'),
      query('none', 'Sum', 'Nothing'),
    ])
    expect(results.map(({ Id, Values, StatusCode }) => [Id, Values, StatusCode])).toEqual([
      ['orders', [7], 'Complete'],
      ['time', [9], 'Complete'],
      ['none', [], 'Complete'],
    ])
    expect(results[0]?.Timestamps?.[0]).toBeInstanceOf(Date)
  })

  test.each<[string, MetricDataQuery[], Partial<GetMetricDataCommandInput>]>([
    ['no query', [], {}],
    ['an expression', [{ Id: 'sum', Expression: 'SUM(METRICS())' }], {}],
    ['a statistic that it does not know', [query('a', 'tm90')], {}],
    ['a span that ends before it begins', [query('a', 'Sum')], { EndTime: new Date(0) }],
  ])('refuses %s', async (_what, queries, more) => {
    await expect(ask(queries, more)).rejects.toThrow(
      expect.objectContaining({ name: expect.stringMatching(/^InvalidParameterValue/) }),
    )
  })

  test('refuses who may not', async () => {
    mayRead = false
    await expect(ask([query('a', 'Sum')])).rejects.toThrow(/cloudwatch:GetMetricData/)
    mayRead = true
  })

  test('says which pattern it cannot read', () => {
    cloudWatch.addFilter({
      ...{ FilterPattern: 'ERROR', LogGroupName: '/aws/lambda/shop', MetricTransformations: [] },
    })
    expect(said).toEqual(['cloudwatch: makes no metric of the filter pattern ERROR'])
  })
})
