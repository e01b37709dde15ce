import { DynamoDBClient as SdkDynamoDBClient } from '@aws-sdk/client-dynamodb'
import { IoTDataPlaneClient as SdkIoTDataPlaneClient } from '@aws-sdk/client-iot-data-plane'
import { KMSClient as SdkKMSClient } from '@aws-sdk/client-kms'
import { SQSClient as SdkSQSClient } from '@aws-sdk/client-sqs'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { DynamoDBClient } from '../../src/lean/client-dynamodb.ts'
import { IoTDataPlaneClient } from '../../src/lean/client-iot-data-plane.ts'
import { GetPublicKeyCommand, KMSClient } from '../../src/lean/client-kms.ts'
import { SQSClient } from '../../src/lean/client-sqs.ts'
import type { Order } from '../../src/lean/exchange.ts'
import { type GivenSettings, readSettings } from '../../src/lean/settings.ts'
import { kms, type Settings, stubLambdaEnvironment } from './services.ts'
import { answers, type Recorded, type Stub, startStub } from './stub.ts'

const { orders } = vi.hoisted(() => ({ orders: [] as Order[] }))
vi.mock('../../src/lean/exchange.ts', async (original) => {
  const real = await original<typeof import('../../src/lean/exchange.ts')>()
  return {
    ...real,
    exchange: (order: Order, limits: Parameters<typeof real.exchange>[1]) => {
      orders.push(order)
      const away = order.endpoint.hostname.endsWith('.test') || /amazon/.test(order.endpoint.host)
      return away ? { status: 200, headers: {}, body: '{}' } : real.exchange(order, limits)
    },
  }
})

let stub: Stub
beforeAll(async () => {
  stub = await startStub()
})
afterAll(() => stub.close())
beforeEach(() => {
  stubLambdaEnvironment()
  orders.length = 0
  return () => vi.unstubAllEnvs()
})

describe('the settings of a client', () => {
  test('left out, are those of the SDK', () => {
    expect(readSettings()).toEqual({
      maxAttempts: 3,
      endpoint: undefined,
      connectionTimeout: 0,
      requestTimeout: 0,
      maxSockets: 50,
    })
  })

  test('given, are kept', () => {
    const requestHandler = {
      connectionTimeout: 1,
      requestTimeout: 2,
      throwOnRequestTimeout: true,
      httpsAgent: { maxSockets: 3 },
    }
    expect(
      readSettings({
        maxAttempts: 4,
        endpoint: 'http://a.test',
        requestHandler,
        cacheMiddleware: true,
        md5: false,
        useQueueUrlAsEndpoint: false,
      }),
    ).toEqual({
      maxAttempts: 4,
      endpoint: 'http://a.test',
      connectionTimeout: 1,
      requestTimeout: 2,
      maxSockets: 3,
    })
  })

  test('do not limit the answer without the word that the SDK wants', () => {
    expect(readSettings({ requestHandler: { requestTimeout: 2 } }).requestTimeout).toBe(0)
  })

  test.each<[string, object]>([
    ['retryMode', { retryMode: 'adaptive' }],
    ['region', { region: 'eu-west-1' }],
    ['toString', { toString: 'own' }],
    ['socketTimeout', { requestHandler: { socketTimeout: 5 } }],
    ['httpAgent', { requestHandler: { httpAgent: { maxSockets: 5 } } }],
    ['keepAlive', { requestHandler: { httpsAgent: { keepAlive: false } } }],
  ])('that the SDK would heed are refused: %s', (name, given) => {
    expect(() => readSettings(given as GivenSettings)).toThrow(
      `the setting ${name}: add it to aws/lean`,
    )
    expect(() => new KMSClient(given as GivenSettings)).toThrow(name)
  })
})

describe('what a Lambda function has in its environment', () => {
  test('a region must be there', () => {
    vi.stubEnv('AWS_REGION', undefined)
    expect(() => new KMSClient()).toThrow('the environment names no AWS_REGION')
    expect(() => new KMSClient({ endpoint: stub.url })).toThrow('AWS_REGION')
  })

  test.each(['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'])(
    'without %s nothing is sent, nor tried again',
    async (name) => {
      const requests = stub.play(answers({}))
      vi.stubEnv(name, '')
      const client = new KMSClient({ endpoint: stub.url })
      await expect(client.send(new GetPublicKeyCommand({ KeyId: 'k' }))).rejects.toThrow(
        'the environment has no AWS credentials',
      )
      expect(requests).toEqual([])
    },
  )
})

const getPublicKey = kms((api, client) =>
  client.send(new api.GetPublicKeyCommand({ KeyId: 'alias/x' })),
)

