import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { IoTDataPlaneClient } from '@aws-sdk/client-iot-data-plane'
import { KMSClient } from '@aws-sdk/client-kms'
import { SNSClient } from '@aws-sdk/client-sns'
import { SQSClient } from '@aws-sdk/client-sqs'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { samples } from './calls.ts'
import { secretAccessKey, stubLambdaEnvironment } from './services.ts'
import { answers, type Recorded, stubOfFile } from './stub.ts'

const stub = stubOfFile()
beforeEach(() => {
  stubLambdaEnvironment()
  return () => vi.unstubAllEnvs()
})

const sdkClients = {
  dynamodb: DynamoDBClient,
  iotdata: IoTDataPlaneClient,
  kms: KMSClient,
  sns: SNSClient,
  sqs: SQSClient,
} as const

interface Secrets {
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

/** What the SDK's signer makes of a request that came in, with the headers that the sender signed. */
async function signedBySdk(request: Recorded, secrets: Secrets): Promise<string | undefined> {
  const { service, region, names, accessKeyId, date } = partsOf(request)
  const client = new sdkClients[service as keyof typeof sdkClients]({
    region,
    credentials: { accessKeyId, ...secrets },
  })
  const signer = await client.config.signer()
  const [path = '', query = ''] = request.path.split('?')
  const signed = await signer.sign(
    {
      method: request.method,
      protocol: 'http:',
      hostname: '127.0.0.1',
      path,
      query: parametersOf(query),
      headers: pick(request.headers, names),
      body: request.body,
    },
    {
      signingDate: date,
      signableHeaders: new Set(names),
      // the signer adds it where it is absent
      unsignableHeaders: new Set(['x-amz-content-sha256']),
    },
  )
  return signed.headers.authorization
}

function partsOf({ headers }: Recorded) {
  const [, accessKeyId = '', day, region = '', service = '', names = ''] =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, SignedHeaders=([^,]+), /.exec(
      headers.authorization ?? '',
    ) ?? []
  const time = String(headers['x-amz-date'])
  const iso = time.replace(/^(....)(..)(..T..)(..)(..Z)$/, '$1-$2-$3:$4:$5')
  return { accessKeyId, day, region, service, names: names.split(';'), date: new Date(iso) }
}

function parametersOf(query: string): Record<string, string> {
  const pairs = query.split('&').filter(Boolean)
  return Object.fromEntries(pairs.map((pair) => pair.split('=').map(decodeURIComponent)))
}

function pick(headers: Recorded['headers'], names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, String(headers[name])]))
}

async function recorded({ call, answer }: (typeof samples)[number]): Promise<Recorded> {
  const requests = stub.play(answers({ body: answer }))
  await call.lean({ endpoint: stub.url, maxAttempts: 1 })
  return requests[0]!
}

describe("the SDK's signer makes the same signature", () => {
  test.each(samples)('$title', async (sample) => {
    const request = await recorded(sample)
    const sessionToken = process.env.AWS_SESSION_TOKEN ?? ''
    const expected = await signedBySdk(request, { secretAccessKey, sessionToken })
    expect(request.headers.authorization).toBe(expected)
    expect(partsOf(request).names).toEqual(
      expect.arrayContaining(['content-type', 'host', 'x-amz-date', 'x-amz-security-token']),
    )
  })

  test.each(samples.slice(-1))('without a session token: $title', async (sample) => {
    vi.stubEnv('AWS_SESSION_TOKEN', undefined)
    const request = await recorded(sample)
    expect(request.headers['x-amz-security-token']).toBeUndefined()
    expect(request.headers.authorization).toBe(await signedBySdk(request, { secretAccessKey }))
  })

  test('from another secret another one', async () => {
    const request = await recorded(samples[0]!)
    const sessionToken = process.env.AWS_SESSION_TOKEN ?? ''
    const other = await signedBySdk(request, { secretAccessKey: 'another', sessionToken })
    expect(other).toMatch(/^AWS4-HMAC-SHA256 /)
    expect(request.headers.authorization).not.toBe(other)
  })

  test('from other content another one', async () => {
    const request = await recorded(samples[0]!)
    const secrets = { secretAccessKey, sessionToken: process.env.AWS_SESSION_TOKEN ?? '' }
    const changed = { ...request, body: Buffer.concat([request.body, Buffer.from(' ')]) }
    expect(request.headers.authorization).not.toBe(await signedBySdk(changed, secrets))
  })
})

test('the signature is for the region of the function, now, and for a host with its port', async () => {
  const request = await recorded(samples[0]!)
  const { accessKeyId, day, region, date } = partsOf(request)
  expect({ accessKeyId, region }).toEqual({ accessKeyId: 'AKIDEXAMPLE', region: 'eu-west-1' })
  expect(day).toBe(date.toISOString().slice(0, 10).replaceAll('-', ''))
  expect(Math.abs(+date - Date.now())).toBeLessThan(60_000)
  expect(request.headers.host).toBe(`127.0.0.1:${stub.port}`)
})

test('the trace of the invocation goes along, unsigned', async () => {
  vi.stubEnv('_X_AMZN_TRACE_ID', 'Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1')
  const request = await recorded(samples[0]!)
  expect(request.headers['x-amzn-trace-id']).toBe(process.env._X_AMZN_TRACE_ID)
  expect(partsOf(request).names).not.toContain('x-amzn-trace-id')
})

test('new credentials in the environment are used from the next call on', async () => {
  await recorded(samples[0]!)
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDNEXT')
  expect(partsOf(await recorded(samples[0]!)).accessKeyId).toBe('AKIDNEXT')
})
