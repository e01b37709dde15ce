import { randomBytes } from 'node:crypto'
import { statSync } from 'node:fs'
import { connect as connectTcp } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import {
  DeleteCertificateCommand,
  DetachPolicyCommand,
  DetachThingPrincipalCommand,
  UpdateCertificateCommand,
} from '@aws-sdk/client-iot'
import {
  DeleteConnectionCommand,
  PublishCommand,
  SendDirectMessageCommand,
} from '@aws-sdk/client-iot-data-plane'
import mqtt, { type IClientOptions } from 'mqtt'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  ARN,
  closed,
  connected,
  type Device,
  FUNCTION,
  makeDevice,
  optionsFor,
  rawDevice,
  startWorld,
  until,
  type World,
} from './iot-support.ts'

let world: World
beforeAll(async () => {
  world = await startWorld({ keepAliveSeconds: { least: 1, most: 1200 } })
  world.iot.putTopicRule('connect', connectRule)
})
afterAll(() => world.close())

const connectRule = {
  Sql: "SELECT *, clientid() AS clientId, principal() AS principal, topic(1) AS device FROM 'x'",
  AwsIotSqlVersion: '2016-03-23',
  Actions: [{ Lambda: { FunctionArn: FUNCTION } }],
}
const presenceRule = {
  Sql: "SELECT * FROM '$aws/events/presence/#'",
  AwsIotSqlVersion: '2016-03-23',
  Actions: [{ Sqs: { QueueUrl: 'presence', RoleArn: 'arn:aws:iam::000000000000:role/iot' } }],
}

/** How a connection attempt ends: `connected`, `closed`, or the broker's refusal. */
async function attempt(device: Device, options: IClientOptions = {}): Promise<string> {
  const client = mqtt.connect(optionsFor(world.iot, world.tls, device, options))
  const end = await connected(client).then(
    () => 'connected',
    (error: Error) => error.message,
  )
  client.end(true)
  return end
}

describe('who may connect', () => {
  it('a device whose certificate is registered, active, attached to a thing and allowed by a policy', async () => {
    expect(await attempt(await world.device('welcome'))).toBe('connected')
  })

  it('nobody without a certificate', async () => {
    const {
      cert: _cert,
      key: _key,
      ...options
    } = optionsFor(world.iot, world.tls, {
      name: 'welcome',
      cert: '',
      key: '',
    })
    const client = mqtt.connect(options)
    await expect(connected(client)).rejects.toThrow()
    client.end(true)
  })

  it('not with a certificate that is not registered', async () => {
    expect(await attempt(await makeDevice('welcome'))).toBe('closed')
    expect(world.log.some((line) => /is not registered/.test(line))).toBe(true)
  })

  it.each(['INACTIVE', 'REVOKED'] as const)(
    'not with a certificate that is %s',
    async (newStatus) => {
      const device = await world.device(`was-${newStatus}`)
      const { certificateId } = device
      await world.control.send(new UpdateCertificateCommand({ certificateId, newStatus }))
      expect(await attempt(device)).toBe('closed')
    },
  )

  it('not with an expired certificate, or one from the future', async () => {
    const past = await makeDevice('past', { notAfter: new Date(Date.now() - 1000) })
    const future = await makeDevice('future', { notBefore: new Date(Date.now() + 60_000) })
    expect(await attempt(await world.register(past))).toBe('closed')
    expect(await attempt(await world.register(future))).toBe('closed')
  })

  it("not under another device's client id", async () => {
    const device = await world.device('honest')
    await world.device('victim')
    expect(await attempt(device, { clientId: 'victim' })).toMatch(/not authorized/i)
    expect(await attempt(device, { clientId: '*' })).toMatch(/not authorized/i)
  })

  it('not without a policy, and not without the thing', async () => {
    const target = await world.device('stripped')
    const { certificateArn } = target
    await world.control.send(
      new DetachPolicyCommand({ policyName: 'device', target: certificateArn }),
    )
    expect(await attempt(target)).toMatch(/not authorized/i)
    const loose = await world.device('loose')
    await world.control.send(
      new DetachThingPrincipalCommand({ thingName: 'loose', principal: loose.certificateArn }),
    )
    expect(await attempt(loose)).toMatch(/not authorized/i)
  })

  it('not with a client id that AWS refuses', async () => {
    world.iot.putPolicy('open', {
      Version: '2012-10-17',
      Statement: { Effect: 'Allow', Action: 'iot:*', Resource: '*' },
    })
    const device = await world.register(await makeDevice('open'), 'open')
    expect(await attempt(device, { clientId: 'x'.repeat(129) })).toMatch(/identifier rejected/i)
    expect(await attempt(device, { clientId: '$x' })).toMatch(/identifier rejected/i)
    expect(await attempt(device, { clientId: 'x'.repeat(128) })).toBe('connected')
  })

  it('not with a persistent session or a last will where the policy forbids them', async () => {
    world.iot.putPolicy('plain', {
      Version: '2012-10-17',
      Statement: {
        Effect: 'Allow',
        Action: 'iot:Connect',
        Resource: '*',
        Condition: {
          'ForAllValues:StringNotEquals': {
            'iot:ConnectAttributes': ['PersistentConnect', 'LastWill'],
          },
        },
      },
    })
    const device = await world.register(await makeDevice('modest'), 'plain')
    expect(await attempt(device)).toBe('connected')
    expect(await attempt(device, { clean: false })).toMatch(/not authorized/i)
    const will = { topic: 'x', payload: Buffer.from('x'), qos: 0 as const, retain: false }
    expect(await attempt(device, { will })).toMatch(/not authorized/i)
  })

  it('not with MQTT 5, which this broker does not speak', async () => {
    expect(await attempt(await world.device('five'), { protocolVersion: 5 })).toMatch(
      /protocol version/i,
    )
  })
})

