import { get, type RequestOptions } from 'node:http'
import { connect } from 'node:net'
import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb'
import { ListBucketsCommand, S3Client } from '@aws-sdk/client-s3'
import { GetQueueUrlCommand, SQSClient } from '@aws-sdk/client-sqs'
import aws4 from 'aws4'
import { afterEach, describe, expect, test } from 'vitest'
import { answerJson } from '../src/answer.ts'
import type { Endpoint, Fault, ServiceCall } from '../src/endpoint.ts'
import type { Service, ServiceRequest } from '../src/types.ts'
import { clientOf, endpointFor, logLines, operator, signedFetch } from './service-harness.ts'

const open: Endpoint[] = []
const start = async (...parameters: Parameters<typeof endpointFor>) => {
  const endpoint = await endpointFor(...parameters)
  open.push(endpoint)
  return endpoint
}
afterEach(async () => {
  await Promise.all(open.splice(0).map((endpoint) => endpoint.close()))
})

function recorder(name: string): Service & { seen: ServiceRequest[] } {
  const seen: ServiceRequest[] = []
  return {
    signingNames: [name],
    seen,
    async handle(request, response) {
      seen.push(request)
      answerJson(response, {})
    },
  }
}

/** `fetch` sends no Host header of one's own. */
function statusOf(options: RequestOptions): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', ...options }, (response) => {
      response.resume()
      resolve(response.statusCode)
    }).on('error', reject)
  })
}

describe('routing', () => {
  test('the credential scope finds the service and the caller', async () => {
    const [dynamodb, sqs] = [recorder('dynamodb'), recorder('sqs')]
    const endpoint = await start([dynamodb, sqs])
    await new DynamoDBClient(clientOf(endpoint)).send(new ListTablesCommand({}))
    await new SQSClient(clientOf(endpoint)).send(new GetQueueUrlCommand({ QueueName: 'q' }))
    expect(dynamodb.seen).toHaveLength(1)
    expect(sqs.seen).toHaveLength(1)
    expect(dynamodb.seen[0]?.caller).toBe(operator)
    expect(JSON.parse(String(sqs.seen[0]?.body))).toEqual({ QueueName: 'q' })
  })

  test('a service may be added while the endpoint runs, but not twice', async () => {
    const endpoint = await start([])
    endpoint.add(recorder('sqs'))
    expect((await signedFetch(endpoint, 'sqs', { method: 'POST' })).status).toBe(200)
    expect(() => endpoint.add(recorder('sqs'))).toThrow('Two services sign as sqs.')
  })

  test('a large body arrives whole', async () => {
    const s3 = recorder('s3')
    const endpoint = await start([s3])
    const body = Buffer.alloc(5_000_000, 7)
    await signedFetch(endpoint, 's3', { method: 'PUT', body })
    expect(s3.seen[0]?.body.equals(body)).toBe(true)
  })

  test('health needs no signature', async () => {
    const endpoint = await start([recorder('sqs'), recorder('dynamodb')])
    const answer = await fetch(`${endpoint.url}/_health`)
    expect(answer.status).toBe(200)
    expect(await answer.json()).toEqual({ status: 'running', services: ['dynamodb', 'sqs'] })
  })
})

