import { randomUUID } from 'node:crypto'
import { stat, writeFile } from 'node:fs/promises'
import {
  ChangeMessageVisibilityBatchCommand,
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ListDeadLetterSourceQueuesCommand,
  ListMessageMoveTasksCommand,
  ListQueuesCommand,
  ListQueueTagsCommand,
  PurgeQueueCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SetQueueAttributesCommand,
  SQSClient,
  StartMessageMoveTaskCommand,
  TagQueueCommand,
  UntagQueueCommand,
} from '@aws-sdk/client-sqs'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Endpoint } from '../src/endpoint.ts'
import { type Sqs, startSqs } from '../src/sqs/sqs.ts'
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

let sqs: Sqs
let endpoint: Endpoint
let client: SQSClient
let url: string
const { log } = logLines()
const arn = 'arn:aws:sqs:us-east-1:000000000000'
const sender = role(`sqs:SendMessage ${arn}:notifications`)

async function start(path?: string): Promise<void> {
  endpoint = await endpointFor([], { operator, sender })
  const file = path === undefined ? {} : { path }
  sqs = await startSqs({ identity, log, baseUrl: endpoint.url, ...file })
  endpoint.add(sqs.service)
  client = new SQSClient(clientOf(endpoint))
}

async function stop(): Promise<void> {
  await sqs.close()
  client.destroy()
  await endpoint.close()
}

beforeEach(async () => {
  await start()
  url = sqs.createQueue({ QueueName: 'notifications' }).url
})
afterEach(stop)

const send = (body: string, more: object = {}) =>
  client.send(new SendMessageCommand({ QueueUrl: url, MessageBody: body, ...more }))
const receive = async (more: object = {}) => {
  const command = new ReceiveMessageCommand({ QueueUrl: url, MaxNumberOfMessages: 10, ...more })
  return (await client.send(command)).Messages ?? []
}
const bodies = (messages: readonly { Body?: string | undefined }[]) =>
  messages.map(({ Body }) => Body).sort()

