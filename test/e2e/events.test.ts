import { type ChildProcess, spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { createInterface } from 'node:readline'
import { SNSClient, SubscribeCommand } from '@aws-sdk/client-sns'
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  ListQueuesCommand,
  ReceiveMessageCommand,
  SetQueueAttributesCommand,
  SQSClient,
} from '@aws-sdk/client-sqs'
import type { Announcement } from '@heliograph/protocol/messages'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventCheck } from '../../packages/operator/src/checks/events.ts'
import type { Patient } from '../../packages/operator/src/checks/finding.ts'
import { TestTerminal } from '../../packages/operator/test/support.ts'
import { heliograph, openStage, welcomeOperator } from './operator-support.ts'
import { readyDevice, request, startTarget, until } from './support.ts'
import type { Target } from './target.ts'

let target: Target
/** Until then SNS answers nothing but errors. */
let isSnsDown = false
/** What SNS answers to questions about a topic, if not the truth: the code of an error. */
let topicError: string | undefined

beforeAll(async () => {
  target = await startTarget({
    beforeService: ({ service, action }) => {
      if (service !== 'sns') return undefined
      if (topicError && action === 'GetTopicAttributes')
        return { outcome: 'answer', status: 400, code: topicError, message: 'as you asked' }
      return isSnsDown && action === 'PublishBatch'
        ? { outcome: 'answer', status: 500, code: 'InternalError', message: 'down' }
        : undefined
    },
  })
  welcomeOperator(target)
})
afterAll(() => target?.close())

/** Waits for SQS, Lambda, SNS and whoever hears, on a busy machine. */
const PATIENCE_MS = 60_000

async function send(token: string): Promise<unknown> {
  const answer = await request(target, { token })
  expect(answer.status).toBe(200)
  return answer.headers['apns-id']
}

/** On a busy machine an acknowledgement may come so late that the notification was in its slot meanwhile. */
const arrivals: readonly string[] = ['delivered', 'drained']

function keyOf(event: Announcement): string {
  if (event.type === 'token') return `${event.reason} ${event.token}`
  return `${arrivals.includes(event.outcome) ? 'arrived' : event.outcome} ${event.id}`
}

const kind = process.env.TARGET ?? 'embedded'

// a stage on AWS has events off
describe.runIf(kind === 'embedded' || kind === 'machine')('heliograph events listen', () => {
  /** Runs until it has heard this many, or is stopped; `heard` are the lines so far. */
  async function listening(...options: string[]) {
    const terminal = new TestTerminal()
    const ended = heliograph(target, ['events', 'listen', ...options], terminal)
    await Promise.race([
      until(() => terminal.notes.join('').includes('listening') || undefined),
      ended,
    ])
    return { terminal, ended }
  }

  it('prints what becomes of a notification, and that a token has died and why', async () => {
    const { device, token } = await readyDevice(target)
    const { terminal, ended } = await listening('--json')
    const heard = () => terminal.printed.map((line) => keyOf(JSON.parse(line)))
    const hears = (key: string) => until(() => heard().includes(key) || undefined, PATIENCE_MS)
    await hears(`arrived ${await send(token)}`)
    await device.unregister(target.local.provider.topic)
    // a device that registers again before this was worked has never given it up
    await hears(`Unregistered ${token}`)
    const again = await device.register(target.local.provider.topic)
    expect((await heliograph(target, ['token', 'expire', again])).code).toBe(0)
    await hears(`ExpiredToken ${again}`)
    terminal.interrupt()
    expect((await ended).code).toBe(0)
    await device.close()
  })

  it('ends after so many', async () => {
    const { device, token } = await readyDevice(target)
    const { ended } = await listening('--count', '1')
    await send(token)
    const { code, out } = await ended
    expect(code).toBe(0)
    expect(out.trim().split('\n')).toHaveLength(1)
    await device.close()
  })

  it('prints only what was asked for, and leaves nothing behind when it is stopped', async () => {
    const { device, token } = await readyDevice(target)
    const { terminal, ended } = await listening('--outcome', 'dead-token')
    await send(token)
    await device.unregister(target.local.provider.topic)
    await until(() => terminal.printed.join('').includes(token) || undefined, PATIENCE_MS)
    terminal.interrupt()
    const { code, out } = await ended
    expect(code).toBe(0)
    expect(out.trim().split('\n')).toHaveLength(1)
    if (target.kind === 'embedded') {
      const { sqs } = clients()
      const left = new ListQueuesCommand({ QueueNamePrefix: 'heliograph-local-listen-' })
      expect((await sqs.send(left)).QueueUrls ?? []).toEqual([])
    }
    await device.close()
  })
})

