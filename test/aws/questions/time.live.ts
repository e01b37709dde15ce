import { readFileSync } from 'node:fs'
import http2 from 'node:http2'
import { GetAccountSettingsCommand } from '@aws-sdk/client-lambda'
import { parseEventSettings } from '@heliograph/core/events/event-settings'
import { afterAll, beforeAll, describe } from 'vitest'
import type { AwsDeployment } from '../../../packages/operator/src/aws-stage.ts'
import { canaryFunction, runCanary } from '../../../packages/operator/src/operations/canary.ts'
import { issueProvider } from '../../../packages/operator/src/operations/issue-provider.ts'
import { listenToEvents } from '../../../packages/operator/src/operations/listen-to-events.ts'
import { revokeProvider } from '../../../packages/operator/src/operations/providers.ts'
import {
  alertOf,
  pendingTexts,
  readyDevice,
  request,
  requestOn,
  startTarget,
  until,
} from '../../e2e/support.ts'
import type { Target } from '../../e2e/target.ts'
import { ask, patienceMinutes, percentiles } from '../ask.ts'
import { openFor } from '../open.ts'

let target: Target

beforeAll(async () => {
  target = await startTarget()
})

afterAll(() => target?.close())

/** Of a stage that an earlier version deployed. */
const NO_EVENTS = '{"default":"off","topics":{}}'

const topic = () => target.local.provider.topic

function connectAs(credentials: { cert: string; key: string }): http2.ClientHttp2Session {
  const { url, ca } = target.local.provider
  return http2.connect(url, { ca: readFileSync(ca), ...credentials })
}