describe('a standard queue through the SDK', () => {
  test('its URL begins with the endpoint, and any host finds it', async () => {
    expect(url).toBe(`${endpoint.url}/000000000000/notifications`)
    await client.send(
      new SendMessageCommand({
        QueueUrl: 'http://127.0.0.1:1/000000000000/notifications',
        MessageBody: 'x',
      }),
    )
    expect(bodies(await receive())).toEqual(['x'])
    const { QueueUrl } = await client.send(new GetQueueUrlCommand({ QueueName: 'notifications' }))
    expect(QueueUrl).toBe(url)
  })

  test('a message comes with its attributes', async () => {
    const MessageAttributes = { kind: { DataType: 'String', StringValue: 'push' } }
    await send('hello', { MessageAttributes, MessageGroupId: 'com.example.app' })
    const [message] = await receive({
      MessageSystemAttributeNames: ['All'],
      MessageAttributeNames: ['All'],
    })
    expect(message).toMatchObject({
      Body: 'hello',
      MessageAttributes,
      Attributes: {
        ApproximateReceiveCount: '1',
        SentTimestamp: expect.stringMatching(/^\d{13}$/),
        MessageGroupId: 'com.example.app',
      },
    })
  })

  test('attributes come only when they are asked for, by name or by beginning', async () => {
    const one = { DataType: 'String', StringValue: '1' }
    const MessageAttributes = { 'push.kind': one, 'push.size': one, other: one }
    const ask = async (MessageAttributeNames?: string[]) => {
      await send('x', { MessageAttributes })
      const [message] = await receive(MessageAttributeNames ? { MessageAttributeNames } : {})
      expect(message?.Attributes).toBeUndefined()
      return message?.MessageAttributes && Object.keys(message.MessageAttributes).sort()
    }
    expect(await ask()).toBeUndefined()
    expect(await ask(['other', 'none'])).toEqual(['other'])
    expect(await ask(['push.*'])).toEqual(['push.kind', 'push.size'])
    expect(await ask(['.*'])).toEqual(['other', 'push.kind', 'push.size'])
  })

  test.each([
    { MaxNumberOfMessages: 11 },
    { WaitTimeSeconds: 21 },
    { VisibilityTimeout: 43_201 },
    { VisibilityTimeout: -1 },
  ])('a receive with %j is refused', async (more) => {
    await expect(receive(more)).rejects.toMatchObject({ name: 'InvalidParameterValue' })
  })

  test('of two changes of visibility the one of no message fails alone', async () => {
    await send('x')
    const [message] = await receive()
    const entry = { VisibilityTimeout: 0, ReceiptHandle: message?.ReceiptHandle }
    const gone = { VisibilityTimeout: 0, ReceiptHandle: randomUUID() }
    const Entries = [
      { Id: 'there', ...entry },
      { Id: 'gone', ...gone },
    ]
    const { Successful, Failed } = await client.send(
      new ChangeMessageVisibilityBatchCommand({ QueueUrl: url, Entries }),
    )
    expect(Successful).toEqual([{ Id: 'there' }])
    expect(Failed).toMatchObject([{ Id: 'gone', Code: 'MessageNotInflight' }])
    expect(await receive()).toHaveLength(1)
  })

  test('a received message is invisible until its time-out, and gone when deleted', async () => {
    await send('x')
    const [message] = await receive()
    expect(await receive()).toEqual([])
    const { ReceiptHandle } = message ?? {}
    const handle = { QueueUrl: url, ReceiptHandle }
    await client.send(new ChangeMessageVisibilityCommand({ ...handle, VisibilityTimeout: 0 }))
    const [again] = await receive()
    expect(again?.Body).toBe('x')
    await client.send(
      new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle: again?.ReceiptHandle }),
    )
    expect(sqs.depth(url)).toEqual({ visible: 0, inFlight: 0, delayed: 0 })
  })

  test('a receipt handle that SQS never gave out is refused', async () => {
    const command = new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle: 'nonsense' })
    await expect(client.send(command)).rejects.toMatchObject({ name: 'ReceiptHandleIsInvalid' })
  })

  test('a long poll wakes at the next message', async () => {
    const waiting = receive({ WaitTimeSeconds: 5 })
    await send('x')
    expect(bodies(await waiting)).toEqual(['x'])
  })

  test('a delayed message waits', async () => {
    await send('later', { DelaySeconds: 1 })
    expect(await receive()).toEqual([])
    expect(sqs.depth(url).delayed).toBe(1)
    expect(bodies(await receive({ WaitTimeSeconds: 3 }))).toEqual(['later'])
  })

  test('a batch of ten, of which one is bad', async () => {
    const Entries = Array.from({ length: 10 }, (_, index) => ({
      Id: `m${index}`,
      MessageBody: index === 4 ? '\u0000' : `body ${index}`,
    }))
    const { Successful, Failed } = await client.send(
      new SendMessageBatchCommand({ QueueUrl: url, Entries }),
    )
    expect(Successful).toHaveLength(9)
    expect(Failed).toMatchObject([{ Id: 'm4', SenderFault: true, Code: 'InvalidMessageContents' }])
    const messages = await receive()
    const handles = messages.map(({ ReceiptHandle }, index) => ({ Id: `${index}`, ReceiptHandle }))
    await client.send(new DeleteMessageBatchCommand({ QueueUrl: url, Entries: handles }))
    expect(sqs.depth(url)).toEqual({ visible: 0, inFlight: 0, delayed: 0 })
  })

  test.each([
    ['EmptyBatchRequest', []],
    [
      'TooManyEntriesInBatchRequest',
      Array.from({ length: 11 }, (_, i) => ({ Id: `${i}`, MessageBody: 'x' })),
    ],
    [
      'BatchEntryIdsNotDistinct',
      [
        { Id: 'a', MessageBody: 'x' },
        { Id: 'a', MessageBody: 'y' },
      ],
    ],
    ['InvalidBatchEntryId', [{ Id: 'a b', MessageBody: 'x' }]],
    [
      'BatchRequestTooLong',
      [
        { Id: 'a', MessageBody: 'x'.repeat(600_000) },
        { Id: 'b', MessageBody: 'x'.repeat(600_000) },
      ],
    ],
  ])('%s', async (name, Entries) => {
    const batch = client.send(new SendMessageBatchCommand({ QueueUrl: url, Entries }))
    await expect(batch).rejects.toMatchObject({ name })
  })

  test.each([
    ['too long', { MessageBody: 'x'.repeat(1_048_577) }],
    ['empty', { MessageBody: '' }],
    ['delayed too long', { MessageBody: 'x', DelaySeconds: 901 }],
  ])('a message that is %s is refused', async (_name, more) => {
    await expect(send('x', more)).rejects.toMatchObject({ $metadata: { httpStatusCode: 400 } })
    expect(sqs.depth(url).visible).toBe(0)
  })

  test('a queue that is not there', async () => {
    url = `${endpoint.url}/000000000000/other`
    await expect(send('x')).rejects.toMatchObject({ name: 'QueueDoesNotExist' })
  })

  test('concurrent senders and receivers neither lose nor repeat', async () => {
    const all = Array.from({ length: 200 }, (_, index) => `m${String(index).padStart(3, '0')}`)
    const seen: string[] = []
    const drain = async () => {
      while (seen.length < all.length) {
        for (const { Body, ReceiptHandle } of await receive({ WaitTimeSeconds: 1 })) {
          seen.push(Body ?? '')
          await client.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle }))
        }
      }
    }
    await Promise.all([drain(), drain(), ...all.map((body) => send(body))])
    expect(seen.sort()).toEqual(all)
  })
})

