import { beforeEach, describe, expect, test, vi } from 'vitest'
import * as leanDynamoDb from '../../src/lean/client-dynamodb.ts'
import * as leanIotData from '../../src/lean/client-iot-data-plane.ts'
import * as leanKms from '../../src/lean/client-kms.ts'
import * as leanSns from '../../src/lean/client-sns.ts'
import * as leanSqs from '../../src/lean/client-sqs.ts'
import { samples } from './calls.ts'
import { dynamoDb, type Settings, stubLambdaEnvironment } from './services.ts'
import { answers, type Behavior, type Recorded, stubOfFile } from './stub.ts'

const stub = stubOfFile()
beforeEach(() => {
  stubLambdaEnvironment()
  return () => vi.unstubAllEnvs()
})

/** What a service sees of a request, but for signature, tracing and the sender's name. */
function seen({ method, path, headers, body }: Recorded) {
  const [resource, query = ''] = path.split('?')
  const type = headers['content-type']
  return {
    method,
    resource,
    query: query.split('&').sort(),
    type,
    target: headers['x-amz-target'],
    length: headers['content-length'],
    token: headers['x-amz-security-token'],
    body: type?.includes('json') ? JSON.parse(body.toString()) : body.toString('hex'),
  }
}

async function record(ask: (settings: Settings) => Promise<unknown>, behavior: Behavior) {
  const requests = stub.play(behavior)
  const output = await ask({ endpoint: stub.url, maxAttempts: 1 })
  return { requests: requests.map(seen), output: withoutMetadata(output) }
}

function withoutMetadata(output: unknown): unknown {
  if (Array.isArray(output)) return output.map(withoutMetadata)
  return { ...(output as object), $metadata: undefined }
}

describe('like the SDK, the lean client asks and understands', () => {
  test.each(samples)('$title', async ({ call, answer }) => {
    const behavior = answers({ body: answer })
    const sdk = await record(call.sdk, behavior)
    const lean = await record(call.lean, behavior)
    expect(sdk.requests).toHaveLength(1)
    expect(lean).toEqual(sdk)
  })

  test.each([
    [
      'paginateQuery',
      dynamoDb((api, client) => all(api.paginateQuery({ client }, { TableName: 't', Limit: 1 }))),
    ],
    [
      'paginateScan',
      dynamoDb((api, client) => all(api.paginateScan({ client }, { TableName: 't', Limit: 1 }))),
    ],
  ])('%s', async (_, call) => {
    const pages = [
      { Items: [{ pk: { S: '1' } }], LastEvaluatedKey: { pk: { B: '/+A=' } } },
      { Items: [], LastEvaluatedKey: { pk: { S: '2' } } },
      { Items: [{ pk: { S: '3' } }] },
    ] as const
    const bodies = pages.map((page) => ({ body: JSON.stringify(page) }))
    const behavior = answers(bodies[0]!, ...bodies.slice(1))
    const sdk = await record(call.sdk, behavior)
    const lean = await record(call.lean, behavior)
    expect(sdk.requests).toHaveLength(3)
    expect(lean).toEqual(sdk)
  })
})

test('every command of the lean clients is among the samples', () => {
  const commands = [leanDynamoDb, leanIotData, leanKms, leanSns, leanSqs]
    .flatMap((module) => Object.keys(module))
    .filter((name) => name.endsWith('Command'))
  const sampled = samples.map(({ title }) => `${title.split(' ')[0]}Command`)
  expect(commands.filter((name) => !sampled.includes(name))).toEqual([])
})

test('a payload that is not bytes is refused', async () => {
  const client = new leanIotData.IoTDataPlaneClient({ endpoint: stub.url })
  const ask = { clientId: 'c', topic: 't', payload: 'text' as unknown as Uint8Array }
  await expect(client.send(new leanIotData.SendDirectMessageCommand(ask))).rejects.toThrow(
    'only takes a payload of bytes',
  )
})

test('a member that would be lost on the way is refused', async () => {
  const client = new leanIotData.IoTDataPlaneClient({ endpoint: stub.url })
  const ask = { clientId: 'c', topic: 't', payload: new Uint8Array(), responseTopic: 'r' }
  await expect(client.send(new leanIotData.SendDirectMessageCommand(ask))).rejects.toThrow(
    'the lean client does not send responseTopic',
  )
})

test('a member of an event that would be lost on the way is refused', async () => {
  const client = new leanSns.SNSClient({ endpoint: stub.url })
  const send = (entry: object) => {
    const PublishBatchRequestEntries = [{ Id: '0', Message: 'm', ...entry }]
    return client.send(
      new leanSns.PublishBatchCommand({ TopicArn: 't', PublishBatchRequestEntries }),
    )
  }
  await expect(send({ Subject: 's' })).rejects.toThrow('the lean client does not send Subject')
  const MessageAttributes = { bytes: { DataType: 'Binary', BinaryValue: new Uint8Array() } }
  await expect(send({ MessageAttributes })).rejects.toThrow('does not send BinaryValue')
})

async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const list: Item[] = []
  for await (const item of items) list.push(item)
  return list
}
