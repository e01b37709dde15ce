import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { signedHeaders } from '../e2e/sigv4.ts'
import { describeAnswer, percentiles } from './ask.ts'
import { describeMetric, isKnown, listForm, metricsShown } from './cloudwatch.ts'
import { textsOf } from './signed-call.ts'
import { filesLeftOut, testsLeftOut } from './skips.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const page = readFileSync(join(root, 'docs', 'deploy.md'), 'utf8')

describe('what is left out on AWS', () => {
  test.each(Object.entries(filesLeftOut))('%s is there, and on the page', (file, reason) => {
    expect(existsSync(join(root, file))).toBe(true)
    expect(page).toContain(`\`${basename(file)}\` | ${reason}`)
  })

  test.each(Object.entries(testsLeftOut))('“%s” is there, and on the page', (name, reason) => {
    const tests = ['delivery.test.ts', 'refusals.test.ts'].map((file) =>
      readFileSync(join(root, 'test', 'e2e', file), 'utf8'),
    )
    expect(tests.join('\n')).toContain(name)
    expect(page).toContain(`“${name}” | ${reason}`)
  })
})

test('every question is on the page, and no other', () => {
  const folder = join(root, 'test', 'aws', 'questions')
  const sources = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'))
  const asked = sources.flatMap((source) =>
    [...source.matchAll(/ask\(\s*'([^']+)'/g)].map(([, question]) => question),
  )
  const [, listed = ''] = /\n\| question \|[^\n]*\n\|[^\n]*\n([\s\S]*?)\n\n/.exec(page) ?? []
  const questions = listed.split('\n').map((row) => row.split(' | ')[0]?.replace('| ', ''))
  expect(asked.length).toBeGreaterThan(15)
  expect(questions.sort()).toEqual(asked.sort())
})

describe('what CloudWatch says', () => {
  const member = (inside: string) => `<member>${inside}</member>`
  const dimension = (name: string, value: string) =>
    member(`<Name>${name}</Name><Value>${value}</Value>`)

  test('of an alarm that went off is the summary of its action', () => {
    // as in the answer that AWS documents for DescribeAlarmHistory
    const item = `<HistoryItemType>Action</HistoryItemType><HistorySummary>Failed to execute action arn:aws:sns:r:1:t. Received error: &quot;not authorized&quot;</HistorySummary>`
    const xml = `<AlarmHistoryItems>${member(item)}</AlarmHistoryItems>`
    expect(textsOf(xml, 'HistorySummary')).toEqual([
      'Failed to execute action arn:aws:sns:r:1:t. Received error: "not authorized"',
    ])
  })

  test('of a metric counts only by the very same dimensions', () => {
    const body = JSON.stringify({
      widgets: [
        { type: 'alarm', properties: { alarms: [] } },
        {
          properties: {
            metrics: [
              ['AWS/IoT', 'Connect.Success', 'Protocol', 'MQTT', { label: 'connected' }],
              ['AWS/IoT', 'RulesExecuted', {}],
              [{ expression: 'SUM([a])' }],
              ['AWS/IoT', 'RulesExecuted', { label: 'again' }],
            ],
          },
        },
      ],
    })
    const shown = metricsShown(body)
    expect(shown.map(describeMetric)).toEqual([
      'AWS/IoT Connect.Success Protocol=MQTT',
      'AWS/IoT RulesExecuted',
    ])
    const [connects, rules] = shown
    if (!connects || !rules) throw new Error('none')
    expect(listForm(connects).toString()).toBe(
      'Action=ListMetrics&Version=2010-08-01&Namespace=AWS%2FIoT&MetricName=Connect.Success&Dimensions.member.1.Name=Protocol&Dimensions.member.1.Value=MQTT',
    )
    const answer = (...dimensions: string[]) =>
      `<ListMetricsResult><Metrics>${member(`<Dimensions>${dimensions.join('')}</Dimensions><MetricName>M</MetricName><Namespace>N</Namespace>`)}</Metrics></ListMetricsResult>`
    expect(isKnown(answer(dimension('Protocol', 'MQTT')), connects)).toBe(true)
    expect(isKnown(answer(dimension('Protocol', 'MQTT')), rules)).toBe(false)
    expect(isKnown(answer(), rules)).toBe(true)
    expect(isKnown('<Metrics></Metrics>', rules)).toBe(false)
  })
})

test('a call is signed as the SDK signs it', () => {
  const call = {
    url: new URL('https://logs.eu-west-1.amazonaws.com/'),
    region: 'eu-west-1',
    service: 'logs',
    operation: 'Logs_20140328.FilterLogEvents',
    body: '{"logGroupName":"/aws/lambda/heliograph-test-accept"}',
  }
  const identity = {
    accessKeyId: 'AKIDEXAMPLE',
    secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
    sessionToken: 'SESSION',
  }
  const headers = signedHeaders(call, identity, new Date('2027-01-02T03:04:05Z'))
  // made with @smithy/signature-v4 from the same parts
  expect(headers.authorization).toBe(
    'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20270102/eu-west-1/logs/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target, Signature=46fac30756ed5b10c886de878bc79b528385f7b4f6c6158053dcf8b707d75b11',
  )
})

describe('an answer', () => {
  const answered = { question: 'How long?', answer: '12 s\nonce', expected: '10 s' }

  test('shows whether it was expected', () => {
    expect(describeAnswer(answered)).toBe('How long?\n    12 s\n    once\n    expected: 10 s')
    expect(describeAnswer({ ...answered, asExpected: true })).toContain('\n  = 12 s')
    expect(describeAnswer({ ...answered, asExpected: false })).toContain('\n  ≠ 12 s')
  })

  test('about times tells the middle and the tail', () => {
    const values = Array.from({ length: 100 }, (_, index) => 100 - index)
    expect(percentiles(values)).toBe('p50 50.0 ms, p99 99.0 ms, most 100.0 ms of 100')
    expect(percentiles([7])).toBe('p50 7.0 ms, p99 7.0 ms, most 7.0 ms of 1')
  })
})