describe('queues', () => {
  test('are made, found, changed, purged and listed through the API', async () => {
    const Attributes = { VisibilityTimeout: '7' }
    const made = await client.send(new CreateQueueCommand({ QueueName: 'made', Attributes }))
    const again = await client.send(new CreateQueueCommand({ QueueName: 'made', Attributes }))
    expect(again.QueueUrl).toBe(made.QueueUrl)
    const other = { QueueName: 'made', Attributes: { VisibilityTimeout: '8' } }
    await expect(client.send(new CreateQueueCommand(other))).rejects.toMatchObject({
      name: 'QueueNameExists',
    })
    const { QueueUrls } = await client.send(new ListQueuesCommand({}))
    expect(QueueUrls).toEqual([url, made.QueueUrl])
    const queue = { QueueUrl: made.QueueUrl }
    await client.send(
      new SetQueueAttributesCommand({ ...queue, Attributes: { DelaySeconds: '3' } }),
    )
    const seen = await client.send(
      new GetQueueAttributesCommand({ ...queue, AttributeNames: ['All'] }),
    )
    expect(seen.Attributes).toMatchObject({
      QueueArn: `${arn}:made`,
      VisibilityTimeout: '7',
      DelaySeconds: '3',
    })
    await send('x')
    await client.send(new PurgeQueueCommand({ QueueUrl: url }))
    expect(sqs.depth(url).visible).toBe(0)
  })

  test('are tagged', async () => {
    const queue = { QueueUrl: url }
    await client.send(new TagQueueCommand({ ...queue, Tags: { a: '1', b: '2' } }))
    await client.send(new UntagQueueCommand({ ...queue, TagKeys: ['a'] }))
    expect((await client.send(new ListQueueTagsCommand(queue))).Tags).toEqual({ b: '2' })
  })

  test.each([
    ['DelaySeconds', '901'],
    ['VisibilityTimeout', 'soon'],
    ['MaximumMessageSize', '1023'],
    ['FifoQueue', 'true'],
  ])('do not take %s = %s', async (name, value) => {
    const Attributes = { [name]: value }
    const change = client.send(new SetQueueAttributesCommand({ QueueUrl: url, Attributes }))
    await expect(change).rejects.toMatchObject({ name: 'InvalidAttributeValue' })
  })

  test('a template that changes attributes changes the queue', () => {
    const properties = { QueueName: 'notifications', VisibilityTimeout: 60 }
    expect(sqs.createQueue(properties)).toEqual({ url, arn: `${arn}:notifications` })
  })

  test('an unknown property is an error that names it', () => {
    const properties = { QueueName: 'x', Visibility: 60 }
    expect(() => sqs.createQueue(properties)).toThrow('unknown property Visibility')
  })

  test('calls without a grant are refused; a batch needs the grant of one', async () => {
    const limited = new SQSClient(clientOf(endpoint, 'sender'))
    const entry = { Id: 'a', MessageBody: 'x' }
    await limited.send(new SendMessageBatchCommand({ QueueUrl: url, Entries: [entry] }))
    const reading = limited.send(new ReceiveMessageCommand({ QueueUrl: url }))
    await expect(reading).rejects.toMatchObject({
      $metadata: { httpStatusCode: 403 },
      message: expect.stringContaining(`sqs:ReceiveMessage on resource: ${arn}:notifications`),
    })
  })
})

