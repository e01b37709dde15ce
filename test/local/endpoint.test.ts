import { connect } from 'node:net'
import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb'
import { ListBucketsCommand, S3Client } from '@aws-sdk/client-s3'
import { GetQueueUrlCommand, SQSClient } from '@aws-sdk/client-sqs'
import { afterEach, describe, expect, test } from 'vitest'
import { answerJson } from '../../local/answer.ts'
import type { Endpoint, Fault, ServiceCall } from '../../local/endpoint.ts'
import type { Service, ServiceRequest } from '../../local/types.ts'
import { clientOf, endpointFor, logLines, operator } from './service-harness.ts'

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

const authorization = (service: string, key = 'operator') =>
  `AWS4-HMAC-SHA256 Credential=${key}/20260101/us-east-1/${service}/aws4_request, SignedHeaders=host, Signature=00`

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

  test('a presigned URL is signed by its query', async () => {
    const s3 = recorder('s3')
    const endpoint = await start([s3])
    const query = new URLSearchParams({
      'X-Amz-Credential': 'operator/20260101/us-east-1/s3/aws4_request',
    })
    expect((await fetch(`${endpoint.url}/bucket/key?${query}`)).status).toBe(200)
    expect(s3.seen[0]?.url).toContain('/bucket/key?')
  })

  test('a service may be added while the endpoint runs, but not twice', async () => {
    const endpoint = await start([])
    endpoint.add(recorder('sqs'))
    const headers = { authorization: authorization('sqs') }
    expect((await fetch(endpoint.url, { method: 'POST', headers })).status).toBe(200)
    expect(() => endpoint.add(recorder('sqs'))).toThrow('Two services sign as sqs.')
  })

  test('a large body arrives whole', async () => {
    const s3 = recorder('s3')
    const endpoint = await start([s3])
    const body = Buffer.alloc(5_000_000, 7)
    await fetch(endpoint.url, {
      method: 'PUT',
      headers: { authorization: authorization('s3') },
      body,
    })
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
    'a signature that is none: %s',
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

  test('a service that is not there names those that are', async () => {
    const endpoint = await start([recorder('sqs')])
    const failure = new DynamoDBClient(clientOf(endpoint)).send(new ListTablesCommand({}))
    await expect(failure).rejects.toThrow('no service that signs as dynamodb; it has sqs')
  })

  test('an error inside a service is a 500 and a line in the log', async () => {
    const { lines, log } = logLines()
    const broken: Service = {
      signingNames: ['sqs'],
      handle: () => Promise.reject(new Error('broken inside')),
    }
    const endpoint = await start([broken], { operator }, { log })
    const headers = { authorization: authorization('sqs') }
    expect((await fetch(endpoint.url, { headers })).status).toBe(500)
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
  const answer = fetch(endpoint.url, { headers: { authorization: authorization('sqs') } })
  await running
  const before = performance.now()
  const closed = endpoint.close()
  finish()
  expect(await (await answer).json()).toEqual({ done: true })
  await closed
  expect(performance.now() - before).toBeLessThan(1000)
})
