import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { SendMessageCommand, SQSClient } from '../../src/lean/client-sqs.ts'
import { ServiceFault } from '../../src/lean/fault.ts'
import { RetryBudget, retryDelay, retryKindOf } from '../../src/lean/retry.ts'
import { outcome, type Settings, sqs, stubLambdaEnvironment } from './services.ts'
import {
  type Answer,
  answers,
  type Behavior,
  breakOff,
  hangUp,
  silence,
  stall,
  stubOfFile,
} from './stub.ts'

const { waits } = vi.hoisted(() => ({ waits: [] as number[] }))
// the SDK waits by other means: for it the random part of each delay is made 0
vi.mock('node:timers/promises', async (original) => ({
  ...(await original<typeof import('node:timers/promises')>()),
  setTimeout: async (ms: number) => {
    waits.push(ms)
  },
}))

const stub = stubOfFile()
beforeEach(() => {
  stubLambdaEnvironment()
  vi.spyOn(Math, 'random').mockReturnValue(0)
  waits.length = 0
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
})

const message = { QueueUrl: 'http://q/1/q', MessageBody: 'm' }
const once = sqs((api, client) => client.send(new api.SendMessageCommand(message)))
const repeated = (times: number) =>
  sqs(async (api, client) => {
    for (let turn = 0; turn < times; turn += 1)
      await outcome(client.send(new api.SendMessageCommand(message)))
  })

/** How often each kind of client asks. */
async function attempts(call: typeof once, behavior: Behavior, settings: Settings) {
  const count = async (ask: typeof call.sdk) => {
    const requests = stub.play(behavior)
    await outcome(ask({ endpoint: stub.url, ...settings }))
    return requests.length
  }
  return { sdk: await count(call.sdk), lean: await count(call.lean) }
}

const fault = (status: number, type = 'Some'): Answer => ({
  status,
  body: JSON.stringify({ __type: `ns#${type}`, message: 'm' }),
})
const tooLate = { requestHandler: { requestTimeout: 100, throwOnRequestTimeout: true } } as const

describe('tried again, as often as the SDK does, is', () => {
  test.each<[string, Behavior, Settings]>([
    ['500', answers(fault(500)), {}],
    ['502', answers({ status: 502, body: '' }), {}],
    ['503', answers(fault(503)), {}],
    ['504', answers(fault(504)), {}],
    ['429', answers(fault(429)), {}],
    ['a throttle with 400', answers(fault(400, 'ThrottlingException')), {}],
    ['a throttle of SQS', answers(fault(403, 'RequestThrottled')), {}],
    ['a throttle of DynamoDB', answers(fault(400, 'ProvisionedThroughputExceededException')), {}],
    ['a time-out told by the service', answers(fault(400, 'RequestTimeout')), {}],
    ['a connection closed without answer', hangUp, {}],
    ['a connection closed within the answer', breakOff, {}],
    ['no answer in time', silence, tooLate],
  ])('%s', async (_, behavior, settings) => {
    for (const maxAttempts of [1, 3]) {
      const counted = await attempts(once, behavior, { ...settings, maxAttempts })
      expect(counted).toEqual({ sdk: maxAttempts, lean: maxAttempts })
    }
  })

  test('half an answer in time (the SDK waits on)', async () => {
    const requests = stub.play(stall)
    const call = once.lean({ endpoint: stub.url, maxAttempts: 2, ...tooLate })
    await expect(call).rejects.toMatchObject({ name: 'TimeoutError' })
    expect(requests).toHaveLength(2)
  })

  test.each([1, 3])('a refused connection, with %i attempts', async (maxAttempts) => {
    const call = once.lean({ endpoint: `http://127.0.0.1:${await closedPort()}`, maxAttempts })
    await expect(call).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    expect(waits).toHaveLength(maxAttempts - 1)
  })
})

describe('not tried again, as in the SDK, is', () => {
  test.each<[string, Behavior]>([
    ['400', answers(fault(400))],
    ['400 without a name', answers({ status: 400 })],
    ['403', answers(fault(403, 'AccessDeniedException'))],
    ['404', answers(fault(404))],
    ['409', answers(fault(409))],
    ['501', answers(fault(501))],
    ['a failed condition', answers(fault(400, 'ConditionalCheckFailedException'))],
    ['an answer of 200 that is not JSON', answers({ body: 'nonsense' })],
  ])('%s', async (_, behavior) => {
    expect(await attempts(once, behavior, { maxAttempts: 3 })).toEqual({ sdk: 1, lean: 1 })
  })
})

test('three attempts are the default, as in the SDK', async () => {
  expect(await attempts(once, answers(fault(500)), {})).toEqual({ sdk: 3, lean: 3 })
})

test('a later attempt that succeeds is the answer', async () => {
  const requests = stub.play(answers(fault(500), fault(429), { body: '{"MessageId":"id"}' }))
  await expect(once.lean({ endpoint: stub.url })).resolves.toEqual({ MessageId: 'id' })
  expect(requests).toHaveLength(3)
})

test('the last fault is the one thrown', async () => {
  stub.play(answers(fault(500, 'First'), fault(503, 'Second')))
  const call = once.lean({ endpoint: stub.url, maxAttempts: 2 })
  await expect(call).rejects.toMatchObject({ name: 'Second' })
})