describe('what a device may do', () => {
  it('publish to the rule topics its policy names; the rule sees who it is', async () => {
    const device = await world.device('speaker')
    const client = await world.connect(device)
    await client.publishAsync('$aws/rules/connect/speaker', '{"tokens":["a"]}', { qos: 1 })
    const mine = () =>
      world.invocations.find(({ event }) => (event as Fields).clientId === 'speaker')
    await until(() => mine() !== undefined, 'the invocation')
    expect(mine()).toEqual({
      functionArn: FUNCTION,
      event: {
        tokens: ['a'],
        clientId: 'speaker',
        principal: device.certificateId,
        device: 'speaker',
      },
    })
  })

  it('not publish elsewhere: the connection is closed and the message dropped', async () => {
    for (const topic of [
      '$aws/rules/connect/other',
      'up/other',
      '$aws/events/presence/connected/x',
    ]) {
      const client = await world.connect(await world.device(`liar-${world.log.length}`))
      const ended = closed(client)
      client.publish(topic, '{"forged":true}', { qos: 1 })
      await ended
    }
    expect(world.invocations.some(({ event }) => (event as Fields).forged === true)).toBe(false)
  })

  it('not subscribe: SUBACK 128, and the connection lives on', async () => {
    const client = await world.connect(await world.device('listener'))
    await expect(client.subscribeAsync('down/#', { qos: 1 })).rejects.toThrow()
    await client.publishAsync('up/listener', 'still here', { qos: 1 })
  })

  it('receive what it subscribes to only as far as iot:Receive reaches', async () => {
    world.iot.putPolicy('ears', {
      Version: '2012-10-17',
      Statement: [
        { Effect: 'Allow', Action: ['iot:Connect', 'iot:Publish'], Resource: '*' },
        { Effect: 'Allow', Action: 'iot:Subscribe', Resource: `${ARN}:topicfilter/talk/#` },
        { Effect: 'Allow', Action: 'iot:Receive', Resource: `${ARN}:topic/talk/public` },
      ],
    })
    const client = await world.connect(await world.register(await makeDevice('ears'), 'ears'))
    const heard: string[] = []
    client.on('message', (topic) => heard.push(topic))
    await client.subscribeAsync('talk/#', { qos: 1 })
    await client.publishAsync('talk/secret', 'x', { qos: 1 })
    await client.publishAsync('talk/public', 'x', { qos: 1 })
    await until(() => heard.length > 0, 'a message')
    expect(heard).toEqual(['talk/public'])
  })

  it.each([
    ['a payload of more than 128 KB', { topic: 'up/limits', size: 128 * 1024 + 1, qos: 1 }],
    ['a topic of more than 7 slashes', { topic: 'a/b/c/d/e/f/g/h/i', size: 1, qos: 1 }],
    ['QoS 2', { topic: 'up/limits', size: 1, qos: 2 }],
  ] as const)('not send %s', async (what, { topic, size, qos }) => {
    const device = await world.register(
      await makeDevice(`over ${what}`.replace(/\W/g, '-')),
      'open',
    )
    const client = await world.connect(device)
    const ended = closed(client)
    client.publish(topic, Buffer.alloc(size), { qos })
    await ended
  })

  it('not make the broker collect an endless packet', async () => {
    const device = await rawDevice(world.iot, world.tls, await world.device('endless'))
    device.send(Buffer.from([0x32, 0xff, 0xff, 0xff, 0x7f]))
    device.send(Buffer.alloc(300 * 1024))
    await device.closed
  })

  it('not stay silent beyond one and a half keep-alive times', async () => {
    world.iot.putTopicRule('presence', presenceRule)
    const client = await world.connect(await world.device('silent'), {
      keepalive: 1,
      reschedulePings: false,
    })
    // it would ping, and leave by itself at the same moment
    client.keepaliveManager.destroy()
    await closed(client)
    await until(() => presenceOf('silent').length === 2, 'the event')
    expect(presenceOf('silent')[1]).toMatchObject({ disconnectReason: 'MQTT_KEEP_ALIVE_TIMEOUT' })
  })
})