describe('dead letters', () => {
  let dead: string
  beforeEach(() => {
    dead = sqs.createQueue({ QueueName: 'dead' }).url
    const policy = { deadLetterTargetArn: `${arn}:dead`, maxReceiveCount: 2 }
    sqs.createQueue({ QueueName: 'notifications', VisibilityTimeout: 0, RedrivePolicy: policy })
    sqs.createQueue({ QueueName: 'another', RedrivePolicy: policy })
  })
  const fail = async (times: number) => {
    for (let count = 0; count < times; count += 1) await receive()
  }

  test('a message received too often goes to the dead-letter queue', async () => {
    await send('bad')
    await fail(2)
    expect(sqs.depth(dead).visible).toBe(0)
    await fail(1)
    expect(sqs.depth(dead).visible).toBe(1)
    const command = { QueueUrl: dead, MessageSystemAttributeNames: ['All' as const] }
    const { Messages } = await client.send(new ReceiveMessageCommand(command))
    expect(Messages?.[0]).toMatchObject({
      Body: 'bad',
      Attributes: { DeadLetterQueueSourceArn: `${arn}:notifications` },
    })
  })

  test('a move task takes it back to where it came from', async () => {
    await send('bad')
    await fail(3)
    await client.send(new StartMessageMoveTaskCommand({ SourceArn: `${arn}:dead` }))
    expect(sqs.depth(dead).visible).toBe(0)
    expect(bodies(await receive())).toEqual(['bad'])
    const { Results } = await client.send(
      new ListMessageMoveTasksCommand({ SourceArn: `${arn}:dead` }),
    )
    expect(Results).toMatchObject([{ Status: 'COMPLETED', ApproximateNumberOfMessagesMoved: 1 }])
  })

  test('the queues that feed it are known', async () => {
    const { queueUrls } = await client.send(
      new ListDeadLetterSourceQueuesCommand({ QueueUrl: dead }),
    )
    expect(queueUrls).toEqual([url, `${endpoint.url}/000000000000/another`])
  })
})

