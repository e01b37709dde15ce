import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bundleFunctions } from '../../bin/bundle.ts'
import { readyCanary } from '../../bin/demo.ts'
import { variable } from '../../lambdas/settings.ts'
import { type FunctionName, functionNames } from '../../lib/functions.ts'
import { makePrivateKey, makeRequest } from '../../packages/device/src/certificate.ts'
import { defaultTuning } from '../../packages/embedded-cloud/src/cloud-options.ts'
import type { FunctionDefinition } from '../../packages/embedded-cloud/src/functions/definition.ts'
import {
  type EnvironmentSettings,
  type OpenEnvironment,
  WorkerEnvironment,
} from '../../packages/embedded-cloud/src/functions/execution-environment.ts'
import { loadTls } from '../../packages/embedded-cloud/src/tls.ts'
import {
  activatePlainly,
  alertOf,
  clientOptions,
  PlainDevice,
  readyDevice,
  request,
  startTarget,
  until,
} from '../e2e/support.ts'
import type { Target } from '../e2e/target.ts'
import { notJsonObjects } from './log-lines.ts'
import { RuntimeEnvironment } from './runtime-environment.ts'
import type { Tools } from './tools.ts'

const tools = JSON.parse(process.env.HELIOGRAPH_RUNTIME_TOOLS ?? '{}') as Tools
const folder = mkdtempSync(join(tmpdir(), 'heliograph-runtime-'))

/** What was seen of one function. */
interface Seen {
  readonly lines: string[]
  readonly events: string[]
  readonly answers: string[]
  started: readonly [FunctionDefinition, EnvironmentSettings]
}

const seen = new Map<string, Seen>()

/** Runs our functions on AWS's client; those of the CDK reach CloudFormation here as worker threads only. */
const openEnvironment: OpenEnvironment = (definition, settings) => {
  const name = /^heliograph-local-(.*)$/.exec(definition.name)?.[1]
  return name === undefined
    ? new WorkerEnvironment(definition, settings)
    : openRecorded(name, definition, settings)
}

function openRecorded(
  name: string,
  definition: FunctionDefinition,
  settings: EnvironmentSettings,
): RuntimeEnvironment {
  const started = [definition, settings] as const
  const record = seen.get(name) ?? { lines: [], events: [], answers: [], started }
  seen.set(name, record)
  const output = (line: string) => {
    record.lines.push(line.trimEnd())
    settings.output(line)
  }
  const environment = new RuntimeEnvironment(definition, { ...settings, output }, tools)
  const invoke = environment.invoke.bind(environment)
  environment.invoke = async (payload, requestId) => {
    record.events.push(payload)
    const answer = await invoke(payload, requestId)
    record.answers.push(answer)
    return answer
  }
  return environment
}

let target: Target

beforeAll(async () => {
  const tuning = { ...defaultTuning, ttlIntervalMs: 100, maxEnvironments: 1 }
  target = await startTarget({ openEnvironment, tuning })
  await liveADay()
  await checkDomain()
})

afterAll(async () => {
  await target?.close()
  rmSync(folder, { recursive: true, force: true })
})

/** Has every function of the local stage do its work once. */
async function liveADay(): Promise<void> {
  const { device, received, token } = await readyDevice(target)
  await send(token, 'to one that is there')
  await until(() => received.some((one) => alertOf(one) === 'to one that is there') || undefined)
  await device.close()
  // long enough to reach its slot on a busy machine, where each function starts for the first time
  await send(token, 'to one that is away, for a while', inSeconds(8))
  await until(() => seen.get('expire')?.answers[0], 60_000)
  await renewAndUnregister()
  await request(target, { method: 'GET', path: '/3/feedback' })
  await request(target, { method: 'GET', path: '/3/notification/x' })
  await request(target, {
    method: 'GET',
    path: `/1/apps/${target.local.provider.topic}/all-channels`,
  })
  await until(() => seen.get('record')?.answers[0], 60_000)
  await until(() => seen.get('announce')?.answers[0], 60_000)
  await invoke('inspect', { 'detail-type': 'Scheduled Event' })
  await readyCanary(target.cloud)
  await invoke('canary', { 'detail-type': 'Scheduled Event' })
}

async function renewAndUnregister(): Promise<void> {
  const activation = await activatePlainly(target)
  const device = new PlainDevice(activation)
  const { publish } = activation.answer
  const { topic } = target.local.provider
  await device.connect()
  await device.publish(publish.register, { topic })
  await device.take('heliograph/token')
  await device.publish(publish.renew, { csr: await makeRequest(makePrivateKey()) })
  await device.take('heliograph/certificate')
  await device.publish(publish.unregister, { topic })
  await until(() => seen.get('unregister')?.answers[0])
  await device.close()
}

const inSeconds = (seconds: number) => Math.floor(Date.now() / 1_000) + seconds

function send(token: string, alert: string, expiration?: number) {
  const headers = expiration === undefined ? {} : { 'apns-expiration': String(expiration) }
  return request(target, { token, headers, body: JSON.stringify({ aps: { alert } }) })
}

