import {
  DeleteConnectionCommand,
  GetConnectionCommand,
  PublishCommand,
  SendDirectMessageCommand,
  type SendDirectMessageCommandInput,
} from '@aws-sdk/client-iot-data-plane'
import mqtt from 'mqtt'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { PolicyDocument } from '../src/types.ts'
import {
  ARN,
  closed,
  connected,
  makeDevice,
  optionsFor,
  rawDevice,
  startWorld,
  until,
  type World,
} from './iot-support.ts'

let world: World
beforeAll(async () => {
  world = await startWorld()
})
afterAll(() => world.close())

function send(clientId: string, more: Partial<SendDirectMessageCommandInput> = {}) {
  const input = { clientId, topic: 'down/a', payload: 'hello', confirmation: true, ...more }
  return world.data.send(new SendDirectMessageCommand(input as SendDirectMessageCommandInput))
}

/** Waits until the broker has noticed that a client is gone. */
async function ended(clientId: string): Promise<void> {
  const get = () => world.data.send(new GetConnectionCommand({ clientId }))
  while ((await get()).connected) await new Promise((resolve) => setTimeout(resolve, 5))
}

const statusOf = (error: unknown) =>
  (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode

async function refusal(sending: Promise<unknown>): Promise<{ name: string; status: number }> {
  const error = await sending.then(
    () => new Error('It was not refused.'),
    (reason: Error) => reason,
  )
  return { name: error.name, status: statusOf(error) ?? 0 }
}

describe('SendDirectMessage', () => {
  it('delivers without a subscription and answers after the PUBACK', async () => {
    const device = await world.device('plain')
    const client = mqtt.connect(optionsFor(world.iot, world.tls, device))
    const messages: string[] = []
    client.on('message', (topic, payload) => messages.push(`${topic} ${payload}`))
    await connected(client)
    const answer = await send('plain')
    expect(answer.message).toMatch(/delivered/i)
    expect(answer.traceId).toMatch(/^[0-9a-f-]{36}$/)
    expect(messages).toEqual(['down/a hello'])
    client.end(true)
  })

  it('waits for the PUBACK, however late within the timeout', async () => {
    const device = await rawDevice(world.iot, world.tls, await world.device('slow'))
    let answered = false
    const sending = send('slow').then(() => {
      answered = true
    })
    await until(() => device.published.length === 1, 'the message')
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(answered).toBe(false)
    device.acknowledge(device.published[0]?.messageId ?? 0)
    await sending
    device.end()
  })

  it('takes each PUBACK for its own message, in whatever order they come', async () => {
    const device = await rawDevice(world.iot, world.tls, await world.device('many'))
    const answered: number[] = []
    const sendings = [0, 1, 2, 3].map((n) =>
      send('many', { payload: Buffer.from(String(n)) }).then(() => answered.push(n)),
    )
    await until(() => device.published.length === 4, 'four messages')
    const ids = new Map(device.published.map(({ text, messageId }) => [Number(text), messageId]))
    expect(new Set(ids.values()).size).toBe(4)
    for (const n of [2, 0, 3, 1]) {
      device.acknowledge(ids.get(n) ?? 0)
      await until(() => answered.includes(n), `the answer to ${n}`)
    }
    expect(answered).toEqual([2, 0, 3, 1])
    await Promise.all(sendings)
    device.end()
  })

  it('answers 504 without a PUBACK in time, and a late one acknowledges nothing else', async () => {
    const device = await rawDevice(world.iot, world.tls, await world.device('late'))
    const started = Date.now()
    expect(await refusal(send('late', { timeout: 1 }))).toEqual({
      name: 'GatewayTimeoutException',
      status: 504,
    })
    expect(Date.now() - started).toBeGreaterThanOrEqual(990)
    const next = send('late', { timeout: 1 })
    await until(() => device.published.length === 2, 'the second message')
    device.acknowledge(device.published[0]?.messageId ?? 0)
    expect((await refusal(next)).status).toBe(504)
    device.end()
  })

  it('waits shorter seconds where it is told to', async () => {
    const hurried = await startWorld({ confirmationSecondMs: 20 })
    const device = await rawDevice(hurried.iot, hurried.tls, await hurried.device('late'))
    const input = { clientId: 'late', topic: 'down/x', confirmation: true, timeout: 15 }
    const started = Date.now()
    expect((await refusal(hurried.data.send(new SendDirectMessageCommand(input)))).status).toBe(504)
    expect(Date.now() - started).toBeLessThan(10_000)
    device.end()
    await hurried.close()
  })

  it('answers 504 at once when the device goes away with the message', async () => {
    const device = await rawDevice(world.iot, world.tls, await world.device('gone'))
    const sending = refusal(send('gone', { timeout: 15 }))
    await until(() => device.published.length === 1, 'the message')
    const left = Date.now()
    device.end()
    expect((await sending).status).toBe(504)
    expect(Date.now() - left).toBeLessThan(14_000)
  })

  it('does not wait for anything without confirmation, and sends at QoS 0', async () => {
    const device = await rawDevice(world.iot, world.tls, await world.device('qos0'))
    expect((await send('qos0', { confirmation: false })).message).toMatch(/dispatched/i)
    await until(() => device.published.length === 1, 'the message')
    expect(device.published[0]).toEqual({ messageId: 0, topic: 'down/a', text: 'hello' })
    device.end()
  })

  it('answers 404 when the client is not connected, and says if a session waits for it', async () => {
    expect(await refusal(send('nobody'))).toEqual({
      name: 'ResourceNotFoundException',
      status: 404,
    })
    const device = await world.device('returning')
    const client = await world.connect(device, { clean: false })
    client.end(true)
    await ended('returning')
    await expect(send('returning')).rejects.toThrow(/not connected.*persistent session/)
  })

  it('answers 403 when the receiver may not receive the topic, and 403 when the caller may not send', async () => {
    const client = await world.connect(await world.device('guarded'))
    expect(await refusal(send('guarded', { topic: 'elsewhere' }))).toEqual({
      name: 'ForbiddenException',
      status: 403,
    })
    const narrow = world.dataClientOf([sendPolicy('other', 'down/a')])
    const command = new SendDirectMessageCommand({ clientId: 'guarded', topic: 'down/a' })
    expect(await refusal(narrow.send(command))).toEqual({ name: 'ForbiddenException', status: 403 })
    client.end(true)
  })

  it("asks the caller's policy for the topic", async () => {
    const client = await world.connect(await world.device('topical'))
    const caller = world.dataClientOf([sendPolicy('topical', 'down/a')])
    const to = (topic: string) =>
      caller.send(new SendDirectMessageCommand({ clientId: 'topical', topic, confirmation: true }))
    await to('down/a')
    expect((await refusal(to('down/b'))).status).toBe(403)
    client.end(true)
  })

  it('takes 128 KB and refuses a byte more with 413', async () => {
    const client = await world.connect(await world.device('big'))
    await send('big', { payload: Buffer.alloc(128 * 1024) })
    expect(await refusal(send('big', { payload: Buffer.alloc(128 * 1024 + 1) }))).toEqual({
      name: 'RequestEntityTooLargeException',
      status: 413,
    })
    client.end(true)
  })

  it.each([
    ['a timeout of 0 s', { timeout: 0 }],
    ['a timeout of 16 s', { timeout: 16 }],
    ['a client id with $', { clientId: '$me' }],
    ['a client id of 129 bytes', { clientId: 'x'.repeat(129) }],
    ['a reserved topic', { topic: '$aws/rules/x' }],
    ['a topic with a wildcard', { topic: 'down/+' }],
    ['a topic of 8 slashes', { topic: '1/2/3/4/5/6/7/8/9' }],
    ['a topic of 257 bytes', { topic: 'x'.repeat(257) }],
  ])('refuses %s with 400', async (_what, wrong) => {
    expect(await refusal(send('anyone', wrong))).toEqual({
      name: 'InvalidRequestException',
      status: 400,
    })
  })

  it('carries client ids, topics and payloads that need encoding', async () => {
    world.iot.putPolicy('anything', {
      Version: '2012-10-17',
      Statement: { Effect: 'Allow', Action: 'iot:*', Resource: '*' },
    })
    const odd = await world.register({ ...(await makeDevice('odd')) }, 'anything')
    const client = mqtt.connect(optionsFor(world.iot, world.tls, odd, { clientId: 'a/b c+ü?%2F' }))
    const messages: [string, Buffer][] = []
    client.on('message', (topic, payload) => messages.push([topic, payload]))
    await connected(client)
    const payload = Buffer.from([0, 255, 128, 10])
    await send('a/b c+ü?%2F', { topic: 'größe/& =?', payload })
    expect(messages).toEqual([['größe/& =?', payload]])
    client.end(true)
  })
})

function sendPolicy(clientId: string, topic: string): PolicyDocument {
  return {
    Version: '2012-10-17',
    Statement: {
      Effect: 'Allow',
      Action: 'iot:SendDirectMessage',
      Resource: `${ARN}:client/${clientId}`,
      Condition: { StringEquals: { 'iot:Topic': topic } },
    },
  }
}

describe('the message rate of a connection', () => {
  let slow: World
  let time = Date.now()
  beforeAll(async () => {
    slow = await startWorld({ now: () => time })
  })
  afterAll(() => slow.close())

  it('is 100 a second: a direct message beyond gets 429, until the next second', async () => {
    const client = await slow.connect(await slow.device('busy'))
    const command = { clientId: 'busy', topic: 'down/a', confirmation: true }
    const one = () => slow.data.send(new SendDirectMessageCommand(command))
    const results = await Promise.allSettled(Array.from({ length: 120 }, one))
    const statuses = results.map((r) => (r.status === 'rejected' ? statusOf(r.reason) : 200))
    expect(statuses.filter((status) => status === 200).length).toBe(100)
    expect(statuses.filter((status) => status === 429).length).toBe(20)
    time += 1000
    await one()
    client.end(true)
  })

  it('counts what the device publishes; the excess is discarded, the connection lives on', async () => {
    slow.iot.putTopicRule('connect', {
      Sql: 'SELECT *',
      AwsIotSqlVersion: '2016-03-23',
      Actions: [{ Lambda: { FunctionArn: 'counted' } }],
    })
    const client = await slow.connect(await slow.device('chatty'))
    const say = (n: number) =>
      client.publishAsync('$aws/rules/connect/chatty', JSON.stringify({ n }), { qos: 0 })
    await Promise.all(Array.from({ length: 120 }, (_, n) => say(n)))
    const discarded = () => slow.log.filter((line) => /THROTTLED.*chatty/.test(line)).length
    await until(() => discarded() === 20, 'twenty discarded messages')
    time += 1000
    await say(1000)
    await until(() => slow.invocations.length === 101, 'the next message')
    client.end(true)
  })
})

describe('a connection without a message rate', () => {
  let fast: World
  beforeAll(async () => {
    fast = await startWorld({ messagesPerSecond: Number.POSITIVE_INFINITY })
  })
  afterAll(() => fast.close())

  it('owes at most 100 acknowledgements, those given up included', async () => {
    const device = await rawDevice(fast.iot, fast.tls, await fast.device('debtor'))
    const one = () =>
      fast.data.send(
        new SendDirectMessageCommand({
          clientId: 'debtor',
          topic: 'down/a',
          confirmation: true,
          timeout: 1,
        }),
      )
    const first = await Promise.allSettled(Array.from({ length: 100 }, one))
    expect(first.every((r) => r.status === 'rejected' && statusOf(r.reason) === 504)).toBe(true)
    expect(await refusal(one())).toEqual({ name: 'ThrottlingException', status: 429 })
    device.acknowledge(device.published[0]?.messageId ?? 0)
    await until(() => device.published.length === 100)
    const next = one()
    await until(() => device.published.length === 101, 'room for one more')
    device.acknowledge(device.published[100]?.messageId ?? 0)
    await next
    device.end()
  })
})

describe('connection calls', () => {
  it('GetConnection describes a connection while it lives and afterward', async () => {
    const device = await world.device('described')
    const client = await world.connect(device, { keepalive: 90 })
    const get = () =>
      world.data.send(
        new GetConnectionCommand({ clientId: 'described', includeSocketInformation: true }),
      )
    const live = await get()
    expect(live).toMatchObject({
      connected: true,
      thingName: 'described',
      cleanSession: true,
      keepAliveDuration: 90,
      sourceIp: '127.0.0.1',
      targetPort: world.iot.port,
    })
    expect(Math.abs((live.connectedSince ?? 0) - Date.now())).toBeLessThan(5000)
    await client.endAsync()
    await ended('described')
    const after = await get()
    expect(after).toMatchObject({ disconnectReason: 'CLIENT_INITIATED_DISCONNECT' })
    expect(after.disconnectedSince).toBeGreaterThanOrEqual(live.connectedSince ?? 0)
    const unknown = world.data.send(new GetConnectionCommand({ clientId: 'never' }))
    expect((await refusal(unknown)).status).toBe(404)
  })

  it('DeleteConnection disconnects and does not keep the device away', async () => {
    const device = await world.device('thrown-out')
    const client = await world.connect(device)
    const ended = closed(client)
    await world.data.send(new DeleteConnectionCommand({ clientId: 'thrown-out' }))
    await ended
    expect((await refusal(send('thrown-out'))).status).toBe(404)
    const again = await world.connect(device)
    await send('thrown-out')
    again.end(true)
  })

  it('Publish reaches subscribers and rules', async () => {
    world.iot.putPolicy('subscriber', {
      Version: '2012-10-17',
      Statement: { Effect: 'Allow', Action: 'iot:*', Resource: '*' },
    })
    world.iot.putTopicRule('published', {
      Sql: "SELECT *, clientid() AS client FROM 'news/#'",
      AwsIotSqlVersion: '2016-03-23',
      Actions: [{ Lambda: { FunctionArn: 'news' } }],
    })
    const client = await world.connect(
      await world.register(await makeDevice('reader'), 'subscriber'),
    )
    const messages: string[] = []
    client.on('message', (topic, payload) => messages.push(`${topic} ${payload}`))
    await client.subscribeAsync('news/+', { qos: 1 })
    await world.data.send(
      new PublishCommand({ topic: 'news/today', qos: 1, payload: Buffer.from('{"n":1}') }),
    )
    await until(() => messages.length === 1, 'the message')
    expect(messages).toEqual(['news/today {"n":1}'])
    await until(() => world.invocations.some(({ functionArn }) => functionArn === 'news'))
    expect(world.invocations.find(({ functionArn }) => functionArn === 'news')?.event).toEqual({
      n: 1,
      client: 'N/A',
    })
    const denied = world.dataClientOf([])
    expect((await refusal(denied.send(new PublishCommand({ topic: 'news/x' })))).status).toBe(403)
    client.end(true)
  })
})
