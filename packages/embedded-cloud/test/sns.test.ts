import { copyFile } from 'node:fs/promises'
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import { globalAgent } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import {
  ConfirmSubscriptionCommand,
  CreateTopicCommand,
  DeleteTopicCommand,
  GetSubscriptionAttributesCommand,
  GetTopicAttributesCommand,
  ListSubscriptionsByTopicCommand,
  ListTopicsCommand,
  PublishBatchCommand,
  PublishCommand,
  SetSubscriptionAttributesCommand,
  SNSClient,
  SubscribeCommand,
  UnsubscribeCommand,
} from '@aws-sdk/client-sns'
import MessageValidator from 'sns-validator'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Endpoint } from '../src/endpoint.ts'
import { Registry } from '../src/sns/registry.ts'
import { type Sns, startSns } from '../src/sns/sns.ts'
import { type Sqs, startSqs } from '../src/sqs/sqs.ts'
import { loadTls } from '../src/tls.ts'
import {
  clientOf,
  endpointFor,
  identity,
  logLines,
  operator,
  role,
  temporaryFolder,
  until,
} from './service-harness.ts'

const topicArn = 'arn:aws:sns:us-east-1:000000000000:events'
const functionArn = 'arn:aws:lambda:us-east-1:000000000000:function:worker'
const publisher = role(`sns:Publish ${topicArn}`)

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let tls: Awaited<ReturnType<typeof loadTls>>
let sqs: Sqs
let sns: Sns
let endpoint: Endpoint
let client: SNSClient
let invoked: unknown[]
let lines: string[]
let state = 0
let stateFile: string

beforeAll(async () => {
  folder = await temporaryFolder()
  tls = await loadTls(join(folder.path, 'tls'), [])
  // one key for all tests: making one takes a third of a second
  const registry = new Registry(join(folder.path, 'signer.jsonl'))
  await registry.signer()
  registry.close()
  // the validator fetches the signing certificate as any program of this process would
  globalAgent.options.ca = tls.ca
})
afterAll(async () => {
  delete globalAgent.options.ca
  await folder.remove()
})

async function startTopics(): Promise<void> {
  const log = (part: string, line: string) => void lines.push(`${part}: ${line}`)
  endpoint = await endpointFor([], { operator, publisher })
  sqs = await startSqs({ identity, log: logLines().log, baseUrl: endpoint.url })
  sns = await startSns({
    identity,
    tls,
    stateFile,
    retrySecondMs: 1,
    functions: { invokeAsync: (_arn, event) => void invoked.push(event) },
    permits: (arn, principal, source) =>
      arn === functionArn && principal === 'sns.amazonaws.com' && source === topicArn,
    queues: {
      policy: (queue) => sqs.policy(queue),
      send: (queue, body, attributes) => void sqs.send(queue, body, { attributes }),
    },
    log,
  })
  endpoint.add(sns.service)
  client = new SNSClient(clientOf(endpoint))
  expect(sns.createTopic('events', { SignatureVersion: '2' })).toBe(topicArn)
}

async function stopTopics(): Promise<void> {
  await sns.close()
  await sqs.close()
  client.destroy()
  await endpoint.close()
}

beforeEach(async () => {
  lines = []
  invoked = []
  state += 1
  stateFile = join(folder.path, `sns-${state}.jsonl`)
  await copyFile(join(folder.path, 'signer.jsonl'), stateFile)
  await startTopics()
})
afterEach(stopTopics)

/** A queue whose policy lets the topic send, as the CDK writes it. */
function queue(QueueName: string, source = topicArn): string {
  const { arn } = sqs.createQueue({ QueueName })
  const statement = {
    Effect: 'Allow',
    Principal: { Service: 'sns.amazonaws.com' },
    Action: 'sqs:SendMessage',
    Resource: arn,
    Condition: { ArnEquals: { 'aws:SourceArn': source } },
  }
  sqs.setPolicy(arn, JSON.stringify({ Version: '2012-10-17', Statement: [statement] }))
  return arn
}

