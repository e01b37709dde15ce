import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { CANARY_TOPIC, canaryLimits } from '@heliograph/protocol/canary'
import { outcomeKinds } from '@heliograph/protocol/outcome'
import { priorities } from '@heliograph/protocol/priority'
import { pushTypes } from '@heliograph/protocol/push-type'
import { Match } from 'aws-cdk-lib/assertions'
import { describe, expect, test } from 'vitest'
import { inspectedCertificates, metricNames } from '../../lib/metrics.ts'
import { prodContext, prodTarget, resourcesOf, templatesOf, wholeContext } from './app.ts'

const { operations } = templatesOf(wholeContext, prodTarget)
const silent = templatesOf({ ...wholeContext, alarmEmail: '' }, prodTarget).operations
const runbook = readFileSync(
  fileURLToPath(new URL('../../docs/runbook.md', import.meta.url)),
  'utf8',
)

function alarms() {
  return resourcesOf([operations], 'AWS::CloudWatch::Alarm').map(([, { Properties }]) => Properties)
}

const alarmNames = alarms().map(({ AlarmName }) => AlarmName.replace('heliograph-prod-', ''))

function alarmOf(name: string) {
  const found = alarms().find(({ AlarmName }) => AlarmName === `heliograph-prod-${name}`)
  if (!found) throw new Error(`no alarm ${name}`)
  return found
}

function metricsOf(alarm: Record<string, unknown>): string {
  return JSON.stringify([alarm.Metrics, alarm.MetricName, alarm.Namespace, alarm.Dimensions])
}