function clients() {
  const { environment } = target.cloud
  const settings = {
    endpoint: environment.AWS_ENDPOINT_URL ?? '',
    region: environment.AWS_REGION ?? '',
    credentials: {
      accessKeyId: environment.AWS_ACCESS_KEY_ID ?? '',
      secretAccessKey: environment.AWS_SECRET_ACCESS_KEY ?? '',
    },
  }
  return { sns: new SNSClient(settings), sqs: new SQSClient(settings) }
}

const topicArn = () => target.cloud.stackOutputs()['Heliograph-local-State']?.EventTopic ?? ''

function subscribe(
  Protocol: string,
  Endpoint: string,
  attributes: Record<string, object | string>,
) {
  const texts = Object.entries(attributes).map(([name, value]) => [
    name,
    typeof value === 'string' ? value : JSON.stringify(value),
  ])
  const ask = { TopicArn: topicArn(), Protocol, Endpoint, Attributes: Object.fromEntries(texts) }
  return clients().sns.send(new SubscribeCommand(ask))
}

describe.runIf(kind === 'embedded')('subscribers', () => {
  /** A queue that hears what its filter lets through. */
  async function subscribedQueue(name: string, attributes: Record<string, object | string>) {
    const arn = `arn:aws:sqs:us-east-1:000000000000:${name}`
    const statement = {
      Effect: 'Allow',
      Principal: { Service: 'sns.amazonaws.com' },
      Action: 'sqs:SendMessage',
      Resource: arn,
      Condition: { ArnEquals: { 'aws:SourceArn': topicArn() } },
    }
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [statement] })
    const { sqs } = clients()
    const made = await sqs.send(new CreateQueueCommand({ QueueName: name, Attributes: { Policy } }))
    await subscribe('sqs', arn, { RawMessageDelivery: 'true', ...attributes })
    return made.QueueUrl ?? ''
  }

  /** Reads events until `isAll` says that these are all; returns what was read. */
  async function readUntil(QueueUrl: string, isAll: (events: readonly Announcement[]) => boolean) {
    const { sqs } = clients()
    const events: Announcement[] = []
    await until(async () => {
      const ask = { QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 1 }
      const { Messages = [] } = await sqs.send(new ReceiveMessageCommand(ask))
      for (const { Body = '', ReceiptHandle } of Messages) {
        events.push(JSON.parse(Body))
        await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }))
      }
      return isAll(events) || undefined
    }, PATIENCE_MS)
    return events
  }

  it('get what their filter policies let through, by attributes and by the body', async () => {
    const tokens = await subscribedQueue('tokens', {
      FilterPolicy: { outcome: ['dead-token'], topic: [target.local.provider.topic] },
    })
    const late = await subscribedQueue('late', {
      FilterPolicy: { outcome: ['expired'], age: [{ numeric: ['>=', 0] }] },
      FilterPolicyScope: 'MessageBody',
    })
    const { device, token } = await readyDevice(target)
    await send(token)
    await device.unregister(target.local.provider.topic)
    const heard = await readUntil(tokens, ({ length }) => length > 0)
    expect(heard.map(keyOf)).toEqual([`Unregistered ${token}`])
    const back = await device.register(target.local.provider.topic)
    await device.close()
    // there is one attempt, and nobody is there
    const answer = await request(target, { token: back, headers: { 'apns-expiration': '0' } })
    const expired = await readUntil(late, ({ length }) => length > 0)
    expect(expired.map(keyOf)).toEqual([`expired ${answer.headers['apns-id']}`])
  })

  it('hear everything after SNS was down, and no notification waits for it', async () => {
    const queue = await subscribedQueue('after', { FilterPolicy: { outcome: arrivals } })
    const { device, token, received } = await readyDevice(target)
    const { sqs } = clients()
    const QueueUrl = target.cloud.stackOutputs()['Heliograph-local-State']?.AnnouncementQueue
    // a minute otherwise
    const Attributes = { VisibilityTimeout: '2' }
    await sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes }))
    isSnsDown = true
    const ids = [await send(token), await send(token)]
    await until(() => received.length === 2 || undefined)
    await until(
      () => target.logs.some((line) => line.includes('events could not be published')) || undefined,
      PATIENCE_MS,
    )
    isSnsDown = false
    const wanted = ids.map((id) => `arrived ${id}`)
    const heard = await readUntil(queue, (events) =>
      wanted.every((key) => events.map(keyOf).includes(key)),
    )
    expect(new Set(heard.map(keyOf))).toEqual(new Set(wanted))
    await device.close()
  }, 60_000)
})

