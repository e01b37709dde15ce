import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, describe } from 'vitest'
import type { AwsDeployment } from '../../../packages/operator/src/aws-stage.ts'
import { startTarget, until } from '../../e2e/support.ts'
import type { Target } from '../../e2e/target.ts'
import { ask } from '../ask.ts'
import { cloudWatchForm, describeMetric, isKnown, listForm, metricsShown } from '../cloudwatch.ts'
import { openFor } from '../open.ts'
import { signedCall, textsOf } from '../signed-call.ts'

describe.runIf(process.env.TARGET === 'aws')('what watches the stage', () => {
  let target: Target
  let deployment: AwsDeployment

  beforeAll(async () => {
    target = await startTarget()
    deployment = await openFor(target)
  })

  afterAll(async () => {
    deployment?.close()
    await target?.close()
  })

  const cloudWatch = (form: URLSearchParams) =>
    signedCall(deployment, { service: 'monitoring', path: '/', form })

  const prefix = () => `heliograph-${target.stage}-`

  ask(
    'Does an alarm that goes off tell its topic?',
    {
      expected: 'Successfully executed action …; one mail',
      matches: /^Successfully executed action/,
      minutes: 1,
    },
    async () => {
      const AlarmName = `${prefix()}rule-errors`
      const alarm = await cloudWatch(
        cloudWatchForm('DescribeAlarms', { 'AlarmNames.member.1': AlarmName }),
      )
      if (!/arn:aws[\w-]*:sns:/.test(alarm)) return 'this stage has no alarmEmail'
      const StartDate = new Date(Date.now() - 1_000).toISOString()
      const set = { AlarmName, StateValue: 'ALARM', StateReason: 'npm run test:aws asks' }
      await cloudWatch(cloudWatchForm('SetAlarmState', set))
      const history = { AlarmName, HistoryItemType: 'Action', StartDate }
      const actions = async () =>
        textsOf(await cloudWatch(cloudWatchForm('DescribeAlarmHistory', history)), 'HistorySummary')
      return await until(async () => (await actions()).join('\n') || undefined, 60_000)
    },
  )

  ask(
    'In which state are the alarms?',
    { expected: 'all OK; one that is not says what this run met', matches: /^OK \d+$/ },
    async () => {
      const form = cloudWatchForm('DescribeAlarms', { AlarmNamePrefix: prefix() })
      const states = textsOf(await cloudWatch(form), 'StateValue')
      const counted = [...new Set(states)].sort().map((state) => {
        const same = states.filter((other) => other === state)
        return `${state} ${same.length}`
      })
      return counted.join(', ')
    },
  )

  ask(
    'Which metrics of the dashboard does CloudWatch know, by these dimensions?',
    {
      expected: 'all but those that count what has not happened, such as throttles and refusals',
      matches: /^(?![\s\S]*(?:Connect\.Success|Heliograph Notifications))/,
      minutes: 15,
    },
    async () => {
      const DashboardName = `${prefix()}service`
      const dashboard = await cloudWatch(cloudWatchForm('GetDashboard', { DashboardName }))
      const shown = metricsShown(textsOf(dashboard, 'DashboardBody')[0] ?? '{}')
      // a new metric is listed up to fifteen minutes after its first value
      await wait(14 * 60_000)
      const unknown: string[] = []
      for (const metric of shown)
        if (!isKnown(await cloudWatch(listForm(metric)), metric))
          unknown.push(describeMetric(metric))
      const known = shown.length - unknown.length
      return [`${known} of ${shown.length}`, ...unknown.map((one) => `not yet: ${one}`)].join('\n')
    },
  )

  ask(
    'What does heliograph stats tell of the last hour?',
    {
      expected:
        'one value for each percentile; or that the stage counts no topics (-c countedTopics=…)',
      matches: /^(received [1-9]\d*, p50 \d+|the stage counts no topics)/,
      minutes: 15,
    },
    async () => {
      const { stats } = deployment.ports
      if (!stats) return 'the stage counts no topics'
      const until = Date.now()
      const read = await stats.read({ since: until - 3_600_000, until, parts: 60 })
      const all = read?.topics ?? []
      const received = all.reduce((sum, { counts }) => sum + counts.accepted, 0)
      const [online] = all.flatMap(({ online: times }) => times ?? [])
      return `received ${received}, p50 ${online?.p50.toFixed(0)}, p99 ${online?.p99.toFixed(0)}`
    },
  )

  ask(
    'Which version of the truststore does the domain read, and does API Gateway warn of it?',
    {
      expected: 'that of the output TruststoreVersion, without warnings',
      matches: /^that of the output, without warnings$/,
    },
    async () => {
      const { hostname } = new URL(deployment.outputs.ProviderUrl)
      const path = `/v2/domainnames/${hostname}`
      const answer = JSON.parse(await signedCall(deployment, { service: 'apigateway', path }))
      const { truststoreVersion, truststoreWarnings = [] } = answer.mutualTlsAuthentication ?? {}
      const isThat = truststoreVersion === deployment.outputs.TruststoreVersion
      const version = isThat ? 'that of the output' : `${truststoreVersion}`
      const warnings = truststoreWarnings.length === 0 ? 'without warnings' : truststoreWarnings
      return `${version}, ${warnings}`
    },
  )
})
