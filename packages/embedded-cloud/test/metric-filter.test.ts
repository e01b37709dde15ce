import { describe, expect, test } from 'vitest'
import { embedded, filtered, type MetricFilter, matches } from '../src/metrics/metric-filter.ts'

const accept = '/aws/lambda/heliograph-prod-accept'
const refused = '{ ($.message = "request refused") && ($.status = 410) }'

const daysLeft = '{ ($.daysLeft >= 0) || ($.daysLeft < 0) }'

describe('a filter pattern', () => {
  test.each([
    ['{ $.outcome = "*" }', { outcome: 'stored' }, true],
    ['{ $.outcome = "*" }', { message: 'x' }, false],
    ['{ $.outcome = "delivered" }', { outcome: 'delivered' }, true],
    ['{ $.outcome = "delivered" }', { outcome: 'drained' }, false],
    ['{ $.outcome != "delivered" }', { outcome: 'drained' }, true],
    ['{ $.outcome != "delivered" }', {}, false],
    ['{ ($.outcome = "*") && ($.recipients NOT EXISTS) }', { outcome: 'stored' }, true],
    ['{ ($.outcome = "*") && ($.recipients NOT EXISTS) }', { outcome: 'x', recipients: 2 }, false],
    ['{ $.recipients > 0 }', { recipients: 2 }, true],
    ['{ $.recipients > 0 }', { recipients: 0 }, false],
    ['{ $.recipients > 0 }', {}, false],
    [refused, { message: 'request refused', status: 410 }, true],
    [refused, { message: 'request refused', status: 400 }, false],
    [refused, { message: 'request refused', status: '410' }, false],
    [refused, { status: 410 }, false],
    [daysLeft, { daysLeft: 12 }, true],
    [daysLeft, { daysLeft: -1 }, true],
    [daysLeft, {}, false],
    ['{ $.a = 1 || $.b = 2 }', { b: 2 }, true],
    ['{ $.a = 1 || $.b = 2 }', { b: 1 }, false],
    ['{ $.a <= 1 }', { a: 1 }, true],
    ['{ $.a < 1 }', { a: 1 }, false],
    ['{ $.a >= 2 }', { a: 1 }, false],
    ['{ $.a != 2 }', { a: 2 }, false],
  ])('%s on %j: %s', (pattern, line, expected) => expect(matches(pattern, line)).toBe(expected))

  test.each([
    'ERROR',
    '{ $.a > "text" }',
    '{ ($.a = 1 || $.b = 2) && $.c = 3 }',
    '{ $.a IS NULL }',
  ])('%s is not passed over in silence', (pattern) =>
    expect(() => matches(pattern, { a: 1 })).toThrow(/filter pattern/),
  )
})

describe('a metric filter', () => {
  const time: MetricFilter = {
    FilterPattern: '{ $.outcome = "delivered" }',
    LogGroupName: accept,
    MetricTransformations: [
      {
        MetricNamespace: 'Heliograph',
        MetricName: 'DeliveryTime',
        MetricValue: '$.age',
        Dimensions: [{ Key: 'stage', Value: '$.stage' }],
      },
    ],
  }
  const line = (fields: object) => JSON.stringify({ outcome: 'delivered', ...fields })
  const values = (text: string, group = accept) => filtered([time], group, text, 7)

  test('makes a value of a field, with the dimensions of the line', () => {
    expect(values(line({ age: 12, stage: 'prod' }))).toEqual([
      {
        ...{ namespace: 'Heliograph', name: 'DeliveryTime' },
        ...{ dimensions: { stage: 'prod' }, value: 12, time: 7 },
      },
    ])
  })

  test.each([
    ['of another log group', line({ age: 12, stage: 'prod' }), `${accept}-other`],
    ['that is not JSON', 'ERROR {', accept],
    ['that is not an object', '12', accept],
    ['without the value', line({ stage: 'prod' }), accept],
    ['whose value is no number', line({ age: 'soon', stage: 'prod' }), accept],
    ['without a dimension', line({ age: 12 }), accept],
  ])('makes nothing of a line %s', (_name, text, group) => expect(values(text, group)).toEqual([]))
})

describe('a metric in a line', () => {
  const _aws = {
    CloudWatchMetrics: [
      { Namespace: 'N', Dimensions: [['stage'], ['stage', 'topic']], Metrics: [{ Name: 'Time' }] },
    ],
  }
  const line = (fields: object) => JSON.stringify({ stage: 'prod', topic: 'a', ...fields })

  test('makes a value of each, for each set of dimensions', () => {
    const made = embedded(line({ _aws, Time: [3, 4] }), 7)
    expect(made.map(({ value, dimensions }) => [value, dimensions])).toEqual([
      [3, { stage: 'prod' }],
      [4, { stage: 'prod' }],
      [3, { stage: 'prod', topic: 'a' }],
      [4, { stage: 'prod', topic: 'a' }],
    ])
    expect(made[0]).toMatchObject({ namespace: 'N', name: 'Time', time: 7 })
    expect(embedded(line({ _aws, Time: 5 }), 7)).toHaveLength(2)
  })

  test.each([
    ['no JSON'],
    [line({ Time: [3] })],
    [line({ _aws })],
    [line({ _aws, Time: 'soon' })],
    [line({ _aws: 5, Time: 5 })],
    [line({ _aws: { CloudWatchMetrics: [null, 5, { Metrics: 5 }] }, Time: 5 })],
    [
      line({
        _aws: { CloudWatchMetrics: [{ Metrics: [{ Name: 'Time' }], Dimensions: 5 }] },
        Time: 5,
      }),
    ],
  ])('makes none of %s', (text) => expect(embedded(text, 7)).toEqual([]))
})