type Fields = Record<string, unknown>

describe('while functions are busy', () => {
  it('what a device sends in one piece waits in its connection, and none of it is lost', async () => {
    let isBusy = true
    const busy = await startWorld({
      isBusy: () => isBusy,
      messagesPerSecond: Number.POSITIVE_INFINITY,
    })
    busy.iot.putTopicRule('connect', connectRule)
    const client = await busy.connect(await busy.device('bursting'), { reconnectPeriod: 0 })
    for (let n = 0; n < 150; n += 1)
      client.publish('$aws/rules/connect/bursting', '{}', { qos: 0 }, () => {})
    for (let turn = 0; turn < 200; turn += 1) await nextTurn()
    expect(busy.log.filter((line) => line.includes('is disconnected'))).toEqual([])
    isBusy = false
    await until(() => busy.invocations.length === 150, 'all that was sent')
    client.end(true)
    await busy.close()
  })

  it('devices that publish wait, and no more than a hundred messages of each', async () => {
    let isBusy = true
    const busy = await startWorld({
      isBusy: () => isBusy,
      messagesPerSecond: Number.POSITIVE_INFINITY,
    })
    busy.iot.putTopicRule('connect', connectRule)
    const publisher = async (name: string, count: number) => {
      const client = await busy.connect(await busy.device(name), { reconnectPeriod: 0 })
      for (let n = 0; n < count; n += 1) {
        client.publish(`$aws/rules/connect/${name}`, '{}', { qos: 0 }, () => {})
        // a segment each: of a burst in one piece the broker reads no more while the first of it wait
        await nextTurn()
      }
      return client
    }
    await publisher('honest', 1)
    await publisher('greedy', 400)
    await until(() => busy.log.some((line) => line.includes('greedy is disconnected')), 'the end')
    expect(busy.invocations).toEqual([])
    isBusy = false
    const ofHonest = () =>
      busy.invocations.filter(({ event }) => (event as Fields).clientId === 'honest')
    await until(() => ofHonest().length === 1, 'the message')
    await busy.close()
  })
})

const presenceOf = (clientId: string) =>
  world.queued
    .filter(({ queue }) => queue === 'presence')
    .map(({ body }) => JSON.parse(body) as Fields)
    .filter((event) => event.clientId === clientId)

