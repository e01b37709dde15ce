import { randomBytes } from 'node:crypto'
import {
  GetRetainedMessageCommand,
  PublishCommand,
  type PublishCommandInput,
} from '@aws-sdk/client-iot-data-plane'
import type { MqttClient } from 'mqtt'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { PolicyDocument } from '../src/types.ts'
import { ARN, closed, makeDevice, startWorld, until, type World } from './iot-support.ts'

/** Devices may subscribe to one topic under `talk/` at a time, and hear all of them. */
const talkPolicy: PolicyDocument = {
  Version: '2012-10-17',
  Statement: [
    { Effect: 'Allow', Action: 'iot:Connect', Resource: '*' },
    { Effect: 'Allow', Action: 'iot:Receive', Resource: `${ARN}:topic/talk/*` },
    { Effect: 'Allow', Action: 'iot:Subscribe', Resource: `${ARN}:topicfilter/talk/*` },
    {
      Effect: 'Deny',
      Action: 'iot:Subscribe',
      Resource: [`${ARN}:topicfilter/talk/*+*`, `${ARN}:topicfilter/talk/*#*`],
    },
    {
      Effect: 'Allow',
      Action: ['iot:Publish', 'iot:RetainPublish'],
      Resource: `${ARN}:topic/talk/own`,
    },
    { Effect: 'Allow', Action: 'iot:Publish', Resource: `${ARN}:topic/talk/plain` },
  ],
}

let now = Date.parse('2030-01-01T00:00:00Z')
let world: World
beforeAll(async () => {
  world = await startWorld({ now: () => now })
  world.iot.putPolicy('talk', talkPolicy)
})
afterAll(() => world.close())

const certificateTimes = () => ({
  notBefore: new Date(now - 1_000),
  notAfter: new Date(now + 3_600_000_000),
})

interface Listener {
  readonly client: MqttClient
  readonly heard: { topic: string; text: string; retain: boolean; qos: number }[]
}

async function listener(policy = 'talk'): Promise<Listener> {
  const name = randomBytes(6).toString('hex')
  const device = await world.register(await makeDevice(name, certificateTimes()), policy)
  const client = await world.connect(device)
  const heard: Listener['heard'] = []
  client.on('message', (topic, payload, { retain, qos }) =>
    heard.push({ topic, text: payload.toString(), retain, qos }),
  )
  return { client, heard }
}

function publish(topic: string, text: string, more: Partial<PublishCommandInput> = {}) {
  const payload = Buffer.from(text)
  return world.data.send(new PublishCommand({ topic, payload, qos: 1, ...more }))
}

const retained = { retain: true } as const
const nextTopic = () => `talk/${randomBytes(8).toString('hex')}`

/** What the broker grants each filter. */
async function granted(client: MqttClient, filters: readonly string[], qos: 0 | 1 | 2 = 1) {
  const byName = Object.fromEntries(filters.map((filter) => [filter, { qos }]))
  return new Promise<readonly number[]>((resolve) => {
    client.subscribe(byName, (_error, _granted, packet) =>
      resolve((packet as { granted: number[] } | undefined)?.granted ?? []),
    )
  })
}