async function subscribe(
  Protocol: string,
  Endpoint: string,
  Attributes: Record<string, string> = {},
): Promise<string> {
  const ask = { TopicArn: topicArn, Protocol, Endpoint, Attributes, ReturnSubscriptionArn: true }
  return (await client.send(new SubscribeCommand(ask))).SubscriptionArn ?? ''
}

const text = (StringValue: string) => ({ DataType: 'String', StringValue })

function publish(Message: string, attributes: Record<string, string> = {}) {
  const MessageAttributes = Object.fromEntries(
    Object.entries(attributes).map(([name, value]) => [name, text(value)]),
  )
  return client.send(new PublishCommand({ TopicArn: topicArn, Message, MessageAttributes }))
}

async function held(arn: string) {
  return (await sqs.receive(arn)).map(({ body, messageAttributes }) => ({
    body,
    messageAttributes,
  }))
}

async function messagesIn(arn: string): Promise<string[]> {
  return (await held(arn)).map(({ body }) => JSON.parse(body).Message).sort()
}

function isGenuine(message: string | Record<string, unknown>): Promise<boolean> {
  const validator = new MessageValidator(/^localhost:\d+$/)
  return new Promise((resolve) => validator.validate(message, (error) => resolve(error === null)))
}

describe('to a queue', () => {
  test('a message comes signed, with its attributes', async () => {
    const arn = queue('plain')
    await subscribe('sqs', arn)
    const { MessageId } = await publish('hello', { outcome: 'expired' })
    const [got] = await held(arn)
    const body = JSON.parse(got?.body ?? '')
    expect(body).toMatchObject({
      Type: 'Notification',
      MessageId,
      TopicArn: topicArn,
      Message: 'hello',
      SignatureVersion: '2',
      MessageAttributes: { outcome: { Type: 'String', Value: 'expired' } },
    })
    expect(await isGenuine(body)).toBe(true)
    expect(await isGenuine({ ...body, Message: 'hullo' })).toBe(false)
  })

  test('raw, the attributes are those of the queue message', async () => {
    const arn = queue('raw')
    await subscribe('sqs', arn, { RawMessageDelivery: 'true' })
    await publish('hello', { outcome: 'expired' })
    const [got] = await held(arn)
    expect(got?.body).toBe('hello')
    expect(got?.messageAttributes).toMatchObject({
      outcome: { dataType: 'String', stringValue: 'expired' },
    })
  })

  test('a queue whose policy names another topic gets nothing', async () => {
    const arn = queue('stranger', `${topicArn}-not`)
    await subscribe('sqs', arn)
    await publish('hello')
    expect(await held(arn)).toEqual([])
    expect(lines.join()).toContain('does not allow arn:aws:sns')
  })

  test('what cannot be delivered goes to the dead-letter queue', async () => {
    const [gone, dead] = [queue('gone'), queue('dead')]
    await subscribe('sqs', gone, { RedrivePolicy: JSON.stringify({ deadLetterTargetArn: dead }) })
    sqs.deleteQueue(gone)
    await publish('hello')
    expect(await messagesIn(dead)).toEqual(['hello'])
  })
})