describe('lifecycle', () => {
  beforeAll(() => world.iot.putTopicRule('presence', presenceRule))

  it('tells rules of connects and disconnects as AWS does', async () => {
    const device = await world.device('coming')
    const client = await world.connect(device)
    await client.endAsync()
    await until(() => presenceOf('coming').length === 2, 'both events')
    const [connectedEvent, disconnectedEvent] = presenceOf('coming')
    const common = {
      clientId: 'coming',
      principalIdentifier: device.certificateId,
      thingName: 'coming',
      versionNumber: 0,
      timestamp: expect.any(Number),
      sessionIdentifier: expect.stringMatching(/^[0-9a-f-]{36}$/),
    }
    expect(connectedEvent).toEqual({ ...common, eventType: 'connected', ipAddress: '127.0.0.1' })
    expect(disconnectedEvent).toEqual({
      ...common,
      eventType: 'disconnected',
      clientInitiatedDisconnect: true,
      disconnectReason: 'CLIENT_INITIATED_DISCONNECT',
    })
    expect(disconnectedEvent?.sessionIdentifier).toBe(connectedEvent?.sessionIdentifier)
    const again = await world.connect(device)
    await until(() => presenceOf('coming').length === 3, 'the next connect')
    expect(presenceOf('coming')[2]).toMatchObject({ versionNumber: 1 })
    again.end(true)
    await until(() => presenceOf('coming').length === 4, 'the lost connection')
    expect(presenceOf('coming')[3]).toMatchObject({ disconnectReason: 'CONNECTION_LOST' })
  })

  it('tells of a connect that the policy refuses', async () => {
    await attempt(await world.device('mistaken'), { clientId: 'somebody-else' })
    await until(() => presenceOf('somebody-else').length === 1, 'the event')
    expect(presenceOf('somebody-else')[0]).toMatchObject({
      eventType: 'connect_failed',
      connectFailureReason: 'AUTHORIZATION_FAILED',
    })
  })

  it('a second connection of a client id ends the first, and gets the messages', async () => {
    const device = await world.device('twice')
    const first = await world.connect(device)
    const ended = closed(first)
    const second = mqtt.connect(optionsFor(world.iot, world.tls, device))
    const messages: string[] = []
    second.on('message', (topic) => messages.push(topic))
    await connected(second)
    await ended
    const command = { clientId: 'twice', topic: 'down/a', confirmation: true }
    await world.data.send(new SendDirectMessageCommand(command))
    expect(messages).toEqual(['down/a'])
    expect(presenceOf('twice').map((event) => event.disconnectReason ?? event.eventType)).toEqual([
      'connected',
      'DUPLICATE_CLIENTID',
      'connected',
    ])
    second.end(true)
  })

  it('many connections of one client id at once leave exactly one', async () => {
    const device = await world.device('crowd')
    const clients = Array.from({ length: 12 }, () =>
      mqtt.connect(optionsFor(world.iot, world.tls, device)),
    )
    await Promise.allSettled(clients.map(connected))
    await until(() => clients.filter((client) => client.connected).length === 1, 'one survivor')
    const command = { clientId: 'crowd', topic: 'down/a', confirmation: true }
    await world.data.send(new SendDirectMessageCommand(command))
    for (const client of clients) client.end(true)
  })

  it('deactivating a certificate ends its live connections', async () => {
    const device = await world.device('revoked-live')
    const client = await world.connect(device)
    const ended = closed(client)
    const { certificateId } = device
    await world.control.send(new UpdateCertificateCommand({ certificateId, newStatus: 'INACTIVE' }))
    await ended
    expect(await attempt(device)).toBe('closed')
    await world.control.send(new UpdateCertificateCommand({ certificateId, newStatus: 'ACTIVE' }))
    expect(await attempt(device)).toBe('connected')
  })

  it('a policy that changes counts for live connections', async () => {
    world.iot.putPolicy('changing', {
      Version: '2012-10-17',
      Statement: { Effect: 'Allow', Action: 'iot:*', Resource: '*' },
    })
    const client = await world.connect(
      await world.register(await makeDevice('governed'), 'changing'),
    )
    await client.publishAsync('anywhere', 'x', { qos: 1 })
    world.iot.putPolicy('changing', {
      Version: '2012-10-17',
      Statement: { Effect: 'Deny', Action: 'iot:Publish', Resource: '*' },
    })
    const ended = closed(client)
    client.publish('anywhere', 'x', { qos: 1 })
    await ended
  })
})

