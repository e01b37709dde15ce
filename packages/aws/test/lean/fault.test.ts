import * as sdkDynamoDb from '@aws-sdk/client-dynamodb'
import * as sdkIotData from '@aws-sdk/client-iot-data-plane'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import * as leanDynamoDb from '../../src/lean/client-dynamodb.ts'
import * as leanIotData from '../../src/lean/client-iot-data-plane.ts'
import { faultOf, ServiceFault } from '../../src/lean/fault.ts'
import {
  type Call,
  dynamoDb,
  iotData,
  kms,
  outcome,
  sns,
  sqs,
  stubLambdaEnvironment,
} from './services.ts'
import { type Answer, answers, stubOfFile } from './stub.ts'

const stub = stubOfFile()
beforeEach(() => {
  stubLambdaEnvironment()
  return () => vi.unstubAllEnvs()
})

const calls = {
  dynamoDb: dynamoDb((api, client) =>
    client.send(new api.GetItemCommand({ TableName: 't', Key: { pk: { S: '1' } } })),
  ),
  iotData: iotData((api, client) =>
    client.send(
      new api.SendDirectMessageCommand({ clientId: 'c', topic: 't', payload: new Uint8Array(1) }),
    ),
  ),
  kms: kms((api, client) => client.send(new api.GetPublicKeyCommand({ KeyId: 'k' }))),
  sqs: sqs((api, client) =>
    client.send(new api.SendMessageCommand({ QueueUrl: 'http://q/1/q', MessageBody: 'm' })),
  ),
  sns: sns((api, client) =>
    client.send(
      new api.PublishBatchCommand({
        TopicArn: 't',
        PublishBatchRequestEntries: [{ Id: '0', Message: 'm' }],
      }),
    ),
  ),
} satisfies Record<string, Call>

async function faults(call: Call, answer: Answer) {
  const settings = { endpoint: stub.url, maxAttempts: 1 }
  stub.play(answers(answer))
  const sdk = await outcome(call.sdk(settings))
  const lean = await outcome(call.lean(settings))
  return { sdk: sdk as ServiceFault, lean: lean as ServiceFault }
}

/** What the functions look at. */
const essence = ({ name, message, $fault, $metadata }: ServiceFault) => ({
  name,
  message,
  $fault,
  status: $metadata.httpStatusCode,
  requestId: $metadata.requestId,
})

const headers = { 'x-amzn-requestid': 'request-1' }
const typed = (type: string, status = 400): Answer => ({
  status,
  headers,
  body: JSON.stringify({ __type: type, message: 'because é' }),
})
const titled = (type: string, status: number): Answer => ({
  status,
  headers: { ...headers, 'x-amzn-errortype': type },
  body: '{"message":"because"}',
})
const url = 'http://internal.amazon.com/coral/com.amazon.coral.service/'