describe('a filter policy', () => {
  test.each([
    ['of a list of values', { outcome: ['expired', 'stored'] }, ['a', 'b']],
    ['of two attributes', { outcome: ['expired'], topic: ['x'] }, ['a']],
    ['of a prefix', { outcome: [{ prefix: 'st' }] }, ['b']],
    ['of what is not', { outcome: [{ 'anything-but': ['expired'] }] }, ['b', 'c']],
    [
      'of what is missing, where something is there',
      { reason: [{ exists: false }] },
      ['a', 'b', 'c'],
    ],
    ['of nothing', {}, ['a', 'b', 'c', 'd']],
  ])('%s', async (_what, policy, expected) => {
    const arn = queue('filtered')
    await subscribe('sqs', arn, { FilterPolicy: JSON.stringify(policy) })
    await publish('a', { outcome: 'expired', topic: 'x' })
    await publish('b', { outcome: 'stored', topic: 'x' })
    await publish('c', { outcome: 'delivered', topic: 'y' })
    await publish('d')
    expect(await messagesIn(arn)).toEqual(expected)
  })

  test('on the body, also in its depth; a message that is not JSON does not pass', async () => {
    const arn = queue('body')
    const FilterPolicy = JSON.stringify({ event: { age: [{ numeric: ['>', 5] }] } })
    await subscribe('sqs', arn, { FilterPolicy, FilterPolicyScope: 'MessageBody' })
    for (const body of ['{"event":{"age":6}}', '{"event":{"age":5}}', 'age'])
      await publish(body, { outcome: 'expired' })
    expect(await messagesIn(arn)).toEqual(['{"event":{"age":6}}'])
  })

  test('numbers and lists are attributes of their own types', async () => {
    const arn = queue('types')
    const FilterPolicy = JSON.stringify({ price: [{ numeric: ['<', 3] }], kinds: ['b'] })
    await subscribe('sqs', arn, { FilterPolicy })
    const attributes = (price: string) => ({
      price: { DataType: 'Number', StringValue: price },
      kinds: { DataType: 'String.Array', StringValue: '["a","b"]' },
    })
    for (const price of ['2', '3'])
      await client.send(
        new PublishCommand({
          TopicArn: topicArn,
          Message: price,
          MessageAttributes: attributes(price),
        }),
      )
    expect(await messagesIn(arn)).toEqual(['2'])
  })

  test('that is changed counts from then on; one that is not understood is refused', async () => {
    const arn = queue('changed')
    const SubscriptionArn = await subscribe('sqs', arn, { FilterPolicy: '{"outcome":["a"]}' })
    const set = (AttributeValue: string) =>
      client.send(
        new SetSubscriptionAttributesCommand({
          SubscriptionArn,
          AttributeName: 'FilterPolicy',
          AttributeValue,
        }),
      )
    await set('{"outcome":["b"]}')
    await expect(set('{"outcome":[{"sounds-like":"b"}]}')).rejects.toThrow('sounds-like')
    for (const outcome of ['a', 'b']) await publish(outcome, { outcome })
    expect(await messagesIn(arn)).toEqual(['b'])
  })
})

describe('to a function', () => {
  test('the event is that of SNS', async () => {
    const arn = await subscribe('lambda', functionArn)
    await publish('hello', { outcome: 'expired' })
    const [
      {
        Records: [record],
      },
    ] = invoked as [{ Records: [Record<string, unknown>] }]
    expect(record).toMatchObject({
      EventSource: 'aws:sns',
      EventSubscriptionArn: arn,
      Sns: {
        Message: 'hello',
        MessageAttributes: { outcome: { Type: 'String', Value: 'expired' } },
      },
    })
    expect(await isGenuine(record.Sns as Record<string, unknown>)).toBe(true)
  })

  test('without permission it is not run', async () => {
    await subscribe('lambda', `${functionArn}-other`)
    await publish('hello')
    expect(invoked).toEqual([])
    expect(lines.join()).toContain('has no permission')
  })
})

interface Post {
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** A webhook on loopback that answers with the status of the moment. */
class Webhook {
  status = 200
  readonly posts: Post[] = []
  #server: Server | undefined
  #port = 0

  get url(): string {
    return `http://127.0.0.1:${this.#port}/hook`
  }

  async open(): Promise<void> {
    this.#server = createServer(async (request, response) => {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk as Buffer)
      const body = Buffer.concat(chunks).toString()
      this.posts.push({ headers: request.headers, body })
      response.writeHead(this.status).end()
    })
    await new Promise<void>((done) => this.#server?.listen(this.#port, '127.0.0.1', done))
    this.#port = (this.#server.address() as AddressInfo).port
  }

