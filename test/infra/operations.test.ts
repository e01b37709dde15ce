import { Match } from 'aws-cdk-lib/assertions'
import { describe, expect, test } from 'vitest'
import { prodContext, prodTarget, resourcesOf, templatesOf } from './app.ts'

const { operations } = templatesOf(prodContext, prodTarget)
const silent = templatesOf({ ...prodContext, alarmEmail: '' }, prodTarget).operations

function alarms() {
  return resourcesOf([operations], 'AWS::CloudWatch::Alarm').map(([, { Properties }]) => Properties)
}

function metricsOf(alarm: Record<string, unknown>): string {
  return JSON.stringify([alarm.Metrics, alarm.MetricName, alarm.Dimensions])
}

describe('alarms', () => {
  test('are these', () => {
    expect(alarms().map(({ AlarmName }) => AlarmName.replace('heliograph-prod-', ''))).toEqual([
      'notifications-dead-lettered',
      'events-dead-lettered',
      'rule-errors',
      'notifications-late',
      'provider-path-errors',
      'device-path-errors',
      'token-key-rotation-errors',
    ])
  })

  test('say what is wrong, and are quiet while nothing is measured', () => {
    for (const { AlarmDescription, TreatMissingData } of alarms()) {
      expect(AlarmDescription).toMatch(/^\w.{20,}/)
      expect(TreatMissingData).toBe('notBreaching')
    }
  })

  test.each([
    ['notifications-dead-lettered', /NotificationsDeadLettersQueue/],
    ['events-dead-lettered', /EventsQueue/],
    ['rule-errors', /RulesQueue/],
  ])('%s goes off at the first message', (name, queue) => {
    const alarm = alarms().find(({ AlarmName }) => AlarmName === `heliograph-prod-${name}`)
    expect(alarm).toMatchObject({
      MetricName: 'ApproximateNumberOfMessagesVisible',
      Threshold: 0,
      ComparisonOperator: 'GreaterThanThreshold',
      EvaluationPeriods: 1,
    })
    expect(metricsOf(alarm ?? {})).toMatch(queue)
  })

  test('watch every function that is not only called by CloudFormation', () => {
    const watched = alarms().map(metricsOf).join()
    const functions = ['Accept', 'Deliver', 'Feedback', 'Activate', 'Expire', 'Register', 'Connect']
    for (const name of [...functions, 'Unregister', 'Renew', 'Rotate'])
      expect(watched).toContain(`${name}Function`)
  })

  test('add up no more metrics than one alarm may', () => {
    for (const { Metrics = [] } of alarms()) expect(Metrics.length).toBeLessThanOrEqual(10)
  })

  test('are told to somebody where the stage names an address', () => {
    operations.hasResourceProperties('AWS::SNS::Subscription', {
      Protocol: 'email',
      Endpoint: 'oncall@example.com',
    })
    operations.allResourcesProperties('AWS::CloudWatch::Alarm', {
      AlarmActions: [{ Ref: Match.stringLikeRegexp('Topic') }],
    })
    silent.resourceCountIs('AWS::SNS::Topic', 0)
  })
})