describe('a subscription', () => {
  it.each([
    '#',
    '+/a',
    'talk',
    'talk/#',
    'talk/+',
    'talk/a/#',
    '$share/g/talk/a',
    '$aws/rules/x',
    '$SYS/#',
  ])('to %s is refused with 0x80, and the connection stays', async (filter) => {
    const { client, heard } = await listener()
    expect(await granted(client, [filter])).toEqual([0x80])
    expect(await granted(client, ['talk/mine'])).toEqual([1])
    await publish('talk/other', 'not for it')
    await publish('talk/mine', 'for it')
    await until(() => heard.length > 0, 'the message')
    expect(heard).toMatchObject([{ topic: 'talk/mine' }])
  })

  it('is judged filter by filter', async () => {
    const { client } = await listener()
    expect(await granted(client, ['talk/a', '#', 'talk/b'])).toEqual([1, 0x80, 1])
    expect(await granted(client, ['talk/c'], 2)).toEqual([0x80])
  })

  it('hears what is published, at the lower quality of the two, until it is given up', async () => {
    const { client, heard } = await listener()
    const topic = nextTopic()
    await granted(client, [topic])
    await publish(topic, 'one')
    await publish(topic, 'two', { qos: 0 })
    await until(() => heard.length === 2, 'both')
    expect(heard).toEqual([
      { topic, text: 'one', retain: false, qos: 1 },
      { topic, text: 'two', retain: false, qos: 0 },
    ])
    await client.unsubscribeAsync(topic)
    await publish(topic, 'three')
    const other = nextTopic()
    await granted(client, [other])
    await publish(other, 'four')
    await until(() => heard.length === 3, 'the fourth')
    expect(heard[2]).toMatchObject({ text: 'four' })
  })

  it('is one of fifty; one that is given up makes room', async () => {
    const { client } = await listener()
    const topics = Array.from({ length: 50 }, nextTopic)
    for (let at = 0; at < 50; at += 8)
      expect(await granted(client, topics.slice(at, at + 8))).not.toContain(0x80)
    const more = nextTopic()
    expect(await granted(client, [more])).toEqual([0x80])
    expect(await granted(client, topics.slice(0, 2))).toEqual([1, 1])
    await client.unsubscribeAsync(topics[7] ?? '')
    expect(await granted(client, [more])).toEqual([1])
    expect(await granted(client, [nextTopic()])).toEqual([0x80])
  })

  it('asks for eight filters at most: more, and the connection ends', async () => {
    const { client } = await listener()
    const ended = closed(client)
    const topics = Object.fromEntries(
      Array.from({ length: 9 }, () => [nextTopic(), { qos: 1 as const }]),
    )
    client.subscribe(topics, () => {})
    await ended
  })

  it('is refused to a device that subscribes and gives up in a loop', async () => {
    const { client } = await listener()
    const topic = nextTopic()
    const results: number[] = []
    for (let times = 0; times < 201; times += 1) results.push(...(await granted(client, [topic])))
    expect(results.slice(0, 200)).toEqual(Array(200).fill(1))
    expect(results[200]).toBe(0x80)
    now += 1_000
    expect(await granted(client, [topic])).toEqual([1])
  })
})