describe('refusals', () => {
  test('an unsigned request', async () => {
    const endpoint = await start([recorder('sqs')])
    const answer = await fetch(endpoint.url, { method: 'POST' })
    expect(answer.status).toBe(403)
    expect(answer.headers.get('x-amzn-errortype')).toBe('MissingAuthenticationTokenException')
  })

  test.each(['Bearer x', 'AWS4-HMAC-SHA256 Credential=a/b/c', 'AWS4-HMAC-SHA256 Signature=00'])(
    'a signature that is not one: %s',
    async (header) => {
      const endpoint = await start([recorder('sqs')])
      const answer = await fetch(endpoint.url, { headers: { authorization: header } })
      expect(answer.status).toBe(403)
    },
  )

  test('an unknown access key id, in the words of each service', async () => {
    const endpoint = await start([recorder('dynamodb'), recorder('s3'), recorder('sqs')])
    const client = clientOf(endpoint, 'nobody')
    await expect(new DynamoDBClient(client).send(new ListTablesCommand({}))).rejects.toMatchObject({
      name: 'UnrecognizedClientException',
      $metadata: { httpStatusCode: 403 },
    })
    await expect(new S3Client(client).send(new ListBucketsCommand({}))).rejects.toMatchObject({
      name: 'InvalidAccessKeyId',
    })
  })

  test.each([
    ['dynamodb', 'InvalidSignatureException'],
    ['iotdata', 'InvalidSignatureException'],
    ['s3', 'SignatureDoesNotMatch'],
    ['cloudformation', 'SignatureDoesNotMatch'],
  ])('another secret, in the words of %s', async (service, code) => {
    const called = recorder(service)
    const endpoint = await start([called])
    const answer = await signedFetch(endpoint, service, {}, { secret: 'operator' })
    expect(answer.status).toBe(403)
    expect(await answer.text()).toContain(code)
    expect(called.seen).toHaveLength(0)
  })

  test.each([
    ['another path', { path: '/other' }],
    ['another query', { path: '/?a=b' }],
    ['another action', { headers: { 'x-amz-target': 'DynamoDB_20120810.DeleteTable' } }],
    ['one more action', { headers: { 'x-amz-other': 'x' } }],
  ])('a signature that is for %s', async (_what, changed) => {
    const dynamodb = recorder('dynamodb')
    const endpoint = await start([dynamodb])
    const request = { method: 'POST', headers: { 'x-amz-target': 'DynamoDB_20120810.ListTables' } }
    expect((await signedFetch(endpoint, 'dynamodb', request)).status).toBe(200)
    expect((await signedFetch(endpoint, 'dynamodb', request, changed)).status).toBe(403)
    expect(dynamodb.seen).toHaveLength(1)
  })

  test('a time that is more than 15 minutes away', async () => {
    const [s3, sqs] = [recorder('s3'), recorder('sqs')]
    const endpoint = await start([s3, sqs])
    const time = (minutes: number) =>
      new Date(Date.now() + minutes * 60_000).toISOString().replace(/[-:]|\.\d+/g, '')
    const answerAt = (service: string, minutes: number) =>
      signedFetch(endpoint, service, { headers: { 'X-Amz-Date': time(minutes) } })
    for (const minutes of [-16, 16])
      for (const service of ['s3', 'sqs']) {
        const answer = await answerAt(service, minutes)
        expect(answer.status).toBe(403)
        expect(await answer.text()).toContain('RequestTimeTooSkewed')
      }
    expect((await answerAt('s3', -14)).status).toBe(200)
  })

  test('credentials in a query, also good ones', async () => {
    const s3 = recorder('s3')
    const endpoint = await start([s3])
    const { host } = new URL(endpoint.url)
    const presigned = aws4.sign(
      { host, service: 's3', region: 'us-east-1', path: '/b/k', signQuery: true },
      { accessKeyId: 'operator', secretAccessKey: 'any' },
    )
    const answer = await fetch(`${endpoint.url}${presigned.path}`)
    expect(answer.status).toBe(403)
    expect(await answer.text()).toContain('sign the request in its Authorization header')
    for (const path of ['/?x-amz-credential=a', '/?X%2DAmz-Signature=a', '/?AWSAccessKeyId=a'])
      expect((await signedFetch(endpoint, 's3', { path })).status).toBe(403)
    expect(s3.seen).toHaveLength(0)
  })

  test.each(['null', 'http://127.0.0.1:4566', 'https://example.com'])(
    'a web page of %s, even with a good signature',
    async (origin) => {
      const sqs = recorder('sqs')
      const endpoint = await start([sqs])
      const answer = await signedFetch(endpoint, 'sqs', {}, { headers: { origin } })
      expect(answer.status).toBe(403)
      expect(answer.headers.get('access-control-allow-origin')).toBeNull()
      expect(sqs.seen).toHaveLength(0)
    },
  )

  test.each(['rebound.example', 'rebound.example:{port}', '127.0.0.1', '127.0.0.1.nip.io:{port}'])(
    'the foreign host %s, also for its health',
    async (name) => {
      const endpoint = await start([recorder('sqs')])
      const host = name.replace('{port}', `${endpoint.port}`)
      for (const path of ['/_health', '/'])
        expect(await statusOf({ port: endpoint.port, path, headers: { host } })).toBe(403)
    },
  )

  test('localhost is no foreign host', async () => {
    const { port } = await start([])
    const headers = { host: `LocalHost:${port}` }
    expect(await statusOf({ port, path: '/_health', headers })).toBe(200)
  })

  test('a service that is not there names those that are', async () => {
    const endpoint = await start([recorder('sqs')])
    const failure = new DynamoDBClient(clientOf(endpoint)).send(new ListTablesCommand({}))
    await expect(failure).rejects.toThrow('no service that signs as dynamodb; it has sqs')
  })

  test.each([
    ['iam', '<ErrorResponse><Error><Type>Sender</Type><Code>NotImplemented</Code>'],
    ['ec2', '<Response><Errors><Error><Code>NotImplemented</Code>'],
  ])(
    'a service of the Query protocol that is not there (%s) is refused in XML',
    async (name, xml) => {
      const endpoint = await start([])
      const headers = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' }
      const answer = await signedFetch(endpoint, name, {}, { headers })
      expect(answer.status).toBe(501)
      expect(answer.headers.get('content-type')).toBe('application/xml')
      expect(await answer.text()).toContain(xml)
    },
  )

  test('an error inside a service is a 500 and a line in the log', async () => {
    const { lines, log } = logLines()
    const broken: Service = {
      signingNames: ['sqs'],
      handle: () => Promise.reject(new Error('broken inside')),
    }
    const endpoint = await start([broken], { operator }, { log })
    expect((await signedFetch(endpoint, 'sqs')).status).toBe(500)
    expect(lines.join('\n')).toContain('broken inside')
  })

  test('a port in use rejects', async () => {
    const endpoint = await start([])
    await expect(start([], {}, { port: endpoint.port })).rejects.toMatchObject({
      code: 'EADDRINUSE',
    })
  })

  test('what is not HTTP is cut off and harms nobody', async () => {
    const endpoint = await start([])
    const socket = connect(endpoint.port, '127.0.0.1')
    socket.on('error', () => undefined)
    socket.write('\u0000\u0001 not http\r\n\r\n')
    await new Promise((resolve) => socket.on('close', resolve))
    expect((await fetch(`${endpoint.url}/_health`)).status).toBe(200)
  })
})

