import { mkdirSync, mkdtempSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { getPriority, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { Json } from '../src/assembly/json.ts'
import type { StreamRecord } from '../src/dynamodb/stream.ts'
import { type CodeSource, linkSdk, unpackCode } from '../src/functions/code.ts'
import type { FunctionDefinition } from '../src/functions/definition.ts'
import { compileFilter } from '../src/functions/event-filter.ts'
import { FunctionHost, functionName } from '../src/functions/function-host.ts'
import type { MappingSettings } from '../src/functions/mapping.ts'
import { Permissions } from '../src/functions/permissions.ts'
import { startQueueMapping } from '../src/functions/queue-mapping.ts'
import { startStreamMapping } from '../src/functions/stream-mapping.ts'
import { newOperatorKey, Roles } from '../src/resources/roles.ts'
import type { QueueRecord } from '../src/sqs/sqs.ts'

const identity = { accountId: '000000000000', region: 'us-east-1' }
const hosts: FunctionHost[] = []

/** For what takes a moment, but for all that a busy machine may make of one. */
const LONG_MS = 60_000

afterEach(async () => {
  await Promise.all(hosts.splice(0).map((host) => host.close(0)))
})

interface Bench {
  readonly host: FunctionHost
  readonly logFolder: string
  readonly lines: string[]
  readonly sent: { queue: string; body: Json; attributes: unknown }[]
  /** Defines a function from the text of its module and gives its name. */
  define(code: string | CodeSource, more?: Partial<FunctionDefinition>): string
}

interface BenchOptions {
  readonly maxEnvironments?: number
  readonly readyEnvironments?: number
  readonly retryDelays?: number[]
  readonly eventsFile?: string
  readonly isLoaded?: () => boolean
}

function bench(options: BenchOptions = {}): Bench {
  const folder = mkdtempSync(join(tmpdir(), 'functions-'))
  const [lines, sent]: [string[], Bench['sent']] = [[], []]
  const logFolder = join(folder, 'logs')
  const host = new FunctionHost({
    identity,
    log: (part, line) => lines.push(`${part}: ${line}`),
    logFolder,
    ...(options.eventsFile === undefined ? {} : { eventsFile: options.eventsFile }),
    authority: '',
    authorityFile: '/ca.pem',
    answerPort: 0,
    endpointUrl: 'http://127.0.0.1:1',
    accessKeyOf: (role) => ({
      accessKeyId: `key-of-${role}`,
      secretAccessKey: `secret-of-${role}`,
    }),
    maxEnvironments: options.maxEnvironments ?? 2,
    readyEnvironments: options.readyEnvironments ?? options.maxEnvironments ?? 2,
    initTimeoutMs: 10_000,
    asyncRetryDelaysMs: options.retryDelays ?? [1, 1],
    isLoaded: options.isLoaded ?? (() => false),
    sendToQueue: async (queue, body, attributes) => {
      sent.push({ queue, body: JSON.parse(body), attributes })
    },
  })
  hosts.push(host)
  linkSdk(folder, [process.cwd()])
  let count = 0
  const define: Bench['define'] = (code, more = {}) => {
    count += 1
    const name = `f${count}`
    const source = typeof code === 'string' ? moduleFolder(code) : code
    host.define({
      name,
      arn: arnOf(name),
      handler: 'index.handler',
      runtime: 'nodejs24.x',
      codeFolder: unpackCode(source, join(folder, name), name),
      variables: {},
      role: 'role',
      timeoutSeconds: 5,
      memoryMegabytes: 128,
      ...more,
    })
    return name
  }
  return { host, logFolder, lines, sent, define }
}

function arnOf(name: string): string {
  return `arn:aws:lambda:us-east-1:000000000000:function:${name}`
}

function moduleFolder(code: string): CodeSource {
  const asset = mkdtempSync(join(tmpdir(), 'code-'))
  writeFileSync(join(asset, 'index.mjs'), code)
  return { asset }
}

/**
 * A function that answers with the id of its environment: at once, after so many milliseconds, or for `true` not
 * before `go` was called.
 */
function stuckUntil(): { readonly code: string; go(): void } {
  const file = join(mkdtempSync(join(tmpdir(), 'stuck-')), 'go')
  const code = `import { existsSync } from 'node:fs'
    const id = Math.random()
    const wait = (ms) => new Promise((done) => setTimeout(done, ms))
    export const handler = async (event) => {
      if (event > 1) await wait(event)
      while (event === true && !existsSync(${JSON.stringify(file)})) await wait(10)
      return id
    }`
  return { code, go: () => writeFileSync(file, '') }
}

/** A handler that answers with the expression's value. */
const answering = (expression: string) =>
  `export const handler = async (event, context) => (${expression})`

describe('an invocation', () => {
  test('passes event and context as Lambda does', async () => {
    const { host, define } = bench()
    const name = define(
      answering(`{ event, name: context.functionName, arn: context.invokedFunctionArn,
        memory: context.memoryLimitInMB, left: context.getRemainingTimeInMillis(), id: context.awsRequestId }`),
      { timeoutSeconds: 60 },
    )
    const answer = (await host.invoke(arnOf(name), { a: [1] })) as Record<string, unknown>
    expect(answer).toMatchObject({
      event: { a: [1] },
      name,
      arn: arnOf(name),
      memory: '128',
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
    })
    expect(answer.left).toBeGreaterThan(30_000)
    expect(answer.left).toBeLessThanOrEqual(60_000)
  })

  test('sees the variables of its template and of Lambda, and none of the machine', async () => {
    const { host, define } = bench()
    const name = define(answering('process.env'), { variables: { TABLE: 't1', AWS_REGION: 'x' } })
    const seen = (await host.invoke(name, {})) as Record<string, string>
    expect(seen).toMatchObject({
      TABLE: 't1',
      AWS_LAMBDA_FUNCTION_NAME: name,
      AWS_ENDPOINT_URL: 'http://127.0.0.1:1',
      AWS_ACCESS_KEY_ID: 'key-of-role',
      AWS_CA_BUNDLE: '/ca.pem',
    })
    expect(seen).not.toHaveProperty('HOME')
    expect(seen).not.toHaveProperty('VITEST')
  })

  test('keeps module state in its environment, and runs one at a time in each', async () => {
    const { host, define } = bench({ maxEnvironments: 2 })
    const name = define(`let runs = 0, active = 0
      const id = Math.random()
      export const handler = async () => {
        active += 1; runs += 1
        await new Promise((done) => setTimeout(done, 200))
        const overlap = active > 1; active -= 1
        return { id, runs, overlap }
      }`)
    const answers = (await Promise.all(Array.from({ length: 6 }, () => host.invoke(name, {})))) as {
      id: number
      runs: number
      overlap: boolean
    }[]
    expect(answers.some(({ overlap }) => overlap)).toBe(false)
    expect(new Set(answers.map(({ id }) => id)).size).toBe(2)
    expect(Math.max(...answers.map(({ runs }) => runs))).toBeGreaterThan(1)
  })

  test('that is short does not start a second environment for those that come with it', async () => {
    const { host, define } = bench({ maxEnvironments: 4 })
    const name = define('const id = Math.random(); export const handler = async () => id')
    const ids = await Promise.all(Array.from({ length: 50 }, () => host.invoke(name, {})))
    expect(new Set(ids).size).toBe(1)
  })

  test('starts more environments than there are processors for only after a long wait', async () => {
    const { host, define } = bench({ maxEnvironments: 3, readyEnvironments: 1 })
    const { code, go } = stuckUntil()
    const name = define(code, { timeoutSeconds: 60 })
    // a cold start may itself be a long wait
    const first = await host.invoke(name, false)
    const startedAt = performance.now()
    const soon = await Promise.all([1, 2, 3].map(() => host.invoke(name, 30)))
    // on a busy machine these, too
    if (performance.now() - startedAt < 250) expect(soon).toEqual([first, first, first])
    const stuck = host.invoke(name, true)
    const others = await Promise.all([1, 2].map(() => host.invoke(name, false)))
    go()
    expect(others).not.toContain(await stuck)
  })

  test('has environments for each of its event sources, which do not wait for one another', async () => {
    const { host, define } = bench({ maxEnvironments: 1 })
    const { code, go } = stuckUntil()
    const shared = define(code, { timeoutSeconds: 60 })
    for (const source of ['one', 'other']) host.addSource(shared, source)
    const stuck = host.invoke(shared, true)
    const quick = await host.invoke(shared, false)
    go()
    expect(await stuck).not.toBe(quick)
    expect(host.concurrencyOf(shared)).toBe(1)
    const slow = `const id = Math.random()
      export const handler = () => new Promise((done) => setTimeout(() => done(id), 200))`
    const alone = define(slow, { reservedConcurrency: 1 })
    for (const source of ['one', 'other']) host.addSource(alone, source)
    const reserved = await Promise.all([1, 2].map(() => host.invoke(alone, {})))
    expect(new Set(reserved).size).toBe(1)
  })

  test('has an environment ready for each of its event sources', async () => {
    const { host, define, logFolder } = bench({ maxEnvironments: 1, readyEnvironments: 1 })
    const [two, one] = [1, 2].map(() =>
      define(`console.log('loaded'); export const handler = () => {}`),
    )
    host.addSource(String(two), 'first')
    host.addSource(String(two), 'second')
    host.addSource(String(one), 'only')
    const loads = (name = '') =>
      readFileSync(join(logFolder, `${name}.log`), 'utf8').split('loaded').length - 1
    for (const name of [two, one]) await host.invoke(String(name), {})
    await vi.waitFor(() => expect([loads(two), loads(one)]).toEqual([2, 1]), LONG_MS)
  })

  test('leaves an environment to each of its event sources, however long the batches of one take', async () => {
    const { host, define, logFolder } = bench({ maxEnvironments: 2, readyEnvironments: 1 })
    const { code, go } = stuckUntil()
    const name = define(`console.log('loaded'); ${code}`, { timeoutSeconds: 60 })
    for (const source of ['stuck', 'quick']) host.addSource(name, source)
    await host.invoke(name, false, { source: 'quick' })
    const log = () =>
      readFileSync(join(logFolder, `${name}.log`), 'utf8').split('loaded').length - 1
    await vi.waitFor(() => expect(log()).toBe(2), LONG_MS)
    const stuck = [true, true].map((event) => host.invoke(name, event, { source: 'stuck' }))
    await host.invoke(name, false, { source: 'quick' })
    go()
    await Promise.all(stuck)
  })

  test('has its work done by the environment that worked before, not by the spare one', async () => {
    const { host, define, logFolder } = bench({ maxEnvironments: 1, readyEnvironments: 1 })
    const name = define(
      `console.log('loaded'); const id = Math.random(); export const handler = () => id`,
    )
    for (const source of ['first', 'second']) host.addSource(name, source)
    const first = await host.invoke(name, {})
    const log = () =>
      readFileSync(join(logFolder, `${name}.log`), 'utf8').split('loaded').length - 1
    await vi.waitFor(() => expect(log()).toBe(2), LONG_MS)
    await wait(100)
    expect(await host.invoke(name, {})).toBe(first)
  })

  test('is busy while a dozen asynchronous events run or wait, whatever waits for its retry', async () => {
    const { host, define } = bench({ maxEnvironments: 1, retryDelays: [60_000, 60_000] })
    const slow = define('export const handler = () => new Promise((done) => setTimeout(done, 5))')
    const failing = define("export const handler = () => { throw new Error('no') }")
    for (let event = 0; event < 11; event += 1) host.invokeAsync(slow, {})
    expect(host.isBusy).toBe(false)
    host.invokeAsync(failing, {})
    expect(host.isBusy).toBe(true)
    await vi.waitFor(() => expect(host.isBusy).toBe(false), LONG_MS)
    for (let event = 0; event < 12; event += 1) host.invokeAsync(failing, {})
    expect(host.isBusy).toBe(true)
    await vi.waitFor(() => expect(host.isBusy).toBe(false), LONG_MS)
  })

  test('is busy with two of them while this process has much to do, unless these are stuck', async () => {
    let isLoaded = true
    const { host, define } = bench({ maxEnvironments: 1, isLoaded: () => isLoaded })
    const slow = define(
      'export const handler = () => new Promise(() => setTimeout(() => {}, 9_000))',
    )
    host.invokeAsync(slow, {})
    expect(host.isBusy).toBe(false)
    host.invokeAsync(slow, {})
    expect(host.isBusy).toBe(true)
    isLoaded = false
    expect(host.isBusy).toBe(false)
    isLoaded = true
    await vi.waitFor(() => expect(host.isBusy).toBe(false), LONG_MS)
  })

  test('ReservedConcurrentExecutions bounds the environments; 0 throttles', async () => {
    const { host, define } = bench({ maxEnvironments: 4 })
    const code = `const id = Math.random()
      export const handler = () => new Promise((done) => setTimeout(() => done(id), 10))`
    const one = define(code, { reservedConcurrency: 1 })
    const ids = await Promise.all([1, 2, 3].map(() => host.invoke(one, {})))
    expect(new Set(ids).size).toBe(1)
    const none = define(code, { reservedConcurrency: 0 })
    await expect(host.invoke(none, {})).rejects.toMatchObject({
      errorType: 'TooManyRequestsException',
    })
  })

  test('that nobody waits for any more is not begun, and is not in the way of the next', async () => {
    const { host, define } = bench({ maxEnvironments: 1 })
    const name = define(`let runs = 0
      export const handler = (ms) => new Promise((done) => setTimeout(() => done(runs += 1), ms))`)
    const working = host.invoke(name, 200)
    const left = Array.from({ length: 50 }, () => host.invoke(name, 200, { patienceMs: 100 }))
    const next = host.invoke(name, 1)
    const ends = await Promise.allSettled(left)
    expect(ends.every(({ status }) => status === 'rejected')).toBe(true)
    expect(await Promise.all([working, next])).toEqual([1, 2])
  })

  test('whose client has left is not run, and its event is made when it begins', async () => {
    const { host, define } = bench({ maxEnvironments: 1 })
    const name = define(`let runs = 0
      export const handler = ({ ms }) => new Promise((done) => setTimeout(() => done(runs += 1), ms))`)
    const steps: string[] = []
    const working = host.invoke(name, { ms: 200 })
    const left = host.invoke(name, { ms: 1 }, { isWanted: () => false })
    const onStart = () => steps.push('start')
    const event = () => {
      steps.push('event')
      return { ms: 1 }
    }
    const next = host.invoke(name, event, { isWanted: () => true, onStart })
    await expect(left).rejects.toMatchObject({ errorType: 'TooManyRequestsException' })
    expect(await Promise.all([working, next])).toEqual([1, 2])
    expect(steps).toEqual(['start', 'event'])
  })

  test('that has begun runs to its end, whoever leaves', async () => {
    const { host, define } = bench({ maxEnvironments: 1 })
    const name = define(
      'export const handler = (ms) => new Promise((done) => setTimeout(() => done(ms), ms))',
    )
    await host.invoke(name, 1)
    expect(await host.invoke(name, 50, { patienceMs: 25 })).toBe(50)
  })

  test('loads inline code as CommonJS even inside a checkout of modules, and callback handlers', async () => {
    const { host, define, logFolder } = bench()
    writeFileSync(join(logFolder, '..', 'package.json'), '{"type":"module"}')
    const inline = define({
      inline: 'exports.handler = (event, context, done) => done(null, event.x + 1)',
    })
    expect(await host.invoke(inline, { x: 1 })).toBe(2)
    const nothing = define('export const handler = () => {}')
    expect(await host.invoke(nothing, {})).toBeNull()
  })

  test('finds the AWS SDK without bundling it, as in the Lambda runtime', async () => {
    const { host, define } = bench()
    const common = define({
      inline: "exports.handler = async () => typeof require('@aws-sdk/client-sqs').SQSClient",
    })
    const module = define(`import { SQSClient } from '@aws-sdk/client-sqs'
      export const handler = async () => typeof SQSClient`)
    expect(await host.invoke(common, {})).toBe('function')
    expect(await host.invoke(module, {})).toBe('function')
  })

  test('finds the AWS SDK of the app first, and what that lacks where this package is', () => {
    const app = mkdtempSync(join(tmpdir(), 'app-'))
    const own = join(app, 'node_modules', '@aws-sdk')
    mkdirSync(own, { recursive: true })
    linkSdk(join(app, 'code'), [join(app, 'cdk.out'), import.meta.dirname])
    const linked = (scope: string) => readlinkSync(join(app, 'code', 'node_modules', scope))
    expect(linked('@aws-sdk')).toBe(own)
    expect(linked('@smithy')).toBe(join(process.cwd(), 'node_modules', '@smithy'))
  })
})

describe('a failing function', () => {
  test('gives the error that its handler threw', async () => {
    const { host, define } = bench()
    const name = define(`export const handler = async () => {
      const error = new Error('no such thing'); error.name = 'NotFound'; throw error }`)
    await expect(host.invoke(name, {})).rejects.toMatchObject({
      name: 'FunctionFault',
      errorType: 'NotFound',
      message: 'no such thing',
    })
  })

  test('that never ends is stopped after its Timeout, and the next invocation works', async () => {
    const { host, define } = bench({ maxEnvironments: 1 })
    const name = define(
      'export const handler = async ({ loop }) => { while (loop); return "well" }',
      { timeoutSeconds: 0.2 },
    )
    await expect(host.invoke(name, { loop: true })).rejects.toMatchObject({
      errorType: 'Sandbox.Timedout',
      message: expect.stringContaining('Task timed out after 0.20 seconds'),
    })
    expect(await host.invoke(name, {})).toBe('well')
  })

  const broken: [what: string, code: string, more: object, type: string, message: string][] = [
    ['throws while loading', 'throw new TypeError("bad init")', {}, 'TypeError', 'bad init'],
    ['lacks the handler', 'export const other = 1', {}, 'Runtime.HandlerNotFound', 'index.handler'],
    [
      'lacks the module',
      '',
      { handler: 'main.handler' },
      'Runtime.ImportModuleError',
      "Cannot find module 'main'",
    ],
    ['exits', answering('process.exit(3)'), {}, 'Runtime.ExitError', 'exit status 3'],
    [
      'leaves a rejection unhandled',
      'export const handler = () => new Promise(() => { Promise.reject(new Error("lost")) })',
      {},
      'Runtime.UnhandledPromiseRejection',
      'lost',
    ],
  ]
  test.each(broken)('%s: a fault that says so', async (_what, code, more, errorType, message) => {
    const { host, define } = bench()
    const name = define(code, more)
    await expect(host.invoke(name, {})).rejects.toMatchObject({
      errorType,
      message: expect.stringContaining(message),
    })
  })

  test('killWorkers ends an invocation, and the next one gets a new environment', async () => {
    const { host, define } = bench()
    const name = define(
      'export const handler = async ({ hang }) => hang ? new Promise(() => {}) : "alive"',
    )
    await host.invoke(name, {})
    const hanging = host.invoke(name, { hang: true })
    const failed = expect(hanging).rejects.toMatchObject({ errorType: 'Runtime.ExitError' })
    await host.killWorkers(name)
    await failed
    expect(await host.invoke(name, {})).toBe('alive')
  })

  test('an unknown function is an error that names it', async () => {
    await expect(bench().host.invoke('nobody', {})).rejects.toThrow('Function not found: nobody')
  })
})

test('what a function writes goes to its log file and, by lines, to the log', async () => {
  const { host, define, lines, logFolder } = bench()
  const name = define(`export const handler = async () => {
    for (const text of ['one\\n', 'part', ' whole\\n']) process.stdout.write(text) }`)
  await host.invoke(name, {})
  expect(lines).toEqual([`${name}: one`, `${name}: part whole`])
  await host.close(0)
  expect(readFileSync(join(logFolder, `${name}.log`), 'utf8')).toBe('one\npart whole\n')
})

test('what console prints has time, request id and level before it, as on Lambda', async () => {
  const { host, define, lines } = bench()
  const name = define(`export const handler = async (event, { awsRequestId }) => {
    console.log('{"a":1}'); console.error('two %s', 'lines\\nlong'); return awsRequestId }`)
  const id = await host.invoke(name, {})
  expect(lines).toEqual([
    expect.stringMatching(new RegExp(`^${name}: \\S+Z\\t${id}\\tINFO\\t{"a":1}$`)),
    expect.stringMatching(new RegExp(`^${name}: \\S+Z\\t${id}\\tERROR\\ttwo lines\\rlong$`)),
  ])
})

describe('asynchronous events', () => {
  const failing =
    'export const handler = async () => { process.stdout.write("run\\n"); throw new Error("no") }'

  test('are tried three times and then go to the dead-letter queue', async () => {
    const { host, define, lines, sent } = bench()
    const name = define(failing, { deadLetterArn: 'arn:dlq' })
    host.invokeAsync(name, { x: 1 })
    await vi.waitFor(() => expect(sent).toHaveLength(1), LONG_MS)
    expect(sent[0]).toMatchObject({
      queue: 'arn:dlq',
      body: { x: 1 },
      attributes: { ErrorMessage: { StringValue: 'no' } },
    })
    expect(lines.filter((line) => line === `${name}: run`)).toHaveLength(3)
  })

  test('go to the failure destination with what happened', async () => {
    const { host, define, sent } = bench()
    const name = define(failing)
    host.configureAsync(name, { retries: 0, onFailure: 'arn:aws:sqs:r:a:failures' })
    host.invokeAsync(name, { x: 1 })
    await vi.waitFor(() => expect(sent).toHaveLength(1), LONG_MS)
    expect(sent[0]?.body).toMatchObject({
      requestContext: { condition: 'RetriesExhausted', approximateInvokeCount: 1 },
      requestPayload: { x: 1 },
      responsePayload: { errorType: 'Error', errorMessage: 'no' },
    })
  })

  test.runIf(process.platform === 'linux')(
    'run in a thread that gives way to what somebody waits for, and to nothing else',
    async () => {
      const { host, define, lines } = bench()
      const code = `import { getPriority } from 'node:os'
        export const handler = () => { process.stdout.write(getPriority(0) + "\\n"); return getPriority(0) }`
      const [awaited, inBackground] = [define(code), define(code)]
      host.invokeAsync(inBackground, {})
      await vi.waitFor(
        () => expect(lines).toContain(`${inBackground}: ${getPriority(0) + 10}`),
        LONG_MS,
      )
      expect(await host.invoke(awaited, {})).toBe(getPriority(0))
    },
  )

  describe('over a restart', () => {
    const waits = 'export const handler = () => new Promise(() => {})'
    const says =
      'export const handler = async (event) => process.stdout.write("got " + event + "\\n")'
    const newFile = () => join(mkdtempSync(join(tmpdir(), 'events-')), 'events.jsonl')

    async function leaveTwo(eventsFile: string): Promise<FunctionHost> {
      const { host, define, lines } = bench({ retryDelays: [60_000], eventsFile })
      define(failing)
      define(waits)
      define('export const handler = async () => {}')
      host.invokeAsync('f3', 'done')
      host.invokeAsync('f1', 'retrying')
      host.invokeAsync('f2', 'running')
      await vi.waitFor(() => expect(lines.join()).toContain('attempt 1'), LONG_MS)
      // which is on disk once it is done
      await vi.waitFor(() => expect(readFileSync(eventsFile, 'utf8')).toContain('"done":'), LONG_MS)
      await vi.waitFor(() => expect(host.invocations.f2).toBe(1), LONG_MS)
      return host
    }

    async function takeUp(eventsFile: string): Promise<void> {
      const { host, define, lines } = bench({ eventsFile })
      for (let n = 0; n < 3; n += 1) define(says)
      host.restore()
      await vi.waitFor(() => expect(lines).toHaveLength(2), LONG_MS)
      expect(lines.toSorted()).toEqual(['f1: got retrying', 'f2: got running'])
    }

    test('those that are not finished are handed on to the next', async () => {
      const file = newFile()
      await (await leaveTwo(file)).close(0)
      await takeUp(file)
    })

    test('a killed one, that had no chance to tidy up, hands them on too', async () => {
      const file = newFile()
      await leaveTwo(file)
      await takeUp(file)
    })

    test('those of functions that are gone are dropped, and it says so', async () => {
      const file = newFile()
      await (await leaveTwo(file)).close(0)
      const { host, lines } = bench({ eventsFile: file })
      host.restore()
      expect(lines).toEqual(['functions: 2 events of removed functions dropped'])
    })
  })
})

describe('a queue mapping', () => {
  /** A queue in memory that hands out what it is given, once. */
  function queue(bodies: readonly string[]) {
    const visible = bodies.map(record)
    const deleted: string[] = []
    return {
      deleted,
      isEmpty: () => visible.length === 0,
      async receive(
        _arn: string,
        { max = 10, signal }: { max?: number; signal?: AbortSignal } = {},
      ) {
        if (visible.length === 0) await wait(20, undefined, { signal }).catch(() => undefined)
        return visible.splice(0, max)
      },
      delete: (_arn: string, handle: string) => void deleted.push(handle),
    }
  }

  const record = (body: string, index: number): QueueRecord => ({
    messageId: `m${index}`,
    receiptHandle: `r${index}`,
    body,
    md5OfBody: '',
    attributes: {},
    messageAttributes: {},
    eventSource: 'aws:sqs',
    eventSourceARN: 'arn:aws:sqs:r:a:q',
    awsRegion: 'us-east-1',
  })

  const settings: MappingSettings = {
    name: 'stack/mapping',
    functionArn: 'f',
    sourceArn: 'arn:aws:sqs:r:a:q',
    batchSize: 10,
    batchWindowSeconds: 0,
    reportsItemFailures: true,
    filters: [],
  }

  async function run(
    bodies: readonly string[],
    answer: (bodies: string[]) => unknown,
    more: Partial<MappingSettings> = {},
  ) {
    const sqs = queue(bodies)
    const batches: string[][] = []
    let [active, most] = [0, 0]
    const invoke = async (_arn: string, event: unknown) => {
      const records = (event as { Records: QueueRecord[] }).Records
      batches.push(records.map(({ body }) => body))
      active += 1
      most = Math.max(most, active)
      await wait(10)
      active -= 1
      return answer(records.map(({ body }) => body))
    }
    const functions = {
      invoke,
      addSource() {},
      concurrencyOf: () => 3,
      readyConcurrencyOf: () => 3,
    }
    const mapping = startQueueMapping({ ...settings, ...more }, { functions, sqs, log: () => {} })
    await vi.waitFor(() => expect(sqs.isEmpty()).toBe(true), LONG_MS)
    await mapping.stop()
    return { batches, deleted: sqs.deleted, most }
  }

  const numbers = (count: number) => Array.from({ length: count }, (_, index) => String(index))

  test('feeds batches up to BatchSize, several at a time up to MaximumConcurrency', async () => {
    const seen = await run(numbers(7), () => null, { batchSize: 2, maximumConcurrency: 2 })
    expect(seen.batches.map(({ length }) => length)).toEqual([2, 2, 2, 1])
    expect(seen.most).toBe(2)
    expect(seen.deleted).toHaveLength(7)
  })

  test('deletes only what succeeded', async () => {
    const seen = await run(numbers(3), () => ({ batchItemFailures: [{ itemIdentifier: 'm1' }] }))
    expect(seen.deleted).toEqual(['r0', 'r2'])
  })

  const wholeBatch: [what: string, answer: () => unknown][] = [
    ['the function throws', () => Promise.reject(new Error('no'))],
    ['an identifier is not of the batch', () => ({ batchItemFailures: [{ itemIdentifier: 'x' }] })],
    ['an identifier is missing', () => ({ batchItemFailures: [{}] })],
  ]
  test.each(wholeBatch)('deletes nothing when %s', async (_what, answer) => {
    expect((await run(numbers(2), answer)).deleted).toEqual([])
  })

  test('consumes what no filter lets through', async () => {
    const filters = [compileFilter({ body: { kind: ['yes'] } })]
    const bodies = ['{"kind":"yes"}', '{"kind":"no"}', 'text']
    const seen = await run(bodies, () => null, { filters })
    expect(seen.batches).toEqual([['{"kind":"yes"}']])
    expect(seen.deleted).toHaveLength(3)
  })
})

describe('a stream mapping', () => {
  const record = (index: number) =>
    ({
      eventName: index % 2 ? 'REMOVE' : 'INSERT',
      dynamodb: { SequenceNumber: `s${index}`, ApproximateCreationDateTime: Date.now() / 1000 },
    }) as StreamRecord

  const settings: MappingSettings = {
    name: 'stack/mapping',
    functionArn: 'f',
    sourceArn: 'arn:aws:dynamodb:r:a:table/t/stream/x',
    batchSize: 100,
    batchWindowSeconds: 0,
    reportsItemFailures: true,
    filters: [],
  }

  /** Hands over records and waits until the mapping has dealt with them. */
  async function run(
    count: number,
    answer: (numbers: string[], attempt: number) => unknown,
    more: Partial<MappingSettings> = {},
  ) {
    const batches: string[][] = []
    const sent: Json[] = []
    const listeners: ((records: readonly StreamRecord[]) => Promise<void>)[] = []
    const mapping = startStreamMapping(
      { ...settings, ...more },
      {
        log: () => {},
        dynamodb: {
          onStream: (_arn, listener) => {
            listeners.push(listener)
            return () => undefined
          },
        },
        sendToQueue: async (_queue, body) => void sent.push(JSON.parse(body)),
        functions: {
          concurrencyOf: () => 1,
          addSource() {},
          readyConcurrencyOf: () => 1,
          invoke: async (_arn, event) => {
            const { Records } = event as { Records: StreamRecord[] }
            const numbers = Records.map(({ dynamodb }) => dynamodb.SequenceNumber)
            batches.push(numbers)
            return answer(numbers, batches.length)
          },
        },
      },
    )
    await listeners[0]?.(Array.from({ length: count }, (_, index) => record(index)))
    await mapping.stop()
    return { batches, sent }
  }

  test('begins again at the first failed record', async () => {
    const { batches } = await run(3, (_numbers, attempt) =>
      attempt === 1 ? { batchItemFailures: [{ itemIdentifier: 's1' }] } : null,
    )
    expect(batches).toEqual([
      ['s0', 's1', 's2'],
      ['s1', 's2'],
    ])
  })

  test('halves a failing batch, gives up what keeps failing, and reports it', async () => {
    const { batches, sent } = await run(
      2,
      (numbers) => (numbers.includes('s1') ? Promise.reject(new Error('poison')) : null),
      { bisects: true, maximumRetries: 1, onFailure: 'arn:dlq' },
    )
    expect(batches).toEqual([['s0', 's1'], ['s0'], ['s1']])
    expect(sent).toMatchObject([
      { DDBStreamBatchInfo: { startSequenceNumber: 's1', batchSize: 1 } },
    ])
  })

  test('filters records', async () => {
    const filters = [compileFilter({ eventName: ['REMOVE'] })]
    expect((await run(4, () => null, { filters })).batches).toEqual([['s1', 's3']])
  })
})

describe('an event filter', () => {
  const cases: [pattern: Json, event: Json, passes: boolean][] = [
    [{ a: ['x', null] }, { a: null }, true],
    [{ a: ['x'] }, { a: ['y', 'x'] }, true],
    [{ a: { b: [1] } }, { a: { b: 1 } }, true],
    [{ a: { b: [1] } }, { a: 1 }, false],
    [{ a: [{ prefix: 'ab' }] }, { a: 'abc' }, true],
    [{ a: [{ suffix: 'ab' }] }, { a: 'abc' }, false],
    [{ a: [{ 'anything-but': ['x'] }] }, { a: 'x' }, false],
    [{ a: [{ 'anything-but': { prefix: 'x' } }] }, { a: 'y' }, true],
    [{ a: [{ exists: false }] }, {}, true],
    [{ a: [{ numeric: ['>', 1, '<=', 3] }] }, { a: 3 }, true],
    [{ a: [{ numeric: ['>', 1, '<=', 3] }] }, { a: 1 }, false],
    [{ a: [{ 'equals-ignore-case': 'X' }] }, { a: 'x' }, true],
    [{ $or: [{ a: [1] }, { b: [1] }] }, { b: 1 }, true],
  ]
  test.each(cases)('%j on %j: %s', (pattern, event, passes) => {
    expect(compileFilter(pattern)(event)).toBe(passes)
  })

  test('refuses a rule that it does not know', () => {
    expect(() => compileFilter({ a: [{ cidr: '10.0.0.0/8' }] })).toThrow('cidr is not supported')
  })
})

test('a permission counts for its principal, function and source only', () => {
  const permissions = new Permissions()
  permissions.add({
    functionArn: arnOf('f'),
    action: 'lambda:InvokeFunction',
    principal: 'apigateway.amazonaws.com',
    sourceArn: 'arn:aws:execute-api:us-east-1:000000000000:abc/*/*/3/device/{token}',
  })
  const source = 'arn:aws:execute-api:us-east-1:000000000000:abc/$default/POST/3/device/{token}'
  const api = 'apigateway.amazonaws.com'
  expect(permissions.permits(arnOf('f'), api, source)).toBe(true)
  expect(permissions.permits(arnOf('f'), 'iot.amazonaws.com', source)).toBe(false)
  expect(permissions.permits(arnOf('g'), api, source)).toBe(false)
  expect(permissions.permits(arnOf('f'), api, source.replace('abc', 'xyz'))).toBe(false)
})

describe('roles', () => {
  const operatorKey = newOperatorKey()
  const callerOf = (roles: Roles, role: string) =>
    roles.signer(roles.accessKeyOf(role).accessKeyId)?.caller
  const arn = 'arn:aws:iam::000000000000:role/r'
  const allow = (Action: string, Resource = '*') => ({
    Statement: { Effect: 'Allow' as const, Action, Resource },
  })

  test('may do what their policies allow, as soon as one is attached', () => {
    const roles = new Roles(operatorKey)
    roles.add({ name: 'r', arn, trustedServices: [] }, [allow('sqs:SendMessage', 'arn:q1')])
    const caller = callerOf(roles, arn)
    expect(caller?.may('sqs:SendMessage', 'arn:q1')).toBe(true)
    expect(caller?.may('sqs:SendMessage', 'arn:q2')).toBe(false)
    roles.attach('r', allow('sqs:*', 'arn:q2'))
    expect(caller?.may('sqs:SendMessage', 'arn:q2')).toBe(true)
  })

  test('answer by context too, and nobody else has their key', () => {
    const roles = new Roles(operatorKey)
    const Condition = { StringEquals: { 'iot:Topic': 'a' } }
    const document = { Statement: { ...allow('iot:Publish').Statement, Condition } }
    roles.add({ name: 'r', arn, trustedServices: [] }, [document])
    const caller = callerOf(roles, arn)
    expect(caller?.may('iot:Publish', 'x', { 'iot:Topic': 'a' })).toBe(true)
    expect(caller?.may('iot:Publish', 'x', { 'iot:Topic': 'b' })).toBe(false)
    expect(() => roles.accessKeyOf(`${arn}2`)).toThrow('No stack makes the role')
    expect(roles.signer('operator')).toBeUndefined()
    const operator = roles.signer(operatorKey.accessKeyId)
    expect(operator?.caller.may('anything', '*')).toBe(true)
  })

  test('have secrets that nobody can guess, and others in each run', () => {
    const keys = [1, 2].map(() => {
      const roles = new Roles(newOperatorKey())
      roles.add({ name: 'r', arn, trustedServices: [] }, [])
      return roles.accessKeyOf(arn)
    })
    const secrets = keys.flatMap((key) => [key.secretAccessKey, key.sessionToken])
    expect(
      new Set([...secrets, newOperatorKey().secretAccessKey, operatorKey.secretAccessKey]).size,
    ).toBe(6)
    for (const secret of secrets) expect(secret).toHaveLength(40)
  })

  test('must be made and trusted to be used', () => {
    const roles = new Roles(operatorKey)
    roles.add({ name: 'r', arn, trustedServices: ['lambda.amazonaws.com'] }, [])
    expect(roles.assumable(arn, 'lambda.amazonaws.com', 'F').name).toBe('r')
    expect(() => roles.assumable(arn, 'iot.amazonaws.com', 'F')).toThrow(
      'F: the role r cannot be assumed by iot.amazonaws.com.',
    )
    expect(() => roles.assumable('arn:x', 'iot.amazonaws.com', 'F')).toThrow(
      'F: no stack makes the role arn:x.',
    )
    expect(() => roles.demand(arn, 'sqs:SendMessage', 'arn:q', 'F')).toThrow(
      'F: the role r lacks sqs:SendMessage on arn:q; grant it in the stack.',
    )
  })
})

test('a function is found by name or ARN, with or without a qualifier', () => {
  const references = ['f', 'f:live', arnOf('f'), `${arnOf('f')}:live`]
  expect(references.map(functionName)).toEqual(['f', 'f', 'f', 'f'])
})