describe('an endpoint that the environment names', () => {
  async function arrivals(settings: Settings = {}) {
    const arrived = async (ask: typeof getPublicKey.sdk): Promise<Recorded[]> => {
      const requests = stub.play(answers({}))
      await ask({ maxAttempts: 1, ...settings })
      return requests
    }
    const paths = (requests: Recorded[]) => requests.map(({ path }) => path)
    return {
      sdk: paths(await arrived(getPublicKey.sdk)),
      lean: paths(await arrived(getPublicKey.lean)),
    }
  }
  const nobody = 'http://127.0.0.1:1'

  test('for all services', async () => {
    vi.stubEnv('AWS_ENDPOINT_URL', stub.url)
    expect(await arrivals()).toEqual({ sdk: ['/'], lean: ['/'] })
  })

  test('for the service goes before that', async () => {
    vi.stubEnv('AWS_ENDPOINT_URL', nobody)
    vi.stubEnv('AWS_ENDPOINT_URL_KMS', stub.url)
    expect(await arrivals()).toEqual({ sdk: ['/'], lean: ['/'] })
  })

  test('but is empty does not count', async () => {
    vi.stubEnv('AWS_ENDPOINT_URL', stub.url)
    vi.stubEnv('AWS_ENDPOINT_URL_KMS', '')
    expect(await arrivals()).toEqual({ sdk: ['/'], lean: ['/'] })
  })

  test('gives way to the one in the settings', async () => {
    vi.stubEnv('AWS_ENDPOINT_URL', nobody)
    vi.stubEnv('AWS_ENDPOINT_URL_KMS', nobody)
    expect(await arrivals({ endpoint: stub.url })).toEqual({ sdk: ['/'], lean: ['/'] })
  })

  test.each(['/base', '/base/', '/a/b'])('keeps its path %s', async (path) => {
    vi.stubEnv('AWS_ENDPOINT_URL', `${stub.url}${path}`)
    const expected = `${path.replace(/\/$/, '')}/`
    expect(await arrivals()).toEqual({ sdk: [expected], lean: [expected] })
  })

  test('may be an IPv6 address', async () => {
    vi.stubEnv('AWS_ENDPOINT_URL', 'http://[::1]:1')
    const client = new KMSClient({ maxAttempts: 1 })
    // refused or without a route, but not looked up as a name
    await expect(client.send(new GetPublicKeyCommand({ KeyId: 'k' }))).rejects.toMatchObject({
      code: expect.stringMatching(/^(ECONNREFUSED|EADDRNOTAVAIL|ENETUNREACH)$/),
    })
  })

  test.each([
    ['DYNAMODB', DynamoDBClient],
    ['IOT_DATA_PLANE', IoTDataPlaneClient],
    ['KMS', KMSClient],
    ['SQS', SQSClient],
  ])('by the name of %s', async (variable, Client) => {
    vi.stubEnv(`AWS_ENDPOINT_URL_${variable}`, 'https://named.test')
    expect(await endpointOf(new Client())).toBe('https://named.test/')
  })
})

const pairs = [
  { Client: DynamoDBClient, sdk: new SdkDynamoDBClient({ region: 'eu-west-1' }) },
  { Client: IoTDataPlaneClient, sdk: new SdkIoTDataPlaneClient({ region: 'eu-west-1' }) },
  { Client: KMSClient, sdk: new SdkKMSClient({ region: 'eu-west-1' }) },
  { Client: SQSClient, sdk: new SdkSQSClient({ region: 'eu-west-1' }) },
] as const

describe.each(pairs)('the regional endpoint of $Client.name', ({ Client, sdk }) => {
  test.each(['eu-west-1', 'us-east-1', 'us-gov-west-1', 'cn-north-1', 'cn-northwest-1'])(
    "in %s is the SDK's",
    async (Region) => {
      vi.stubEnv('AWS_REGION', Region)
      // its name there follows no rule, and the functions always give it
      if (Client === IoTDataPlaneClient && Region === 'cn-north-1')
        return expect(() => new Client()).toThrow('do not know this endpoint')
      const { url } = sdk.config.endpointProvider({ Region, UseFIPS: false, UseDualStack: false })
      expect(await endpointOf(new Client())).toBe(url.href)
    },
  )

  test.each([
    ['AWS_REGION', 'us-iso-east-1'],
    ['AWS_REGION', 'us-isob-east-1'],
    ['AWS_REGION', 'eu-isoe-west-1'],
    ['AWS_REGION', 'us-isof-south-1'],
    ['AWS_REGION', 'eusc-de-east-1'],
    ['AWS_USE_FIPS_ENDPOINT', 'true'],
    ['AWS_USE_DUALSTACK_ENDPOINT', 'true'],
  ])('with %s %s is not guessed', async (name, value) => {
    vi.stubEnv(name, value)
    expect(() => new Client()).toThrow(
      /^the lean clients do not know this endpoint.*AWS_ENDPOINT_URL_/,
    )
    vi.stubEnv('AWS_ENDPOINT_URL', 'https://named.test')
    expect(await endpointOf(new Client())).toBe('https://named.test/')
  })
})

/** Where a client sends its calls. */
async function endpointOf(client: Pick<KMSClient, 'send'>): Promise<string | undefined> {
  await client.send(new GetPublicKeyCommand({ KeyId: 'k' }))
  return orders.at(-1)?.endpoint.href
}