describe('a fault is the one that the SDK throws', () => {
  test.each<[keyof typeof calls, string, Answer]>([
    ['dynamoDb', 'a plain __type', typed('ConditionalCheckFailedException')],
    [
      'dynamoDb',
      'a __type with a namespace',
      typed('com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException'),
    ],
    [
      'dynamoDb',
      'a __type with a namespace and a URL',
      typed(`com.amazon.coral#ConditionalCheckFailedException:${url}`),
    ],
    ['dynamoDb', 'a throttle', typed('ns#ProvisionedThroughputExceededException')],
    ['dynamoDb', 'a name that no model has', typed('ns#SomethingNew')],
    ['dynamoDb', 'a server fault', typed('ns#InternalServerError', 500)],
    [
      'dynamoDb',
      'a Message with a capital',
      { status: 400, headers, body: '{"__type":"ns#ValidationException","Message":"because"}' },
    ],
    ['dynamoDb', 'a code', { status: 400, headers, body: '{"code":"ns#Odd:x","message":"m"}' }],
    ['dynamoDb', 'a Code', { status: 400, headers, body: '{"Code":"Odd","message":"m"}' }],
    ['kms', 'a known exception', typed('NotFoundException')],
    ['kms', 'a throttle', typed('ThrottlingException')],
    ['sqs', 'a known exception', typed('com.amazonaws.sqs#QueueDoesNotExist')],
    ['sqs', 'a throttle', typed('com.amazonaws.sqs#RequestThrottled', 403)],
    [
      'sns',
      'a name that no model has, in XML',
      {
        status: 500,
        headers,
        body: '<ErrorResponse xmlns="x"><Error><Type>Receiver</Type><Code>SomethingNew</Code><Message>a &lt;b&gt; é</Message></Error><RequestId>request-1</RequestId></ErrorResponse>',
      },
    ],
    ['iotData', 'a header', titled('ResourceNotFoundException', 404)],
    ['iotData', 'a header with a URL', titled(`ResourceNotFoundException:${url}`, 404)],
    ['iotData', 'a header with a namespace', titled('aws.iot#GatewayTimeoutException', 504)],
    ['iotData', 'a header sent twice', titled('ForbiddenException, ForbiddenException', 403)],
    ['iotData', 'a header that no model has', titled('TeapotException', 418)],
    [
      'iotData',
      'a code',
      { status: 403, headers, body: '{"code":"ForbiddenException","message":"m"}' },
    ],
    ['iotData', 'a __type', typed('UnauthorizedException', 401)],
    [
      'iotData',
      'a header that differs from the body',
      {
        status: 413,
        headers: { ...headers, 'x-amzn-errortype': 'RequestEntityTooLargeException' },
        body: '{"__type":"InvalidRequestException","message":"m"}',
      },
    ],
  ])('%s: %s', async (service, _, answer) => {
    const { sdk, lean } = await faults(calls[service], answer)
    expect(lean).toBeInstanceOf(ServiceFault)
    expect(essence(lean)).toEqual(essence(sdk))
  })

  // the SDK says less in these messages, and throws a SyntaxError where the body is not JSON
  test.each([
    ['an object without a name', 400, '{}'],
    ['an object without a name', 503, '{"reason":"busy"}'],
    ['no body', 500, ''],
  ])('%s with status %i has the same name', async (_, status, body) => {
    const { sdk, lean } = await faults(calls.dynamoDb, { status, headers, body })
    expect({ ...essence(lean), message: '' }).toEqual({ ...essence(sdk), message: '' })
    expect(lean.message).toBe(`the service answered ${status}`)
  })

  test.each([
    [502, '<html>Bad Gateway</html>'],
    [403, 'null'],
    [400, '[1]'],
    [500, '{"__type":'],
    [404, '"ResourceNotFoundException"'],
    [400, '{"__type":{"a":1},"message":7}'],
  ])('%i with the body %s keeps the status', async (status, body) => {
    const { lean } = await faults(calls.iotData, { status, headers, body })
    expect(lean).toBeInstanceOf(ServiceFault)
    expect(essence(lean)).toMatchObject({ name: 'Unknown', status, requestId: 'request-1' })
  })

  test('a name on top of a page that is not JSON still counts', async () => {
    const answer = { ...titled('GatewayTimeoutException', 504), body: '<html></html>' }
    const { lean } = await faults(calls.iotData, answer)
    expect(lean).toBeInstanceOf(leanIotData.GatewayTimeoutException)
  })
})

/** The exception classes that a module exports, by name. */
function exceptionsOf(module: object): ReadonlyMap<string, unknown> {
  return new Map(Object.entries(module).filter(([name]) => name.endsWith('Exception')))
}

describe('the exported exceptions', () => {
  test.each([...exceptionsOf(leanDynamoDb)])('%s of DynamoDB', async (name, Class) => {
    const { sdk, lean } = await faults(calls.dynamoDb, typed(`ns#${name}`))
    expect(sdk).toBeInstanceOf(exceptionsOf(sdkDynamoDb).get(name))
    expect(lean).toBeInstanceOf(Class)
  })

  test.each([...exceptionsOf(leanIotData)])('%s of IoT', async (name, Class) => {
    const { sdk, lean } = await faults(calls.iotData, titled(name, 404))
    expect(sdk).toBeInstanceOf(exceptionsOf(sdkIotData).get(name))
    expect(lean).toBeInstanceOf(Class)
    const others = [...exceptionsOf(leanIotData).values()].filter((other) => other !== Class)
    for (const other of others) expect(lean).not.toBeInstanceOf(other)
  })

  test('do not include what every object has', () => {
    const reply = { status: 400, headers: {}, body: '{"__type":"constructor"}' }
    const fault = faultOf(reply, {})
    expect(fault.constructor).toBe(ServiceFault)
    expect(fault.name).toBe('constructor')
  })
})

test.each(['{', 'nonsense'])('an answer of 200 with the body %s is a SyntaxError', async (body) => {
  const { sdk, lean } = await faults(calls.dynamoDb, { body })
  expect({ sdk: sdk.name, lean: lean.name }).toEqual({ sdk: 'SyntaxError', lean: 'SyntaxError' })
})