describe('the runbook', () => {
  const section = (name: string) =>
    runbook.split(/^## /m).find((part) => part.startsWith(`${name}\n`)) ?? ''

  test('has a section for every alarm, and for nothing else', () => {
    const headings = [...runbook.matchAll(/^## (.+)$/gm)].map(([, heading]) => heading)
    expect(headings.sort()).toEqual([...alarmNames].sort())
  })

  test.each(alarmNames)('says of %s what it means, how to look and what to do', (name) => {
    for (const part of ['**What it means.**', '**How to look.**', '**What to do.**'])
      expect(section(name)).toContain(part)
  })
})

describe('alarms', () => {
  test('say what is wrong, and are quiet while nothing is measured', () => {
    for (const { AlarmName, AlarmDescription, TreatMissingData } of alarms()) {
      expect(AlarmDescription).toMatch(/^\w.{20,}/)
      const isAboutSilence = AlarmName === 'heliograph-prod-canary-silent'
      expect(TreatMissingData).toBe(isAboutSilence ? 'breaching' : 'notBreaching')
    }
  })

  test.each([
    ['notifications-dead-lettered', /NotificationsDeadLettersQueue/],
    ['events-dead-lettered', /EventsQueue/],
    ['rule-errors', /RulesQueue/],
  ])('%s goes off at the first message', (name, queue) => {
    expect(alarmOf(name)).toMatchObject({
      MetricName: 'ApproximateNumberOfMessagesVisible',
      Threshold: 0,
      ComparisonOperator: 'GreaterThanThreshold',
      EvaluationPeriods: 1,
    })
    expect(metricsOf(alarmOf(name))).toMatch(queue)
  })

  test('watch every function that is not only called by CloudFormation', () => {
    const watched = alarms().map(metricsOf).join()
    const functions = ['Accept', 'Deliver', 'Feedback', 'Activate', 'Expire', 'Register', 'Connect']
    for (const name of [...functions, 'Unregister', 'Renew', 'Rotate', 'Inspect'])
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

  test('a CA that would end before a device certificate of today is told', () => {
    expect(alarmOf('authority-expires')).toMatchObject({
      Threshold: 825,
      ComparisonOperator: 'LessThanThreshold',
    })
    for (const certificate of inspectedCertificates)
      expect(metricsOf(alarmOf('authority-expires'))).toContain(certificate)
  })

  test("the domain's certificate is told 30 days before its end", () => {
    const metrics = metricsOf(alarmOf('domain-certificate-expires'))
    expect(alarmOf('domain-certificate-expires')).toMatchObject({ Threshold: 30 })
    for (const arn of [prodContext.certificateArn, prodContext.tokenCertificateArn])
      expect(metrics).toContain(`{"Name":"CertificateArn","Value":"${arn}"}`)
    expect(metrics).toContain('DaysToExpiry')
  })
})

describe('uses of the keys', () => {
  function patternOf(name: string): string {
    const rules = resourcesOf([operations], 'AWS::Events::Rule')
    const [, rule] =
      rules.find(([, { Properties: p }]) => p.Name === `heliograph-prod-${name}`) ?? []
    expect(rule?.Properties.State).toBe('ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS')
    expect(JSON.stringify(rule?.Properties.Targets)).toMatch(/KeysUsesQueue/)
    return JSON.stringify(rule?.Properties.EventPattern)
  }

  test.each([
    ['provider-ca-used', 'Sign', /VaultProviderAuthorityKey/],
    ['device-ca-misused', 'Sign', /VaultDeviceAuthorityKey/],
    ['token-keys-misused', 'Decrypt', /VaultTokenWrapKey/],
  ])('%s are kept and counted', (name, event, key) => {
    expect(patternOf(name)).toContain(`"eventName":["${event}"]`)
    expect(patternOf(name)).toMatch(key)
  })

  test('by our own functions are none, and those of a user without a role are', () => {
    for (const role of ['Activate', 'Renew', 'Authority'])
      expect(patternOf('device-ca-misused')).toContain(`${role}Role`)
    for (const role of ['Accept', 'Deliver', 'Register', 'Connect', 'Unregister'])
      expect(patternOf('token-keys-misused')).toContain(`${role}Role`)
    for (const name of ['device-ca-misused', 'token-keys-misused'])
      expect(patternOf(name)).toContain('{"exists":false}')
  })
})

describe('metrics of our own', () => {
  const filters = resourcesOf([operations], 'AWS::Logs::MetricFilter').map(
    ([, { Properties }]) => Properties,
  )

  test('are made of what the functions log, with the stage', () => {
    for (const { FilterPattern, MetricTransformations, LogGroupName } of filters) {
      expect(LogGroupName).toMatch(/^\/aws\/lambda\/heliograph-prod-[a-z]+$/)
      expect(FilterPattern).toMatch(/^\{ .*\$\.\w+ .*\}$/)
      expect(MetricTransformations).toHaveLength(1)
      expect(MetricTransformations[0]).toMatchObject({
        MetricNamespace: 'Heliograph',
        Dimensions: expect.arrayContaining([{ Key: 'stage', Value: '$.stage' }]),
      })
    }
  })

  test('count what each upstream function drops, by the number in its line', () => {
    const dropped = filters.filter(
      ({ MetricTransformations: [each] }) => each.MetricName === metricNames.droppedRequests,
    )
    expect(dropped.map(({ LogGroupName }) => LogGroupName.split('-').at(-1)).sort()).toEqual([
      'connect',
      'register',
      'renew',
      'unregister',
    ])
    for (const { MetricTransformations, FilterPattern } of dropped) {
      expect(MetricTransformations[0].MetricValue).toBe('$.dropped')
      expect(FilterPattern).toContain('a device asks too often')
    }
    expect(metricsOf(alarmOf('device-floods'))).toContain(metricNames.droppedRequests)
  })

  test('stand in one list', () => {
    const filtered = filters.map(({ MetricTransformations: [each] }) => each.MetricName)
    // deliver's lines carry these themselves, and the canary's
    const inLines = [metricNames.deliveryTime, metricNames.storedDeliveryTime]
    const ofCanary = [metricNames.canaryAcceptance, metricNames.canaryDevice]
    const made = [...filtered, ...inLines, ...ofCanary]
    expect([...new Set(made)].sort()).toEqual(Object.values(metricNames).sort())
  })
})

describe('topics', () => {
  const counted = { ...prodContext, countedTopics: 'com.example.a,com.example.b' }
  const filtersOf = (context: Record<string, string>) =>
    resourcesOf([templatesOf(context, prodTarget).operations], 'AWS::Logs::MetricFilter').map(
      ([, { Properties }]) => Properties,
    )
  const dimensionsOf = ({ MetricTransformations: [each] }: ReturnType<typeof filtersOf>[number]) =>
    each.Dimensions.map(({ Key, Value }: { Key: string; Value: string }) => `${Key}: ${Value}`)

  test('are in no metric unless the stage names some', () => {
    const text = JSON.stringify([filtersOf(prodContext), operations])
    expect(text).not.toContain('countedTopic')
    expect(text).not.toContain('by topic, per minute')
  })

  test('are counted by outcome, and what is accepted by push type and priority', () => {
    const byTopic = filtersOf(counted).filter((filter) =>
      dimensionsOf(filter).includes('countedTopic: $.countedTopic'),
    )
    const others = byTopic.map((filter) => [
      filter.LogGroupName.split('-').at(-1),
      dimensionsOf(filter).at(-1),
    ])
    expect(others).toEqual([
      ['accept', 'outcome: $.outcome'],
      ['deliver', 'outcome: $.outcome'],
      ['unregister', 'outcome: $.outcome'],
      ['expire', 'outcome: $.outcome'],
      ['accept', 'pushType: $.pushType'],
      ['accept', 'priority: $.priority'],
    ])
    for (const { MetricTransformations } of byTopic)
      expect(MetricTransformations[0]).toMatchObject({
        MetricName: metricNames.notifications,
        MetricValue: '$.count',
      })
  })

  test('are as many metrics each as docs/cost.md says', () => {
    const ways = [metricNames.deliveryTime, metricNames.storedDeliveryTime]
    const each = [outcomeKinds, Object.keys(pushTypes), priorities, ways].flat().length
    const page = readFileSync(new URL('../../docs/cost.md', import.meta.url), 'utf8')
    expect(page).toContain(`at most ${each} metrics`)
  })

  test('are on the dashboard, with what all others come to', () => {
    const { operations: own } = templatesOf(counted, prodTarget)
    const body = JSON.stringify(resourcesOf([own], 'AWS::CloudWatch::Dashboard'))
    for (const topic of ['com.example.a', 'com.example.b', 'other'])
      for (const kind of outcomeKinds)
        expect(body.replaceAll('\\', '')).toContain(
          `"Notifications","countedTopic","${topic}","outcome","${kind}"`,
        )
  })

  test('are told to every function that logs outcomes', () => {
    const { providers, devices } = templatesOf(counted, prodTarget)
    const told = resourcesOf([providers, devices], 'AWS::Lambda::Function').flatMap(
      ([, { Properties }]) => Properties.Environment?.Variables.COUNTED_TOPICS ?? [],
    )
    expect(told.map((each) => JSON.parse(each))).toEqual(
      Array(4).fill(['com.example.a', 'com.example.b']),
    )
  })

  test.each([
    [{ countedTopics: 'com example' }, /is not a bundle id/],
    [{ countedTopics: Array.from({ length: 21 }, (_, n) => `com.a${n}`).join() }, /at most 20/],
    [
      { countedTopics: Array.from({ length: 10 }, (_, n) => `com.${'a'.repeat(220)}${n}`).join() },
      /fit into a function's variables/,
    ],
  ])('%j ends synthesis with a sentence', (context, sentence) => {
    expect(() => templatesOf({ ...prodContext, ...context }, prodTarget)).toThrow(sentence)
  })
})

describe('the canary', () => {
  const without = templatesOf({ ...wholeContext, canary: 'false' }, prodTarget)
  const rule = () =>
    resourcesOf([operations], 'AWS::Events::Rule').find(
      ([, { Properties }]) => Properties.ScheduleExpression === 'rate(1 minute)',
    )?.[1]
  const flier = () => {
    const [found] = ofCanary('AWS::Lambda::Function')
    if (!found) throw new Error('there is no canary')
    return found[1].Properties
  }
  const ofCanary = (type: string) =>
    resourcesOf([operations], type).filter(([id]) => id.startsWith('Canary'))

  test('is called every minute, and not again where it failed', () => {
    expect(JSON.stringify(rule()?.Properties.Targets)).toContain('Canary')
    expect(
      ofCanary('AWS::Lambda::EventInvokeConfig').map(([, { Properties }]) => Properties),
    ).toEqual([expect.objectContaining({ MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60 })])
  })

  test('has its own concurrency and none of the others’, and ends before it is called again', () => {
    const { ReservedConcurrentExecutions, Timeout } = flier()
    expect(ReservedConcurrentExecutions).toBe(1)
    expect(Timeout).toBeLessThan(60)
    const limits = Object.values(canaryLimits).reduce((sum, ms) => sum + ms, 0)
    expect(limits / 1000).toBeLessThan(Timeout - 5)
    const watched = alarms()
      .filter(({ AlarmName }) => !AlarmName.includes('canary'))
      .map(metricsOf)
    expect(watched.join()).not.toContain('Canary')
  })

  test('leaves its account what it cannot set aside', () => {
    const small = templatesOf({ ...wholeContext, reserveConcurrency: 'false' }, prodTarget)
    const all = resourcesOf([small.operations], 'AWS::Lambda::Function')
    for (const [, { Properties }] of all)
      expect(Properties.ReservedConcurrentExecutions).toBeUndefined()
  })

  test('adds its execution to those that deploy.md tells an account to allow', () => {
    // Lambda keeps a hundred unreserved (AWS Lambda: "Reserved concurrency")
    const needed = (stage: ReturnType<typeof templatesOf>) =>
      resourcesOf(Object.values(stage), 'AWS::Lambda::Function').reduce(
        (sum, [, { Properties }]) => sum + (Properties.ReservedConcurrentExecutions ?? 0),
        100,
      )
    const [plain, whole] = [without, templatesOf(wholeContext, prodTarget)].map(needed)
    const page = readFileSync(new URL('../../docs/deploy.md', import.meta.url), 'utf8')
    expect(page).toContain(`fewer than ${plain} concurrent executions (${whole} with a canary)`)
    expect(() => templatesOf({ ...wholeContext, reserveConcurrency: 'no' }, prodTarget)).toThrow(
      `cannot run ${plain} functions at the same time (${whole} with a canary)`,
    )
  })

  test('sends to the domain of providers', () => {
    expect(flier().Environment.Variables.PROVIDER_URL).toBe('https://push.example.com')
  })

  test('is nobody once its stack is gone, also where the stage keeps its data', () => {
    for (const type of ['AWS::DynamoDB::Table', 'AWS::KMS::Key'])
      for (const [, { DeletionPolicy, Properties }] of ofCanary(type)) {
        expect(DeletionPolicy).toBe('Delete')
        expect(Properties.DeletionProtectionEnabled ?? false).toBe(false)
      }
  })

  test.each([
    ['canary-late', 5_000, 'GreaterThanThreshold', 'Maximum'],
    ['canary-silent', 1, 'LessThanThreshold', 'SampleCount'],
  ])('%s goes off after three minutes of five', (name, threshold, comparison, statistic) => {
    expect(alarmOf(name)).toMatchObject({
      ...{ EvaluationPeriods: 5, DatapointsToAlarm: 3 },
      ...{ Threshold: threshold, ComparisonOperator: comparison },
      Metrics: [
        {
          MetricStat: {
            ...{ Period: 60, Stat: statistic },
            Metric: {
              ...{ Namespace: 'Heliograph', MetricName: 'CanaryDeviceTime' },
              Dimensions: [{ Name: 'stage', Value: 'prod' }],
            },
          },
        },
      ],
    })
  })

  test('is late when the stage says so', () => {
    const context = { ...wholeContext, canaryLateSeconds: '2' }
    const own = resourcesOf([templatesOf(context, prodTarget).operations], 'AWS::CloudWatch::Alarm')
    const late = own.find(([, { Properties }]) => Properties.AlarmName.endsWith('canary-late'))
    expect(late?.[1].Properties.Threshold).toBe(2_000)
  })

  test('is on the dashboard', () => {
    const body = JSON.stringify(resourcesOf([operations], 'AWS::CloudWatch::Dashboard'))
    for (const name of ['CanaryAcceptanceTime', 'CanaryDeviceTime']) expect(body).toContain(name)
  })

  test('is heard of by no subscriber, and in receipts only where something went wrong', () => {
    const settingsOf = (context: Record<string, string>) => {
      const { Outputs } = templatesOf({ ...wholeContext, ...context }, prodTarget).state.toJSON()
      const read = (name: string) => JSON.parse(Outputs[name].Value)
      return [read('ReceiptSettings'), read('EventSettings')]
    }
    const topics = (level: string) => ({ [CANARY_TOPIC]: level })
    expect(settingsOf({})).toEqual([
      { default: 'off', topics: topics('off') },
      { default: 'off', topics: topics('off') },
    ])
    expect(settingsOf({ receipts: 'all', events: 'all' })).toEqual([
      { default: 'all', topics: topics('exceptions') },
      { default: 'all', topics: topics('off') },
    ])
    const asked = { receiptTopics: `${CANARY_TOPIC}=all`, eventTopics: `${CANARY_TOPIC}=tokens` }
    expect(settingsOf(asked)).toMatchObject([
      { topics: topics('all') },
      { topics: topics('tokens') },
    ])
  })

  test('does not let receipts and events cost anything where they are off', () => {
    const mappings = resourcesOf(
      [templatesOf(wholeContext, prodTarget).providers],
      'AWS::Lambda::EventSourceMapping',
    )
    const off = mappings.filter(([, { Properties }]) => Properties.Enabled === false)
    expect(off.map(([id]) => id.replace(/Sqs.*/, '')).sort()).toEqual([
      expect.stringContaining('Announce'),
      expect.stringContaining('Record'),
    ])
  })

  test('is in no stage that does not ask for it', () => {
    const text = JSON.stringify(Object.values(without).map((template) => template.toJSON()))
    expect(text).not.toMatch(/canary/i)
    const byDefault = templatesOf(prodContext, prodTarget)
    expect(JSON.stringify(byDefault.operations.toJSON())).not.toMatch(/canary/i)
  })

  test.each([
    [{ canary: 'yes' }, /cannot have canary "yes"/],
    [{ canaryLateSeconds: '0' }, /canaryLateSeconds 0 is not between 1 and 20/],
    [{ canaryLateSeconds: '21' }, /canaryLateSeconds 21 is not between 1 and 20/],
  ])('%j ends synthesis with a sentence', (context, sentence) => {
    expect(() => templatesOf({ ...wholeContext, ...context }, prodTarget)).toThrow(sentence)
  })
})

describe('what AWS asks of the watch', () => {
  test('CloudWatch of this account, and no other, may tell the topic', () => {
    const [[, policy] = []] = resourcesOf([operations], 'AWS::SNS::TopicPolicy')
    const allowed = policy?.Properties.PolicyDocument.Statement.filter(
      ({ Effect }: { Effect: string }) => Effect === 'Allow',
    )
    expect(allowed).toEqual([
      {
        Sid: expect.any(String),
        Action: 'sns:Publish',
        Effect: 'Allow',
        Principal: { Service: 'cloudwatch.amazonaws.com' },
        Resource: { Ref: expect.stringContaining('Topic') },
        Condition: { StringEquals: { 'aws:SourceAccount': '111111111111' } },
      },
    ])
  })

  test('a filter of a log group of its own stack is made after the group', () => {
    const groups = resourcesOf([operations], 'AWS::Logs::LogGroup')
    const own = new Map(groups.map(([id, { Properties }]) => [Properties.LogGroupName, id]))
    const filters = resourcesOf([operations], 'AWS::Logs::MetricFilter').filter(
      ([, { Properties }]) => own.has(Properties.LogGroupName),
    )
    expect(filters).toHaveLength(1)
    for (const [, { Properties, DependsOn }] of filters)
      expect(DependsOn).toContain(own.get(Properties.LogGroupName))
  })

  test('days that are left are matched as numbers', () => {
    const [[, filter] = []] = resourcesOf([operations], 'AWS::Logs::MetricFilter').filter(([id]) =>
      id.includes('daysleft'),
    )
    expect(filter?.Properties.FilterPattern).toBe('{ ($.daysLeft >= 0) || ($.daysLeft < 0) }')
  })

  test('a sum does not wait for functions that were not called', () => {
    const sums = alarms()
      .flatMap(({ Metrics }) => Metrics ?? [])
      .filter(({ Expression }) => Expression?.includes(' + '))
    expect(sums.length).toBeGreaterThan(4)
    for (const { Expression } of sums) expect(Expression).not.toMatch(/(?<!FILL\()\bf\d/)
  })

  test('rules are counted without a dimension, and messages by protocol', () => {
    const body = JSON.stringify(resourcesOf([operations], 'AWS::CloudWatch::Dashboard')).replaceAll(
      '\\',
      '',
    )
    expect(body).toMatch(/"AWS\/IoT","RulesExecuted",\{/)
    const broker = ['Connect.Success', 'Connect.AuthError', 'Connect.Throttle', 'PublishIn.Success']
    for (const name of broker) expect(body).toContain(`"AWS/IoT","${name}","Protocol","MQTT"`)
  })

  test('access logs lie where API Gateway needs no resource policy for each', () => {
    const stages = templatesOf(prodContext, prodTarget)
    const names = resourcesOf([stages.providers, stages.devices], 'AWS::Logs::LogGroup').map(
      ([, { Properties }]) => Properties.LogGroupName,
    )
    expect(names.filter((name) => name.includes('apigateway'))).toEqual([
      '/aws/vendedlogs/apigateway/heliograph-prod-providers',
      '/aws/vendedlogs/apigateway/heliograph-prod-activation',
    ])
  })
})

describe('the dashboard', () => {
  const [[, dashboard] = []] = resourcesOf([operations], 'AWS::CloudWatch::Dashboard')
  const body = plain(dashboard?.Properties.DashboardBody)

  test('shows every outcome, every alarm, and what waits', () => {
    for (const outcome of outcomeKinds) expect(body).toContain(`"outcome","${outcome}"`)
    for (const metric of ['DeliveryTime', 'Gone', 'ApproximateAgeOfOldestMessage', 'Throttles'])
      expect(body).toContain(metric)
    const shown = JSON.parse(body).widgets[0].properties.alarms
    expect(shown).toHaveLength(alarmNames.length)
  })

  test('fits on a page: 24 columns, no widget over another', () => {
    const { widgets } = JSON.parse(body) as {
      widgets: { x: number; y: number; width: number; height: number; type: string }[]
    }
    expect(widgets.length).toBeGreaterThan(10)
    for (const { x, width } of widgets) expect(x + width).toBeLessThanOrEqual(24)
    const cells = widgets.flatMap(({ x, y, width, height }) =>
      Array.from(
        { length: width * height },
        (_, i) => `${x + (i % width)},${y + Math.floor(i / width)}`,
      ),
    )
    expect(new Set(cells).size).toBe(cells.length)
  })

  /** The body with a word in place of what only the deployment knows. */
  function plain(value: { 'Fn::Join': [string, unknown[]] }): string {
    const [separator, parts] = value['Fn::Join']
    return parts.map((part) => (typeof part === 'string' ? part : 'token')).join(separator)
  }
})
