import { describe, expect, test } from 'vitest'
import { filtered, type MetricFilter, matches } from './metric-filter.ts'

const accept = '/aws/lambda/heliograph-prod-accept'
const refused = '{ ($.message = "request refused") && ($.status = 410) }'

describe('a filter pattern', () => {
  test.each([
    ['{ $.outcome = "*" }', { outcome: 'stored' }, true],
    ['{ $.outcome = "*" }', { message: 'x' }, false],
    ['{ $.outcome = "delivered" }', { outcome: 'delivered' }, true],
    ['{ $.outcome = "delivered" }', { outcome: 'drained' }, false],
    ['{ $.outcome != "delivered" }', { outcome: 'drained' }, true],
    ['{ $.outcome != "delivered" }', {}, false],
    [refused, { message: 'request refused', status: 410 }, true],
    [refused, { message: 'request refused', status: 400 }, false],
    [refused, { message: 'request refused', status: '410' }, false],
    [refused, { status: 410 }, false],
  ])('%s on %j: %s', (pattern, line, expected) => expect(matches(pattern, line)).toBe(expected))

  test.each(['ERROR', '{ $.a = 1 || $.b = 2 }', '{ $.a IS NULL }'])(
    '%s is not passed over in silence',
    (pattern) => expect(() => matches(pattern, { a: 1 })).toThrow(/filter pattern/),
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
    ['that is no JSON', 'ERROR {', accept],
    ['that is no object', '12', accept],
    ['without the value', line({ stage: 'prod' }), accept],
    ['whose value is no number', line({ age: 'soon', stage: 'prod' }), accept],
    ['without a dimension', line({ age: 12 }), accept],
  ])('makes nothing of a line %s', (_name, text, group) => expect(values(text, group)).toEqual([]))
})
