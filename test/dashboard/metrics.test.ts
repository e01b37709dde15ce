import { describe, expect, test } from 'vitest'
import { alarmState } from '../../tools/dashboard/alarm-state.ts'
import type { AlarmRule } from '../../tools/dashboard/body.ts'
import { answer, sourcesOf } from '../../tools/dashboard/log-query.ts'
import { Metrics, summarize } from '../../tools/dashboard/metrics.ts'

const metric = { namespace: 'N', name: 'M', dimensions: { a: '1', b: '2' } }

describe('a statistic', () => {
  test.each([
    ['Sum', 10],
    ['Average', 2.5],
    ['Minimum', 1],
    ['Maximum', 4],
    ['p50', 2],
    ['p99', 4],
    ['p0', 1],
  ])('%s of 4, 1, 3, 2 is %d', (name, expected) =>
    expect(summarize([4, 1, 3, 2], name)).toBe(expected),
  )

  test('that is not known is told', () => expect(() => summarize([1], 'tm90')).toThrow('tm90'))
})

test('values fall into the points of a span; those before and after it into none', () => {
  const metrics = new Metrics()
  for (const time of [99, 100, 109, 110, 129, 130]) metrics.add({ ...metric, time, value: 1 })
  const span = { start: 100, pointMs: 10, points: 3 }
  const turned = { ...metric, dimensions: { b: '2', a: '1' } }
  expect(metrics.series(turned, 'Sum', span)).toEqual([2, 1, 1])
  expect(metrics.series({ ...metric, name: 'O' }, 'Sum', span)).toEqual([
    undefined,
    undefined,
    undefined,
  ])
})

describe('an alarm', () => {
  const span = { start: 0, pointMs: 10, points: 6 }
  const rule: AlarmRule = {
    ...{ name: 'late', threshold: 5, below: false, periods: 2 },
    metric: { ...metric, statistic: 'Maximum', periodSeconds: 60 },
  }
  const state = (values: readonly number[], change: Partial<AlarmRule> = {}) => {
    const metrics = new Metrics()
    for (const [point, value] of values.entries())
      metrics.add({ ...metric, value, time: point * 10 })
    return alarmState({ ...rule, ...change }, metrics, span, () => true)
  }

  test.each<[string, readonly number[], 'ok' | 'alarm']>([
    ['in the last two of six periods', [0, 0, 0, 0, 6, 6], 'alarm'],
    ['in the last one only', [0, 0, 0, 0, 5, 6], 'ok'],
    ['in earlier ones', [6, 6, 6, 6, 6, 0], 'ok'],
    ['before there were no more data', [6, 6, 6, 6], 'ok'],
  ])('above its threshold %s', (_name, values, expected) => expect(state(values)).toBe(expected))

  test('looks below its threshold where it is told to', () => {
    expect(state([0, 0, 0, 0, 4, 4], { below: true })).toBe('alarm')
    expect(state([0, 0, 0, 0, 6, 6], { below: true })).toBe('ok')
  })

  test('with a period of three minutes counts three points as one', () => {
    const long = { periods: 2, metric: { ...metric, statistic: 'Maximum', periodSeconds: 180 } }
    expect(state([6, 0, 0, 0, 6, 0], long)).toBe('alarm')
  })

  test('without a metric, or with one that nobody measures, says so', () => {
    const { metric: _, ...expression } = rule
    const metrics = new Metrics()
    expect(alarmState(expression, metrics, span, () => true)).toBe('no data here')
    expect(alarmState(rule, metrics, span, () => false)).toBe('no data here')
  })
})

describe('a query of the dashboard', () => {
  const query =
    'filter ispresent(outcome)\n| stats sum(count) as n by topic, outcome\n| sort n desc'

  test('sums the lines that have the field, most first', () => {
    const one = { topic: 'a', outcome: 'stored', count: 2 }
    const two = { topic: 'a', outcome: 'accepted', count: 5 }
    expect(answer(query, [one, two, two, { topic: 'a', count: 9 }])).toEqual({
      columns: ['topic', 'outcome', 'n'],
      rows: [
        ['a', 'accepted', '10'],
        ['a', 'stored', '2'],
      ],
    })
  })

  test('of another form is told', () =>
    expect(() => answer('fields @message', [])).toThrow('is not known here: fields @message'))

  test('names its log groups', () =>
    expect(sourcesOf("SOURCE '/a/b' | SOURCE '/c' | filter x")).toEqual(['/a/b', '/c']))
})