test('an emulator has secrets of its own: its callers are taken at their word, strangers are not', async () => {
  const sqs = recorder('sqs')
  const endpoint = await start([sqs], { operator }, { signatures: 'unchecked' })
  expect((await signedFetch(endpoint, 'sqs', {}, { secret: 'theirs' })).status).toBe(200)
  const page = { headers: { origin: 'https://example.com' } }
  expect((await signedFetch(endpoint, 'sqs', {}, page)).status).toBe(403)
})

describe('faults', () => {
  const faulty = async (fault: Fault) => {
    const calls: ServiceCall[] = []
    const dynamodb = recorder('dynamodb')
    const beforeService = (call: ServiceCall) => {
      calls.push(call)
      return fault
    }
    const endpoint = await start([dynamodb], { operator }, { beforeService })
    const client = new DynamoDBClient(clientOf(endpoint))
    return { calls, dynamodb, send: () => client.send(new ListTablesCommand({})) }
  }

  test('the hook hears of service and action', async () => {
    const { calls, send } = await faulty({ outcome: 'pass' })
    await send()
    expect(calls[0]).toMatchObject({ service: 'dynamodb', action: 'ListTables' })
  })

  test('slow', async () => {
    const { send } = await faulty({ outcome: 'pass', delayMs: 60 })
    const before = performance.now()
    await send()
    expect(performance.now() - before).toBeGreaterThan(55)
  })

  test('throttled', async () => {
    const code = 'ProvisionedThroughputExceededException'
    const { dynamodb, send } = await faulty({
      outcome: 'answer',
      status: 400,
      code,
      message: 'slow',
    })
    await expect(send()).rejects.toMatchObject({ name: code, message: 'slow' })
    expect(dynamodb.seen).toHaveLength(0)
  })

  test('the answer is lost: the work is done and the connection cut', async () => {
    const { dynamodb, send } = await faulty({ outcome: 'lose' })
    await expect(send()).rejects.toMatchObject({ code: 'ECONNRESET' })
    expect(dynamodb.seen).toHaveLength(1)
  })

  test('cut: nothing is done', async () => {
    const { dynamodb, send } = await faulty({ outcome: 'cut' })
    await expect(send()).rejects.toMatchObject({ code: 'ECONNRESET' })
    expect(dynamodb.seen).toHaveLength(0)
  })
})

test('close lets a running call end and does not wait for idle clients', async () => {
  let finish: () => void = () => undefined
  let started: () => void = () => undefined
  const running = new Promise<void>((resolve) => {
    started = resolve
  })
  const slow: Service = {
    signingNames: ['sqs'],
    async handle(_request, response) {
      const end = new Promise<void>((resolve) => {
        finish = resolve
      })
      started()
      await end
      answerJson(response, { done: true })
    },
  }
  const endpoint = await start([slow])
  const answer = signedFetch(endpoint, 'sqs')
  await running
  const before = performance.now()
  const closed = endpoint.close()
  finish()
  expect(await (await answer).json()).toEqual({ done: true })
  await closed
  // when it cuts what is still open
  expect(performance.now() - before).toBeLessThan(2_000)
})