describe('a FIFO queue', () => {
  beforeEach(() => {
    url = sqs.createQueue({ QueueName: 'ordered.fifo', FifoQueue: true }).url
  })
  const sendOne = (body: string, group: string, id = body) =>
    send(body, { MessageGroupId: group, MessageDeduplicationId: id })

  test('keeps the order of a group and drops repeats', async () => {
    await sendOne('1', 'a')
    await sendOne('2', 'a')
    await sendOne('1', 'a')
    await sendOne('3', 'b')
    const first = await receive()
    expect(bodies(first)).toEqual(['1', '3'])
    expect(await receive()).toEqual([])
    for (const { ReceiptHandle } of first)
      await client.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle }))
    expect(bodies(await receive())).toEqual(['2'])
    expect(sqs.depth(url).visible).toBe(0)
  })

  test('answers a repeat as the first, and takes the body for an id where it may', async () => {
    const first = await sendOne('x', 'a', 'id')
    const repeat = await sendOne('x', 'a', 'id')
    expect(repeat.MessageId).toBe(first.MessageId)
    expect(repeat.SequenceNumber).toBe(first.SequenceNumber)
    const group = { MessageGroupId: 'a' }
    await expect(send('y', group)).rejects.toMatchObject({ name: 'InvalidParameterValue' })
    sqs.createQueue({ QueueName: 'ordered.fifo', ContentBasedDeduplication: true })
    await send('y', group)
    await send('y', group)
    expect(sqs.depth(url).visible).toBe(2)
  })

  test('numbers its messages, and delays none by itself', async () => {
    const delayed = { MessageGroupId: 'a', MessageDeduplicationId: 'x', DelaySeconds: 1 }
    await expect(send('x', delayed)).rejects.toMatchObject({ name: 'InvalidParameterValue' })
    expect((await sendOne('1', 'a')).SequenceNumber).toBe('00000000000000000001')
    expect((await sendOne('2', 'a')).SequenceNumber).toBe('00000000000000000002')
  })

  test('demands a group', async () => {
    await expect(send('x')).rejects.toMatchObject({ name: 'MissingParameter' })
  })
})

describe('in-process', () => {
  test('receives records as Lambda does', async () => {
    const id = sqs.send('notifications', 'body', {
      groupId: 'g',
      attributes: { a: { DataType: 'Number', StringValue: '1' } },
    })
    const [record] = await sqs.receive(url)
    expect(record).toEqual({
      messageId: id,
      receiptHandle: expect.any(String),
      body: 'body',
      md5OfBody: '841a2d689ad86bd1611447453c22c6fc',
      attributes: {
        ApproximateReceiveCount: '1',
        SentTimestamp: expect.any(String),
        SenderId: '000000000000',
        ApproximateFirstReceiveTimestamp: expect.any(String),
        MessageGroupId: 'g',
      },
      messageAttributes: {
        a: { dataType: 'Number', stringValue: '1', stringListValues: [], binaryListValues: [] },
      },
      eventSource: 'aws:sqs',
      eventSourceARN: `${arn}:notifications`,
      awsRegion: 'us-east-1',
    })
    sqs.delete(url, record?.receiptHandle ?? '')
    expect(sqs.depth(`${arn}:notifications`)).toEqual({ visible: 0, inFlight: 0, delayed: 0 })
  })

  test('a wait ends with a message, a signal or the end', async () => {
    const first = sqs.receive(url, { waitSeconds: 10 })
    sqs.send(url, 'x')
    expect(await first).toHaveLength(1)
    const stop = new AbortController()
    const second = sqs.receive(url, { waitSeconds: 10, signal: stop.signal })
    const third = sqs.receive(url, { waitSeconds: 10 })
    stop.abort()
    expect(await second).toEqual([])
    await sqs.close()
    expect(await third).toEqual([])
  })

  test('visibility can be changed, and one that ended is no error', async () => {
    sqs.send(url, 'x')
    const [record] = await sqs.receive(url)
    const handle = record?.receiptHandle ?? ''
    sqs.changeVisibility(url, handle, 0)
    expect(await sqs.receive(url)).toHaveLength(1)
    sqs.changeVisibility(url, handle, 0)
  })

  test('an unknown queue is an error', () => {
    expect(() => sqs.send('other', 'x')).toThrow('There is no queue other.')
  })
})