  async close(): Promise<void> {
    this.#server?.closeAllConnections()
    await new Promise((done) => this.#server?.close(done))
  }

  /** What was posted of a type, parsed. */
  of(type: string): Record<string, string>[] {
    const posts = this.posts.filter(({ headers }) => headers['x-amz-sns-message-type'] === type)
    return posts.map(({ body }) => JSON.parse(body))
  }
}

describe('to a webhook', () => {
  let webhook: Webhook
  beforeEach(async () => {
    webhook = new Webhook()
    await webhook.open()
  })
  afterEach(() => webhook.close())

  /** Subscribes and confirms as a receiver does, by the link in the message. */
  async function join(attributes: Record<string, string> = {}): Promise<string> {
    const arn = await subscribe('http', webhook.url, attributes)
    await until(() => webhook.of('SubscriptionConfirmation').length > 0)
    const [asked] = webhook.of('SubscriptionConfirmation')
    const { Token, TopicArn } = asked ?? {}
    await client.send(new ConfirmSubscriptionCommand({ Token, TopicArn }))
    return arn
  }

  test('it is asked first, in a signed message, and gets nothing before it has confirmed', async () => {
    await subscribe('http', webhook.url)
    await publish('early')
    await until(() => webhook.posts.length > 0)
    const [asked] = webhook.of('SubscriptionConfirmation')
    expect(await isGenuine(asked ?? {})).toBe(true)
    expect(asked?.SubscribeURL).toMatch(/^https:\/\/localhost:\d+\/\?Action=ConfirmSubscription&/)
    await client.send(new ConfirmSubscriptionCommand({ TopicArn: topicArn, Token: asked?.Token }))
    await publish('later', { outcome: 'expired' })
    await until(() => webhook.of('Notification').length > 0)
    const got = webhook.of('Notification')
    expect(got.map(({ Message }) => Message)).toEqual(['later'])
    expect(await isGenuine(got[0] ?? {})).toBe(true)
  })

  test('a wrong token confirms nothing', async () => {
    await subscribe('http', webhook.url)
    const wrong = { TopicArn: topicArn, Token: 'ab'.repeat(32) }
    await expect(client.send(new ConfirmSubscriptionCommand(wrong))).rejects.toThrow('Token')
  })

  test('server errors and 429 are tried again, by the delivery policy', async () => {
    await join({ DeliveryPolicy: JSON.stringify({ healthyRetryPolicy: { numRetries: 50 } }) })
    webhook.status = 503
    await publish('hello')
    await until(() => webhook.of('Notification').length >= 2)
    webhook.status = 429
    const before = webhook.posts.length
    await until(() => webhook.posts.length > before + 1)
    webhook.status = 200
    const ids = new Set(webhook.of('Notification').map(({ MessageId }) => MessageId))
    expect(ids.size).toBe(1)
  })

  test('any other answer is final; retries that are used up are, too: the rest is redriven', async () => {
    const dead = queue('dead')
    await join({ RedrivePolicy: JSON.stringify({ deadLetterTargetArn: dead }) })
    webhook.status = 403
    await publish('forbidden')
    await until(() => sqs.depth(dead).visible === 1)
    expect(webhook.of('Notification')).toHaveLength(1)
    webhook.status = 500
    await publish('broken')
    await until(() => sqs.depth(dead).visible === 2)
    expect(webhook.of('Notification').filter(({ Message }) => Message === 'broken')).toHaveLength(4)
    expect(await messagesIn(dead)).toEqual(['broken', 'forbidden'])
  })

  test('what it has not taken outlives a restart, and so do topics, subscriptions and the key', async () => {
    await join({ DeliveryPolicy: JSON.stringify({ healthyRetryPolicy: { numRetries: 100 } }) })
    await webhook.close()
    await publish('while it was down')
    await stopTopics()
    await startTopics()
    await webhook.open()
    sns.restore()
    await until(() => webhook.of('Notification').length === 1)
    expect(await isGenuine(webhook.of('Notification')[0] ?? {})).toBe(true)
  })

  test('elsewhere than on this machine nothing is posted', async () => {
    await expect(subscribe('https', 'https://example.com/')).rejects.toThrow('this machine only')
    await expect(subscribe('https', webhook.url)).rejects.toThrow('match the specified protocol')
  })
})

describe('the API', () => {
  test('a batch of ten; one bad entry fails alone', async () => {
    const arn = queue('batch')
    await subscribe('sqs', arn)
    const entries = ['one', 'two', ''].map((Message, index) => ({ Id: `${index}`, Message }))
    const { Successful, Failed } = await client.send(
      new PublishBatchCommand({ TopicArn: topicArn, PublishBatchRequestEntries: entries }),
    )
    expect(Successful?.map(({ Id }) => Id)).toEqual(['0', '1'])
    expect(Failed).toMatchObject([{ Id: '2', Code: 'InvalidParameter', SenderFault: true }])
    expect(await messagesIn(arn)).toEqual(['one', 'two'])
  })

  test.each([
    ['eleven entries', Array.from({ length: 11 }, (_, n) => `${n}`), 'x', 'TooManyEntries'],
    ['the same id twice', ['1', '1'], 'x', 'BatchEntryIdsNotDistinct'],
    ['more than 256 KB', ['1', '2'], 'x'.repeat(140_000), 'BatchRequestTooLong'],
  ])('a batch of %s is refused', async (_what, ids, Message, name) => {
    const PublishBatchRequestEntries = ids.map((Id) => ({ Id, Message }))
    const call = client.send(
      new PublishBatchCommand({ TopicArn: topicArn, PublishBatchRequestEntries }),
    )
    await expect(call).rejects.toThrow(
      expect.objectContaining({ name: expect.stringContaining(name) }),
    )
  })

  test('a role may do what its policies say', async () => {
    const other = new SNSClient(clientOf(endpoint, 'publisher'))
    await other.send(new PublishCommand({ TopicArn: topicArn, Message: 'x' }))
    const ask = { TopicArn: topicArn, Protocol: 'sqs', Endpoint: queue('q') }
    await expect(other.send(new SubscribeCommand(ask))).rejects.toThrow('sns:Subscribe')
    other.destroy()
  })

  test('topics and subscriptions are made, listed, described and removed', async () => {
    const { TopicArn } = await client.send(new CreateTopicCommand({ Name: 'other' }))
    const { Topics: topics } = await client.send(new ListTopicsCommand({}))
    expect(topics?.map((one) => one.TopicArn)).toEqual([topicArn, TopicArn])
    const arn = queue('q')
    const SubscriptionArn = await subscribe('sqs', arn)
    expect(await subscribe('sqs', arn)).toBe(SubscriptionArn)
    const about = new GetSubscriptionAttributesCommand({ SubscriptionArn })
    expect((await client.send(about)).Attributes).toMatchObject({
      Endpoint: arn,
      PendingConfirmation: 'false',
    })
    const count = async () => {
      const { Attributes } = await client.send(
        new GetTopicAttributesCommand({ TopicArn: topicArn }),
      )
      return Attributes?.SubscriptionsConfirmed
    }
    expect(await count()).toBe('1')
    await client.send(new UnsubscribeCommand({ SubscriptionArn }))
    expect(await count()).toBe('0')
    await publish('to nobody')
    expect(await held(arn)).toEqual([])
    await client.send(new DeleteTopicCommand({ TopicArn: TopicArn ?? '' }))
    const gone = new ListSubscriptionsByTopicCommand({ TopicArn })
    await expect(client.send(gone)).rejects.toThrow('does not exist')
  })
})