/** What the Lambda API says of an invocation with this event. */
async function invoke(name: string, event: unknown) {
  const client = new LambdaClient({ ...clientOptions(target), maxAttempts: 1 })
  const FunctionName = `heliograph-local-${name}`
  const command = new InvokeCommand({ FunctionName, Payload: JSON.stringify(event) })
  const { FunctionError, Payload = new Uint8Array() } = await client.send(command)
  client.destroy()
  return {
    failed: FunctionError !== undefined,
    answer: JSON.parse(Buffer.from(Payload).toString()),
  }
}

const domain = 'push.example.test'
const certificateArn = 'arn:aws:acm:us-east-1:000000000000:certificate/1'

/** The local stage has no domain: ACM and CloudFormation are played here. */
async function checkDomain(): Promise<void> {
  const tls = await loadTls(join(folder, 'tls'), [])
  const acm = createServer((asked, response) => void answerAcm(asked, response))
  const cloudFormation = createTlsServer(tls, (asked, response) => void hear(asked, response))
  const endpoint = `http://${await listen(acm)}`
  const ResponseURL = `https://${await listen(cloudFormation)}`
  const environment = openRecorded('domain', ...domainFunction(endpoint, tls.caFile))
  await environment.ready
  for (const arn of [certificateArn, 'arn:of:another']) {
    const ResourceProperties = { domain, certificateArn: arn }
    const told = { RequestType: 'Create', ResourceType: 'Custom::Domain', ResourceProperties }
    const event = { ...told, ResponseURL, LogicalResourceId: 'Domain' }
    await environment.invoke(JSON.stringify(event), randomUUID())
  }
  await environment.terminate()
  for (const server of [acm, cloudFormation]) server.close()
}

/** What CloudFormation was told about the two certificates. */
const verdicts: unknown[] = []

const hear: RequestListener = async (asked, response) => {
  verdicts.push(JSON.parse(await text(asked)))
  response.end()
}

/** Made after another function's example, as no template of the local stage has it. */
function domainFunction(
  endpoint: string,
  caFile: string,
): readonly [FunctionDefinition, EnvironmentSettings] {
  const [template, settings] = startedAs('rotate')
  const name = 'heliograph-local-domain'
  const codeFolder = join(folder, 'bundles', 'domain')
  bundleFunctions(join(folder, 'bundles'))
  const variables = {
    ...settings.variables,
    AWS_ENDPOINT_URL: endpoint,
    AWS_CA_BUNDLE: caFile,
    LAMBDA_TASK_ROOT: codeFolder,
  }
  return [
    { ...template, name, codeFolder },
    { ...settings, variables },
  ]
}

/** Starts a server on loopback; gives `localhost:<port>`. */
async function listen(server: Server): Promise<string> {
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  return `localhost:${(server.address() as AddressInfo).port}`
}

const answerAcm: RequestListener = async (asked, response) => {
  const known = (await text(asked)).includes(certificateArn)
  const day = 24 * 3600
  const Certificate = {
    DomainName: domain,
    Status: 'ISSUED',
    Type: 'AMAZON_ISSUED',
    NotAfter: Date.now() / 1_000 + 300 * day,
  }
  response.writeHead(known ? 200 : 400, { 'content-type': 'application/x-amz-json-1.1' })
  response.end(JSON.stringify(known ? { Certificate } : { __type: 'ResourceNotFoundException' }))
}

describe.each(functionNames)('%s', (name) => {
  test('initializes and answers an event of its kind', () => {
    expect(seen.get(name)?.answers.length).toBeGreaterThan(0)
  })

  test('writes nothing but JSON objects to its log, one a line', () => {
    expect(notJsonObjects(seen.get(name)?.lines ?? [])).toEqual([])
  })

  test('does not start without its variables, and says which is missing', async () => {
    const [definition, settings] = startedAs(name)
    const { [variable.stage]: _, ...variables } = settings.variables
    await expect(initialize(definition, { ...settings, variables })).rejects.toThrow(variable.stage)
  })
})

function startedAs(name: FunctionName): readonly [FunctionDefinition, EnvironmentSettings] {
  const record = seen.get(name)
  if (!record) throw new Error(`the function ${name} did not start`)
  return record.started
}

/** Starts an environment and ends it; rejects with the fault of its initialization. */
async function initialize(
  definition: FunctionDefinition,
  settings: EnvironmentSettings,
): Promise<void> {
  const environment = new RuntimeEnvironment(definition, settings, tools)
  await environment.ready
  await environment.terminate()
}

describe('the log', () => {
  test('has the outcomes that metric filters count', () => {
    const outcomes = seen.get('deliver')?.lines.map((line) => JSON.parse(line).outcome)
    expect(outcomes).toEqual(expect.arrayContaining(['delivered', 'stored']))
    expect(seen.get('expire')?.lines.map((line) => JSON.parse(line).outcome)).toContain('expired')
  })
})