test('every attempt is signed anew', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: new Date('2027-01-02T03:04:05Z') })
  try {
    const requests = stub.play((response, turn) => {
      vi.setSystemTime(new Date('2027-01-02T03:04:06Z'))
      answers(fault(500), {})(response, turn)
    })
    await once.lean({ endpoint: stub.url })
    const dates = requests.map(({ headers }) => headers['x-amz-date'])
    expect(dates).toEqual(['20270102T030405Z', '20270102T030406Z'])
  } finally {
    vi.useRealTimers()
  }
})

describe('the budget of a client', () => {
  test('ends the retries where it ends them in the SDK', async () => {
    const counted = await attempts(repeated(20), answers(fault(500)), { maxAttempts: 3 })
    // 500 tokens pay 35 retries of 14
    expect(counted).toEqual({ sdk: 55, lean: 55 })
  })

  test('throttled calls have a price of their own', async () => {
    const counted = await attempts(repeated(52), answers(fault(429)), { maxAttempts: 3 })
    // 500 tokens pay 100 retries of 5
    expect(counted).toEqual({ sdk: 152, lean: 152 })
  })

  test('a call that went well gives back what its last retry has cost', async () => {
    const behavior: Behavior = (response, turn) =>
      answers(turn % 2 === 1 ? fault(500) : {})(response, turn)
    const counted = await attempts(repeated(40), behavior, { maxAttempts: 2 })
    expect(counted).toEqual({ sdk: 80, lean: 80 })
  })

  test('calls that go well at once fill it by one each', async () => {
    // 35 retries leave 10 tokens; four good calls make them 14, the price of one more
    const behavior: Behavior = (response, turn) =>
      answers(turn > 70 && turn <= 74 ? {} : fault(500))(response, turn)
    const counted = await attempts(repeated(35 + 4 + 2), behavior, { maxAttempts: 2 })
    expect(counted).toEqual({ sdk: 77, lean: 77 })
  })

  test('is not shared between clients', async () => {
    const clients = [1, 2].map(() => new SQSClient({ endpoint: stub.url }))
    stub.play(answers(fault(500)))
    for (let turn = 0; turn < 18; turn += 1)
      await outcome(clients[0]!.send(new SendMessageCommand(message)))
    const requests = stub.play(answers(fault(500)))
    await outcome(clients[1]!.send(new SendMessageCommand(message)))
    expect(requests).toHaveLength(3)
    for (const client of clients) client.destroy()
  })

  test('pays to its last token and never holds more than at first', () => {
    const budget = new RetryBudget()
    for (let turn = 0; turn < 1_000; turn += 1) budget.refund('transient')
    const paid = Array.from({ length: 101 }, () => budget.spend('throttling'))
    expect(paid.lastIndexOf(true)).toBe(99)
    budget.refund('throttling')
    expect(budget.spend('transient')).toBe(false)
    expect(budget.spend('throttling')).toBe(true)
  })
})

describe('the delay', () => {
  test.each([
    ['transient', 1, 50],
    ['transient', 2, 100],
    ['transient', 5, 800],
    ['throttling', 1, 1_000],
    ['throttling', 2, 2_000],
    ['throttling', 5, 16_000],
    ['throttling', 6, 20_000],
    ['transient', 40, 20_000],
  ] as const)('%s, after attempt %i, is below %i ms', (kind, attempt, bound) => {
    expect(retryDelay(kind, attempt, 0)).toBe(0)
    expect(retryDelay(kind, attempt, 0.5)).toBe(bound / 2)
    expect(retryDelay(kind, attempt, 1 - Number.EPSILON)).toBe(bound - 1)
  })

  test.each<[string, Answer, number[]]>([
    ['transient', fault(500), [25, 50, 100]],
    ['throttling', fault(429), [500, 1_000, 2_000]],
  ])('is kept by the client: %s', async (_, answer, delays) => {
    vi.mocked(Math.random).mockReturnValue(0.5)
    stub.play(answers(answer))
    await outcome(once.lean({ endpoint: stub.url, maxAttempts: 4 }))
    expect(waits).toEqual(delays)
  })
})

describe('why a call is tried again', () => {
  const coded = (code: string) => Object.assign(new Error(code), { code })

  test.each([
    'ECONNRESET',
    'ECONNREFUSED',
    'EPIPE',
    'ETIMEDOUT',
    'EHOSTUNREACH',
    'ENETUNREACH',
    'ENOTFOUND',
    'EAI_AGAIN',
  ])('the network: %s', (code) => {
    expect(retryKindOf(coded(code))).toBe('transient')
  })

  test.each([coded('CERT_HAS_EXPIRED'), new TypeError('a bug'), 'text', undefined])(
    'no reason: %s',
    (thrown) => {
      expect(retryKindOf(thrown)).toBeUndefined()
    },
  )

  test('a throttle counts as one, whatever its status', () => {
    const reply = { status: 503, headers: {}, body: '' }
    expect(retryKindOf(new ServiceFault('SlowDown', 'm', reply))).toBe('throttling')
  })
})

/** A port that nobody listens on any more. */
async function closedPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  await new Promise((done) => server.close(done))
  return port
}