describe('what is kept for a device', () => {
  beforeAll(() =>
    world.iot.putPolicy('open', {
      Version: '2012-10-17',
      Statement: { Effect: 'Allow', Action: 'iot:*', Resource: '*' },
    }),
  )

  it('its last will speaks when it is lost, and not when it says goodbye', async () => {
    const heir = await world.connect(await world.register(await makeDevice('heir'), 'open'))
    const heard: string[] = []
    heir.on('message', (topic) => heard.push(topic))
    await heir.subscribeAsync('will/#', { qos: 1 })
    const testator = await world.register(await makeDevice('testator'), 'open')
    const will = (topic: string) => ({
      topic,
      payload: Buffer.from('x'),
      qos: 1 as const,
      retain: false,
    })
    const polite = await world.connect(testator, { will: will('will/polite') })
    await polite.endAsync()
    const lost = await world.connect(testator, { will: will('will/lost') })
    lost.stream.destroy()
    const removed = await world.connect(testator, { will: will('will/removed') })
    const end = closed(removed)
    await world.data.send(
      new DeleteConnectionCommand({ clientId: 'testator', preventWillMessage: true }),
    )
    await end
    await heir.publishAsync('will/end', 'x', { qos: 1 })
    await until(() => heard.includes('will/end'), 'the last message')
    expect(heard).toEqual(['will/lost', 'will/end'])
  })

  it('a persistent session keeps messages until the device returns, or the operator drops it', async () => {
    const device = await world.register(await makeDevice('patient'), 'open')
    const away = async () => {
      const client = await world.connect(device, { clean: false })
      await client.subscribeAsync('mail', { qos: 1 })
      await client.endAsync()
      const payload = Buffer.from('x')
      await world.data.send(new PublishCommand({ topic: 'mail', qos: 1, payload }))
    }
    const back = async () => {
      const client = mqtt.connect(optionsFor(world.iot, world.tls, device, { clean: false }))
      const mail: string[] = []
      client.on('message', (topic) => mail.push(topic))
      await connected(client)
      await client.publishAsync('marker', 'x', { qos: 1 })
      await client.endAsync()
      return mail
    }
    await away()
    expect(await back()).toEqual(['mail'])
    await away()
    await world.data.send(new DeleteConnectionCommand({ clientId: 'patient', cleanSession: true }))
    expect(await back()).toEqual([])
  })
})

describe('hostile input', () => {
  it('does not disturb the broker', async () => {
    const device = await world.device('vandal')
    const plain = connectTcp(world.iot.port, '127.0.0.1')
    plain.on('error', () => {})
    plain.write('GET / HTTP/1.1\r\n\r\n')
    const beforeConnect = connectTls(optionsFor(world.iot, world.tls, device) as ConnectionOptions)
    beforeConnect.on('error', () => {})
    beforeConnect.write(randomBytes(5000))
    for (let seed = 0; seed < 20; seed++) {
      const raw = await rawDevice(world.iot, world.tls, device)
      raw.send(Buffer.concat([Buffer.from([seed << 4]), randomBytes(seed * 20)]))
      raw.send(Buffer.from([0x30, 0x02, 0x00, 0x00]))
      raw.end()
      await raw.closed
    }
    plain.destroy()
    beforeConnect.destroy()
    const client = await world.connect(device)
    await client.publishAsync('up/vandal', 'sorry', { qos: 1 })
  })
})

describe('a restart', () => {
  it('keeps certificates, things and attachments, in a file for its owner only', async () => {
    const own = await startWorld()
    const device = await own.device('lasting')
    const deleted = await own.device('deleted')
    const { certificateId, certificateArn: principal } = deleted
    await own.control.send(new UpdateCertificateCommand({ certificateId, newStatus: 'INACTIVE' }))
    await own.control.send(new DetachThingPrincipalCommand({ thingName: 'deleted', principal }))
    await own.control.send(new DeleteCertificateCommand({ certificateId, forceDelete: true }))
    await own.restart()
    const client = mqtt.connect(optionsFor(own.iot, own.tls, device))
    await connected(client)
    client.end(true)
    const refused = mqtt.connect(optionsFor(own.iot, own.tls, deleted))
    await expect(connected(refused)).rejects.toThrow('closed')
    expect(statSync(own.stateFile).mode & 0o777).toBe(0o600)
    await own.close()
  })

  it('holds devices at the door until they are admitted', async () => {
    const own = await startWorld()
    const device = await own.device('early')
    await own.restart({ holdDevices: true })
    const client = mqtt.connect(optionsFor(own.iot, own.tls, device))
    let answered = false
    const connecting = connected(client).then(() => {
      answered = true
    })
    client.publish('$aws/rules/connect/early', '{}', { qos: 1 })
    await new Promise((resolve) => setTimeout(resolve, 150))
    expect(answered).toBe(false)
    own.iot.putTopicRule('connect', connectRule)
    own.iot.admitDevices()
    await connecting
    await until(() => own.invocations.length === 1, 'the message')
    client.end(true)
    await own.close()
  })
})