describe('a retained message', () => {
  it('reaches those who are there, and with the flag those who come later', async () => {
    const topic = nextTopic()
    const [there, later] = [await listener(), await listener()]
    await granted(there.client, [topic])
    await publish(topic, 'kept', retained)
    await granted(later.client, [topic])
    await until(() => there.heard.length + later.heard.length === 2, 'both')
    expect(there.heard).toEqual([{ topic, text: 'kept', retain: false, qos: 1 }])
    expect(later.heard).toEqual([{ topic, text: 'kept', retain: true, qos: 1 }])
  })

  it('is the latest of its topic, and one that is not retained leaves it', async () => {
    const topic = nextTopic()
    await publish(topic, 'first', retained)
    now += 1_000
    await publish(topic, 'second', retained)
    await publish(topic, 'third')
    const { client, heard } = await listener()
    await granted(client, [topic])
    await until(() => heard.length === 1, 'it')
    expect(heard).toMatchObject([{ text: 'second', retain: true }])
  })

  it('is there until the second in which it expires, and not in it', async () => {
    const topic = nextTopic()
    await publish(topic, 'kept', { ...retained, messageExpiry: 60 })
    const marker = nextTopic()
    await publish(marker, 'marker', retained)
    const heardAfter = async (ms: number) => {
      const before = now
      now += ms
      const { client, heard } = await listener()
      // in this order; the marker shows that the broker has looked
      await granted(client, [topic, marker])
      await until(() => heard.some(({ text }) => text === 'marker'), 'the marker')
      client.end(true)
      now = before
      return heard.map(({ text }) => text)
    }
    expect(await heardAfter(59_999)).toEqual(['kept', 'marker'])
    expect(await heardAfter(60_000)).toEqual(['marker'])
  })

  it('is read by its topic, until it expires', async () => {
    const topic = nextTopic()
    const read = () => world.data.send(new GetRetainedMessageCommand({ topic }))
    await expect(read()).rejects.toMatchObject({ name: 'ResourceNotFoundException' })
    await publish(topic, 'kept', { ...retained, messageExpiry: 60 })
    const { payload, qos } = await read()
    expect([Buffer.from(payload ?? []).toString(), qos]).toEqual(['kept', 1])
    now += 60_000
    await expect(read()).rejects.toMatchObject({ name: 'ResourceNotFoundException' })
    const filter = new GetRetainedMessageCommand({ topic: 'talk/#' })
    await expect(world.data.send(filter)).rejects.toMatchObject({ name: 'InvalidRequestException' })
  })

  it('outlives a restart, with its end', async () => {
    const [ending, staying] = [nextTopic(), nextTopic()]
    await publish(ending, 'ending', { ...retained, messageExpiry: 2 })
    await publish(staying, 'staying', { ...retained, messageExpiry: 3 })
    await world.restart()
    world.iot.putPolicy('talk', talkPolicy)
    now += 2_000
    const { client, heard } = await listener()
    await granted(client, [ending, staying])
    await until(() => heard.length > 0, 'one')
    expect(heard).toMatchObject([{ text: 'staying', retain: true }])
    now += 1_000
    await world.restart()
    world.iot.putPolicy('talk', talkPolicy)
  })

  it('is removed by an empty one', async () => {
    const topic = nextTopic()
    await publish(topic, 'kept', retained)
    now += 1_000
    await publish(topic, '', retained)
    const marker = nextTopic()
    await publish(marker, 'marker', retained)
    const { client, heard } = await listener()
    await granted(client, [topic, marker])
    await until(() => heard.length > 0, 'the marker')
    expect(heard).toMatchObject([{ text: 'marker' }])
  })

  it('changes once a second and topic at most', async () => {
    const topic = nextTopic()
    await publish(topic, 'first', retained)
    now += 999
    await expect(publish(topic, 'second', retained)).rejects.toMatchObject({
      ...{ name: 'ThrottlingException', $metadata: { httpStatusCode: 429 } },
    })
    await publish(nextTopic(), 'of another topic', retained)
    now += 1
    await publish(topic, 'third', retained)
  })

  it('takes a permission of its own', async () => {
    const publisher = world.dataClientOf([
      {
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Action: 'iot:Publish', Resource: '*' }],
      },
    ])
    const input = { topic: nextTopic(), payload: Buffer.from('x'), qos: 1 }
    await publisher.send(new PublishCommand(input))
    await expect(
      publisher.send(new PublishCommand({ ...input, retain: true })),
    ).rejects.toMatchObject({
      name: 'ForbiddenException',
      message: expect.stringContaining('iot:RetainPublish'),
    })
    publisher.destroy()
  })

  it.each(['-1', '1.5', '604801'])('does not last %s seconds', async (messageExpiry) => {
    const input = {
      topic: nextTopic(),
      payload: Buffer.from('x'),
      messageExpiry: Number(messageExpiry),
    }
    await expect(world.data.send(new PublishCommand(input))).rejects.toMatchObject({
      name: 'InvalidRequestException',
    })
  })

  it('of a device is kept if its policy says so; otherwise the connection ends', async () => {
    const { client } = await listener()
    await client.publishAsync('talk/own', 'mine', { qos: 1, retain: true })
    const { client: later, heard } = await listener()
    await granted(later, ['talk/own'])
    await until(() => heard.length === 1, 'it')
    expect(heard).toMatchObject([{ text: 'mine', retain: true }])
    await later.publishAsync('talk/plain', 'once', { qos: 1 })
    const ended = closed(later)
    later.publish('talk/plain', 'kept', { qos: 1, retain: true })
    await ended
  })
})

it('nobody waits for a device that has stopped reading', async () => {
  const topic = nextTopic()
  const { client } = await listener()
  await granted(client, [topic])
  client.stream.pause()
  const payload = 'x'.repeat(100_000)
  for (let times = 0; times < 40; times += 1) await publish(topic, payload)
  const { client: other, heard } = await listener()
  await granted(other, [topic])
  await publish(topic, 'still here')
  await until(() => heard.length === 1, 'the message')
})