describe.runIf(kind === 'embedded')('the doctor', () => {
  async function finding() {
    const deployment = await openStage(target)
    const [found] = await eventCheck.run({ deployment } as Pick<Patient, 'deployment'> as Patient)
    deployment.close()
    return found
  }

  it('counts who has subscribed, and says that the topic is gone', async () => {
    expect(await finding()).toMatchObject({
      state: 'ok',
      detail: expect.stringMatching(/^\d+ subscriptions? to the event topic$/),
    })
    topicError = 'NotFound'
    expect(await finding()).toMatchObject({
      state: 'problem',
      detail: expect.stringContaining(`${topicArn()} is gone`),
    })
    topicError = 'AuthorizationError'
    expect(await finding()).toMatchObject({ state: 'warning' })
    topicError = undefined
  })

  it('warns of a subscriber who never confirmed', async () => {
    const nobody = await subscribe('http', `http://localhost:${await freePort()}/`, {})
    expect(await finding()).toMatchObject({
      state: 'warning',
      detail: expect.stringMatching(/^1 subscription not confirmed/),
    })
    expect(nobody.SubscriptionArn).toBe('pending confirmation')
  })
})

/** The example, as somebody would run it. */
class Webhook {
  readonly lines: string[] = []
  #child: ChildProcess | undefined
  readonly #port: number

  constructor(port: number) {
    this.#port = port
  }

  get url(): string {
    return `http://localhost:${this.#port}/`
  }

  async open(): Promise<void> {
    const { host } = new URL(target.cloud.topicsUrl)
    const file = new URL('../../examples/events/webhook.ts', import.meta.url).pathname
    const argv = ['--import', 'tsx', file, topicArn(), String(this.#port)]
    const env = { ...process.env, SNS_HOST: host, NODE_EXTRA_CA_CERTS: target.cloud.caFile }
    const child = spawn(process.execPath, argv, { env, stdio: ['ignore', 'pipe', 'pipe'] })
    this.#child = child
    for (const stream of [child.stdout, child.stderr])
      createInterface({ input: stream }).on('line', (line) => this.lines.push(line))
    await this.until((line) => line.startsWith('listening'))
    this.lines.splice(0)
  }

  until(isMeant: (line: string) => boolean): Promise<true> {
    return until(() => this.lines.some(isMeant) || undefined, PATIENCE_MS)
  }

  get heard(): string[] {
    return this.lines.filter((line) => line.startsWith('{')).map((line) => keyOf(JSON.parse(line)))
  }

  async close(): Promise<void> {
    const child = this.#child
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill()
    await gone
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

describe.runIf(kind === 'embedded')('the webhook of the examples', () => {
  let webhook: Webhook
  afterAll(() => webhook?.close())

  it('confirms, hears, and misses nothing while it is down for a while', async () => {
    webhook = new Webhook(await freePort())
    await webhook.open()
    await subscribe('http', webhook.url, {
      // seconds are a tenth as long here
      DeliveryPolicy: {
        healthyRetryPolicy: { numRetries: 100, minDelayTarget: 5, maxDelayTarget: 5 },
      },
      FilterPolicy: { topic: [target.local.provider.topic] },
    })
    await webhook.until((line) => line === 'subscribed')
    const { device, token } = await readyDevice(target)
    const first = await send(token)
    await webhook.until((line) => line.includes(String(first)))
    await webhook.close()
    const ids = await Promise.all(Array.from({ length: 5 }, () => send(token)))
    await device.unregister(target.local.provider.topic)
    await new Promise((resolve) => setTimeout(resolve, 2_000))
    await webhook.open()
    const wanted = [...ids.map((id) => `arrived ${id}`), `Unregistered ${token}`]
    await until(() => wanted.every((key) => webhook.heard.includes(key)) || undefined, PATIENCE_MS)
    expect(wanted.filter((key) => !webhook.heard.includes(key))).toEqual([])
    await device.close()
  }, 120_000)

  it('believes nobody but SNS', async () => {
    const before = webhook.lines.length
    const post = (body: string) => fetch(webhook.url, { method: 'POST', body })
    const forged = {
      ...{
        Type: 'Notification',
        MessageId: '1',
        TopicArn: topicArn(),
        Message: '{"type":"token"}',
      },
      ...{ Timestamp: new Date().toISOString(), SignatureVersion: '2', Signature: 'AAAA' },
      SigningCertURL: `${target.cloud.topicsUrl}/SimpleNotificationService-x.pem`,
    }
    for (const body of [
      'hello',
      JSON.stringify(forged),
      JSON.stringify({ ...forged, SigningCertURL: 'https://example.com/x.pem' }),
      JSON.stringify({ ...forged, TopicArn: `${topicArn()}-other` }),
    ])
      expect((await post(body)).status).toBe(403)
    expect(webhook.lines.slice(before).filter((line) => line.startsWith('{'))).toEqual([])
  })
})