describe('a bad event', () => {
  const anonymous = {
    rawPath: `/3/device/${'0'.repeat(64)}`,
    headers: {},
    requestContext: { http: { method: 'POST' } },
  }
  const anonymousReader = {
    ...anonymous,
    rawPath: '/3/feedback',
    requestContext: { http: { method: 'GET' } },
  }
  const unreadable = {
    messageId: 'm1',
    receiptHandle: 'r1',
    body: 'no notification',
    attributes: { ApproximateReceiveCount: '1' },
  }
  const answered: readonly [FunctionName, event: unknown, answer: unknown][] = [
    ['accept', anonymous, { statusCode: 403 }],
    ['feedback', anonymousReader, { statusCode: 403 }],
    ['receipt', { ...anonymousReader, rawPath: '/3/notification/x' }, { statusCode: 403 }],
    [
      'channel',
      { ...anonymousReader, rawPath: '/1/apps/com.example.app/all-channels' },
      { statusCode: 403 },
    ],
    ['record', { Records: [unreadable] }, { batchItemFailures: [{ itemIdentifier: 'm1' }] }],
    ['announce', { Records: [unreadable] }, { batchItemFailures: [{ itemIdentifier: 'm1' }] }],
    ['activate', { headers: {}, body: '{' }, { statusCode: 400 }],
    ['deliver', { Records: [unreadable] }, { batchItemFailures: [{ itemIdentifier: 'm1' }] }],
    ['expire', { Records: [{ eventID: 'e1' }] }, { batchItemFailures: [] }],
    ['connect', { deviceId: 'x' }, null],
    ['register', { deviceId: 'x' }, null],
    ['unregister', { deviceId: 'x' }, null],
    ['renew', { deviceId: 'x' }, null],
  ]
  test.each(answered)('is answered by %s, and its log stays JSON', async (name, event, answer) => {
    const { failed, answer: given } = await invoke(name, event)
    if (answer === null) expect(given).toBeNull()
    else expect(given).toMatchObject(answer as object)
    expect(failed).toBe(false)
    expect(notJsonObjects(seen.get(name)?.lines ?? [])).toEqual([])
  })

  test('of CloudFormation is answered as failed by domain, with a sentence', () => {
    expect(verdicts).toEqual([
      expect.objectContaining({ Status: 'SUCCESS' }),
      expect.objectContaining({
        Status: 'FAILED',
        Reason: expect.stringMatching(/^the certificate arn:of:another does not exist/),
      }),
    ])
  })

  const thrown: readonly FunctionName[] = ['authority', 'endpoint', 'rotate']
  test.each(thrown)('that names no place to answer fails in %s', async (name) => {
    const event = { RequestType: 'Create', ResponseURL: 'nowhere', LogicalResourceId: 'X' }
    expect(await invoke(name, event)).toMatchObject({
      failed: true,
      answer: { errorType: 'TypeError' },
    })
  })

  test('inspect fails where the truststore is not there', async () => {
    const [definition, settings] = startedAs('inspect')
    const variables = { ...settings.variables, [variable.trustBucket]: 'no-such-bucket' }
    const environment = new RuntimeEnvironment(definition, { ...settings, variables }, tools)
    await environment.ready
    await expect(environment.invoke('{}', randomUUID())).rejects.toMatchObject({
      errorType: expect.stringMatching(/NoSuchBucket|AccessDenied/),
    })
    await environment.terminate()
  })
})

describe('the judge sees', () => {
  /** Runs a module as a function once; gives what it wrote. */
  async function run(code: string): Promise<readonly string[]> {
    const codeFolder = mkdtempSync(join(folder, 'planted-'))
    writeFileSync(join(codeFolder, 'index.mjs'), code)
    const [definition, settings] = startedAs('rotate')
    const lines: string[] = []
    const output = (line: string) => void lines.push(line.trimEnd())
    const variables = { ...settings.variables, LAMBDA_TASK_ROOT: codeFolder }
    const planted = { ...settings, variables, output }
    const environment = new RuntimeEnvironment({ ...definition, codeFolder }, planted, tools)
    await environment.ready
    await environment.invoke('{}', randomUUID())
    await until(() => lines.length > 0 || undefined)
    await environment.terminate()
    return lines
  }

  test('a line by console.log, which is not JSON on Lambda', async () => {
    const lines = await run(`export const handler = async () => console.log('{"outcome":"x"}')`)
    expect(notJsonObjects(lines)).toEqual([expect.stringMatching(/\tINFO\t\{"outcome":"x"\}$/)])
  })

  test('an object that is written over several lines', async () => {
    const lines = await run(
      `export const handler = async () => { process.stdout.write(JSON.stringify({ a: 1 }, null, 2) + '\\n') }`,
    )
    expect(notJsonObjects(lines)).toEqual(['{', '  "a": 1', '}'])
  })

  test('a bundle that imports what is not in it', async () => {
    await expect(
      run(`import 'not-bundled'\nexport const handler = async () => {}`),
    ).rejects.toThrow(/Cannot find package 'not-bundled'/)
  })

  test('a bundle without its handler', async () => {
    await expect(run('export const main = async () => {}')).rejects.toMatchObject({
      errorType: 'Runtime.HandlerNotFound',
    })
  })
})