describe('over a restart', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  let file: string
  beforeEach(async () => {
    folder = await temporaryFolder()
    file = `${folder.path}/queues.jsonl`
    await stop()
    await start(file)
    url = sqs.createQueue({ QueueName: 'notifications' }).url
  })
  afterEach(async () => {
    await stop()
    await folder.remove()
    await start()
  })
  const restart = async () => {
    await stop()
    await start(file)
  }
  /** A second one on the same file: the first gets no chance to tidy up. */
  const kill = async () => {
    await new Promise((resolve) => setImmediate(resolve))
    client.destroy()
    await endpoint.close()
    await start(file)
  }

  test('waiting, delayed and received messages stay, deleted ones do not', async () => {
    sqs.send(url, 'deleted')
    const [deleted] = await sqs.receive(url)
    sqs.delete(url, deleted?.receiptHandle ?? '')
    sqs.send(url, 'received', { groupId: 'g' })
    await sqs.receive(url)
    sqs.send(url, 'waiting')
    sqs.send(url, 'delayed', { delaySeconds: 60 })
    await restart()
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    sqs.createQueue({ QueueName: 'notifications' })
    expect(sqs.depth('notifications')).toEqual({ visible: 2, inFlight: 0, delayed: 1 })
    const records = await sqs.receive('notifications')
    expect(
      records.map(({ body, attributes }) => [body, attributes.ApproximateReceiveCount]),
    ).toEqual([
      ['received', '2'],
      ['waiting', '1'],
    ])
  })

  test('after a kill everything is there that was not deleted', async () => {
    for (const body of ['deleted', 'in flight', 'waiting']) sqs.send(url, body)
    const [first] = await sqs.receive(url, { max: 2 })
    sqs.delete(url, first?.receiptHandle ?? '')
    await kill()
    sqs.createQueue({ QueueName: 'notifications' })
    const left = await sqs.receive('notifications')
    expect(left.map(({ body }) => body)).toEqual(['in flight', 'waiting'])
  })

  test('the message that makes the file be written anew is in it', async () => {
    // more lines than it takes before that happens
    const count = 20_050
    for (let n = 0; n < count; n += 1) sqs.send(url, 'x')
    await kill()
    sqs.createQueue({ QueueName: 'notifications' })
    expect(sqs.depth('notifications').visible).toBe(count)
  })

  test('what was purged or deleted with its queue does not come back', async () => {
    const { url: other } = sqs.createQueue({ QueueName: 'other' })
    sqs.send(url, 'purged')
    sqs.send(other, 'deleted with it')
    await client.send(new PurgeQueueCommand({ QueueUrl: url }))
    sqs.deleteQueue(other)
    await kill()
    for (const QueueName of ['notifications', 'other']) {
      sqs.createQueue({ QueueName })
      expect(sqs.depth(QueueName).visible).toBe(0)
    }
  })

  test('a redriven message is in the dead-letter queue only', async () => {
    const dead = sqs.createQueue({ QueueName: 'dead' })
    const RedrivePolicy = { deadLetterTargetArn: dead.arn, maxReceiveCount: 1 }
    const { url: source } = sqs.createQueue({ QueueName: 'source', RedrivePolicy })
    sqs.send(source, 'bad')
    const [received] = await sqs.receive(source)
    sqs.changeVisibility(source, received?.receiptHandle ?? '', 0)
    expect(await sqs.receive(source)).toEqual([])
    await kill()
    for (const QueueName of ['dead', 'source']) sqs.createQueue({ QueueName })
    expect(sqs.depth('source').visible).toBe(0)
    expect(sqs.depth('dead').visible).toBe(1)
  })

  test('messages of a queue that is not made this time are kept', async () => {
    sqs.send(url, 'x')
    await restart()
    await restart()
    sqs.createQueue({ QueueName: 'notifications' })
    expect(sqs.depth('notifications').visible).toBe(1)
    await restart()
    sqs.createQueue({ QueueName: 'notifications' })
    expect(sqs.depth('notifications').visible).toBe(1)
  })

  test('a damaged file is one clear sentence', async () => {
    await writeFile(file, '[{"arn":\n')
    await expect(startSqs({ identity, log, baseUrl: '', path: file })).rejects.toThrow(
      `The state file ${file} is damaged`,
    )
    await writeFile(file, '{"queue":5}\n')
    await expect(startSqs({ identity, log, baseUrl: '', path: file })).rejects.toThrow('damaged')
  })
})

test('a long poll through the SDK ends with the service', async () => {
  const waiting = receive({ WaitTimeSeconds: 10 })
  await until(async () => (await fetch(`${endpoint.url}/_health`)).ok)
  await new Promise((resolve) => setTimeout(resolve, 50))
  await sqs.close()
  expect(await waiting).toEqual([])
})