describe('times', () => {
  ask(
    'How long do a hundred notifications take, one after the other, to the answer and to the device?',
    { expected: 'tens of milliseconds once warm' },
    async () => {
      const { device, received, token } = await readyDevice(target)
      const { cert, key } = target.local.provider
      const session = connectAs({
        cert: readFileSync(cert, 'utf8'),
        key: readFileSync(key, 'utf8'),
      })
      const [answered, arrived]: [number[], number[]] = [[], []]
      for (let n = 0; n < 100; n += 1) {
        const began = performance.now()
        const body = `{"aps":{"alert":"timed ${n}"}}`
        await requestOn(session, { token, topic: topic(), body })
        answered.push(performance.now() - began)
        await until(() => received.find((one) => alertOf(one) === `timed ${n}`))
        arrived.push(performance.now() - began)
      }
      session.close()
      await device.close()
      return `answer: ${percentiles(answered)}\ndevice: ${percentiles(arrived)}`
    },
  )

  ask(
    'How long does the canary take, to the answer and to its device?',
    {
      expected: 'below a second; or that the stage has no canary (-c canary=true)',
      matches: /^(answer \d{1,3} ms, device \d{1,3} ms|the stage has no canary)$/,
    },
    async () => {
      const deployment = await openFor(target)
      try {
        if (!(await canaryFunction(deployment))) return 'the stage has no canary'
        const report = await runCanary(deployment)
        if (!report.heard) return `not heard, it ended at ${report.step}: ${report.detail}`
        const { acceptanceMs, deviceMs } = report
        return `answer ${Math.round(acceptanceMs)} ms, device ${Math.round(deviceMs)} ms`
      } finally {
        await deployment.close()
      }
    },
  )

  ask(
    'How long after the device has it does a subscribed queue hear that a notification was delivered?',
    {
      expected:
        'below a second; or that the stage does not tell of these (-c events=all, or eventTopics)',
      matches: /^(-?\d{1,3} ms|the stage does not tell of these)$/,
    },
    async () => {
      const deployment = await openFor(target)
      try {
        return await timeToSubscriber(deployment)
      } finally {
        deployment.close()
      }
    },
  )

  async function timeToSubscriber(deployment: AwsDeployment): Promise<string> {
    const settings = parseEventSettings(deployment.outputs.EventSettings ?? NO_EVENTS)
    if ((settings.topics[topic()] ?? settings.default) !== 'all')
      return 'the stage does not tell of these'
    const { device, received, token } = await readyDevice(target)
    const ended = new AbortController()
    const heard = new Map<string, number>()
    let isReady = false
    const listening = listenToEvents(
      deployment,
      { topics: [topic()], outcomes: ['delivered'] },
      {
        ready: () => {
          isReady = true
        },
        hear: (event) => {
          if (event.type === 'notification') heard.set(event.id, performance.now())
        },
        missed: () => {},
        stop: ended.signal,
      },
    )
    try {
      await until(() => isReady || undefined)
      const { headers } = await request(target, { token })
      const id = String(headers['apns-id'])
      await until(() => received.find((one) => one.id === id))
      const arrivedAt = performance.now()
      const heardAt = await until(() => heard.get(id), 60_000)
      return `${Math.round(heardAt - arrivedAt)} ms`
    } finally {
      ended.abort()
      await listening
      await device.close()
    }
  }

  ask(
    'How long does a function take cold and warm (Lambda’s own reports of this run; deploy with -c systemLogs=all)?',
    { expected: 'accept: init below 300 ms, warm below 20 ms' },
    async () => {
      if (target.kind === 'embedded') return 'the embedded cloud writes no reports'
      const reports = () => target.logs.filter((line) => line.includes('"platform.report"'))
      await until(() => reports().length > 50 || undefined, 20_000).catch(() => {})
      const lines = ['accept', 'deliver', 'connect'].map(
        (name) => `${name}: ${summary(name, reports())}`,
      )
      return lines.join('\n')
    },
  )

  function summary(name: string, reports: readonly string[]): string {
    const own = reports.filter((line) =>
      line.startsWith(`/aws/lambda/heliograph-${target.stage}-${name}:`),
    )
    // Source: AWS Lambda, "Lambda Telemetry API Event schema reference", platform.report
    const metrics = own.map((line) => {
      const { record } = JSON.parse(line.slice(line.indexOf('{'))) as PlatformReport
      return record.metrics
    })
    if (own.length === 0) return 'no reports here: deploy with -c systemLogs=all'
    const warm = metrics.map(({ durationMs }) => durationMs)
    const cold = metrics.flatMap(({ initDurationMs }) => initDurationMs ?? [])
    return `warm ${percentiles(warm)}; cold ${cold.length ? percentiles(cold) : 'none seen'}`
  }

  ask(
    'How long after its revocation is a provider certificate refused, on a connection that stays open?',
    { expected: 'at most 30 s', matches: /^(?:[12]?\d(?:\.\d)?|30\.0) s/, minutes: 1 },
    async () => {
      const deployment = await openFor(target)
      const issued = await issueProvider(deployment, { topics: [topic()] })
      const session = connectAs({ cert: issued.certificatePem, key: issued.keyPem })
      const status = async () =>
        (await requestOn(session, { token: '0'.repeat(64), topic: topic() })).status
      // 400: let in, and told that the token is none
      await until(async () => (await status()) === 400, 40_000)
      await revokeProvider(deployment, issued.fingerprint, 'unspecified')
      const began = Date.now()
      await until(async () => (await status()) === 403, 45_000)
      session.close()
      deployment.close()
      return `${((Date.now() - began) / 1000).toFixed(1)} s`
    },
  )

  ask(
    'Does a notification with apns-expiration 0 arrive after eight minutes in which nothing was sent?',
    {
      expected: 'yes: a socket that went stale meanwhile is replaced',
      matches: /^it arrived after /,
      minutes: 10,
    },
    async () => {
      const { device, received, token } = await readyDevice(target)
      const deliver = async (alert: string) => {
        const began = performance.now()
        const headers = { 'apns-expiration': '0' }
        await request(target, { token, headers, body: JSON.stringify({ aps: { alert } }) })
        await until(() => received.some((one) => alertOf(one) === alert) || undefined)
        return `${(performance.now() - began).toFixed(0)} ms`
      }
      await deliver('before')
      await new Promise((resolve) => setTimeout(resolve, 8 * 60_000))
      const after = await deliver('after').catch(() => undefined)
      await device.close()
      return after ? `it arrived after ${after}` : 'it did not arrive'
    },
  )

  ask(
    'How many executions at a time does Lambda allow this account?',
    { expected: '1000, or ten in a fresh account', matches: /^\d{4,}/ },
    async () => {
      const deployment = await openFor(target)
      const { AccountLimit: limit } = await deployment.clients.lambda.send(
        new GetAccountSettingsCommand({}),
      )
      deployment.close()
      return `${limit?.ConcurrentExecutions}, of which ${limit?.UnreservedConcurrentExecutions} are not reserved`
    },
  )

  ask(
    'How long after its expiry does DynamoDB delete a slot?',
    { expected: 'minutes; AWS promises "within a few days"', minutes: 15 },
    async () => {
      const { device, token } = await readyDevice(target)
      await device.close()
      const text = `expires ${Date.now()}`
      const expiration = Math.floor(Date.now() / 1000) + 5
      const headers = { 'apns-expiration': String(expiration) }
      await request(target, { token, headers, body: `{"aps":{"alert":"${text}"}}` })
      const isThere = async () => (await pendingTexts(target)).some((slot) => slot.includes(text))
      await until(async () => (await isThere()) || undefined)
      const gone = until(async () => !(await isThere()) || undefined, patienceMinutes * 60_000)
      return gone.then(
        () => `${(Date.now() / 1000 - expiration).toFixed(0)} s`,
        () => `not within ${patienceMinutes} minutes`,
      )
    },
  )
})

interface PlatformReport {
  readonly record: {
    readonly metrics: { readonly durationMs: number; readonly initDurationMs?: number }
  }
}
