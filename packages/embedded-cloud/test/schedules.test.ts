import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { minutesOfRate, Schedules } from '../src/schedules.ts'

const identity = { accountId: '000000000000', region: 'us-east-1' }
const functionArn = 'arn:aws:lambda:us-east-1:000000000000:function:f'
const ruleArn = 'arn:aws:events:us-east-1:000000000000:rule/r'
const minuteMs = 60_000

let calls: { readonly functionArn: string; readonly payload: string }[]
let lines: string[]

function schedules(options: { minuteMs?: number; fail?: boolean } = {}): Schedules {
  return new Schedules({
    ...{ identity, minuteMs: options.minuteMs ?? minuteMs },
    log: (part, line) => void lines.push(`${part}: ${line}`),
    invokeLater(name, payload) {
      if (options.fail) throw new Error('no such function')
      calls.push({ functionArn: name, payload })
    },
  })
}

beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse('2027-01-02T03:04:05.678Z') })
  calls = []
  lines = []
})

afterEach(() => {
  vi.useRealTimers()
})

test.each([
  ['rate(1 minute)', 1],
  ['rate(5 minutes)', 5],
  ['rate(1 hour)', 60],
  ['rate(90 days)', 129_600],
  ['rate(0 minutes)', undefined],
  ['rate(1 toString)', undefined],
  ['cron(0 12 * * ? *)', undefined],
])('%s is every %s minutes', (expression, minutes) => {
  expect(minutesOfRate(expression)).toBe(minutes)
})

test('a rule runs when its period has passed, and again after each', () => {
  const all = schedules()
  all.add({ ruleArn, everyMinutes: 2, targets: [{ functionArn }] })
  vi.advanceTimersByTime(10 * minuteMs)
  expect(calls).toEqual([])
  all.start()
  vi.advanceTimersByTime(2 * minuteMs - 1)
  expect(calls).toEqual([])
  vi.advanceTimersByTime(1)
  expect(calls).toHaveLength(1)
  vi.advanceTimersByTime(4 * minuteMs)
  expect(calls).toHaveLength(3)
  all.close()
  vi.advanceTimersByTime(10 * minuteMs)
  expect(calls).toHaveLength(3)
})

test("the function hears EventBridge's event, or what the target says instead", () => {
  const all = schedules()
  const input = '{"say":"this"}'
  all.add({ ruleArn, everyMinutes: 1, targets: [{ functionArn }, { functionArn, input }] })
  all.start()
  vi.advanceTimersByTime(minuteMs)
  all.close()
  expect(calls.map(({ functionArn: name }) => name)).toEqual([functionArn, functionArn])
  expect(calls[1]?.payload).toBe(input)
  expect(JSON.parse(calls[0]?.payload ?? '')).toEqual({
    version: '0',
    id: expect.stringMatching(/^[\da-f-]{36}$/),
    'detail-type': 'Scheduled Event',
    source: 'aws.events',
    account: '000000000000',
    time: '2027-01-02T03:05:05Z',
    region: 'us-east-1',
    resources: [ruleArn],
    detail: {},
  })
})

test('a rule that is removed, or calls what is gone, stops no other', () => {
  const all = schedules({ fail: true })
  all.add({ ruleArn, everyMinutes: 1, targets: [{ functionArn }] })
  all.add({ ruleArn: `${ruleArn}2`, everyMinutes: 1, targets: [{ functionArn }] })
  all.start()
  vi.advanceTimersByTime(minuteMs)
  expect(lines).toHaveLength(2)
  expect(lines[0]).toBe(`schedules: ${ruleArn} could not call ${functionArn}: no such function`)
  all.remove(ruleArn)
  vi.advanceTimersByTime(minuteMs)
  expect(lines).toHaveLength(3)
  all.close()
})

test('nothing runs where a minute has no length', () => {
  const all = schedules({ minuteMs: 0 })
  all.add({ ruleArn, everyMinutes: 1, targets: [{ functionArn }] })
  all.start()
  vi.advanceTimersByTime(100 * minuteMs)
  expect(calls).toEqual([])
})
