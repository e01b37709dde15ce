import {
  CreateTableCommand,
  DeleteItemCommand,
  DynamoDBClient,
  PutItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb'
import type { Channel } from '@heliograph/core/ports'
import type { ChannelId, Seq, Topic } from '@heliograph/protocol/identifiers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startDynamoDb } from '../../embedded-cloud/src/dynamodb/dynamodb.ts'
import {
  clientOf,
  endpointFor,
  identity,
  logLines,
} from '../../embedded-cloud/test/service-harness.ts'
import { n, s } from '../src/attributes.ts'
import { channels } from '../src/channels.ts'
import { latestBroadcasts } from '../src/latest-broadcasts.ts'
import { channelRecords } from '../src/operator/channel-records.ts'

const TABLE = 'channels'
const MOST = 3
const MINUTE = 60_000
let time = Date.parse('2030-01-01T00:00:00Z')
const clock = { now: () => time }

let client: DynamoDBClient
const closing: (() => Promise<void>)[] = []
beforeAll(async () => {
  const { log } = logLines()
  const database = await startDynamoDb({ identity, log, ttlIntervalMs: 3_600_000 })
  const endpoint = await endpointFor([database.service])
  client = new DynamoDBClient(clientOf(endpoint))
  closing.push(
    async () => client.destroy(),
    () => endpoint.close(),
    () => database.close(),
  )
  const keys = ['topic', 'channel'] as const
  await client.send(
    new CreateTableCommand({
      TableName: TABLE,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: keys.map((key) => ({ AttributeName: key, AttributeType: 'S' })),
      KeySchema: [
        { AttributeName: 'topic', KeyType: 'HASH' },
        { AttributeName: 'channel', KeyType: 'RANGE' },
      ],
    }),
  )
})
afterAll(async () => {
  for (const close of closing) await close()
})

let made = 0
function newChannel(topic: Topic): Channel {
  made += 1
  const id = String(made).padStart(24, 'x') as ChannelId
  return { id, topic, storagePolicy: 0, createdAt: time }
}

/** What a crash after the first of the two changes of a creation leaves. */
async function countOneTooMany(topic: Topic): Promise<void> {
  await client.send(
    new UpdateItemCommand({
      TableName: TABLE,
      Key: { topic: s(topic), channel: s('#') },
      UpdateExpression: 'ADD held :one',
      ExpressionAttributeValues: { ':one': n(1) },
    }),
  )
}

test('an operator reads the channels of all topics, and adds those of another deployment', async () => {
  const records = channelRecords(client, TABLE, clock)
  const [own, other] = ['com.example.own', 'com.example.other'] as [Topic, Topic]
  const [first, second, closed] = [newChannel(own), newChannel(other), newChannel(own)]
  for (const channel of [first, second, closed]) expect(await records.add(channel)).toBe('added')
  expect(await records.add(first)).toBe('known')
  await channels(client, TABLE, clock).close(own, closed.id)
  expect(await records.add(closed)).toBe('known')
  const all = (await records.all()).filter(({ topic }) => topic === own || topic === other)
  expect(new Set(all)).toEqual(new Set([first, second]))
  expect(await channels(client, TABLE, clock).find(own, first.id)).toEqual(first)
})

test('of a channel the newest broadcast is noted, as often as it comes', async () => {
  const topic = 'com.example.latest' as Topic
  const port = channels(client, TABLE, clock)
  const { note } = latestBroadcasts(client, TABLE)
  const channel = newChannel(topic)
  await port.create(channel)
  const noted = (seq: string) => note({ topic, channel: channel.id, seq: seq as Seq })
  expect(await noted('01ARZ3NDEKTSV4RRFFQ69G5FAV')).toBe(true)
  expect(await noted('01ARZ3NDEKTSV4RRFFQ69G5FAV')).toBe(true)
  expect(await noted('01ARZ3NDEKTSV4RRFFQ69G5FAX')).toBe(true)
  expect(await noted('01ARZ3NDEKTSV4RRFFQ69G5FAV')).toBe(false)
  expect(await port.find(topic, channel.id)).toEqual(channel)
  // one that is gone does not come back
  await port.close(topic, channel.id)
  await port.forget(topic, channel.id)
  expect(await noted('01ARZ3NDEKTSV4RRFFQ69G5FAZ')).toBe(false)
  expect(await port.close(topic, channel.id)).toBe(false)
})

test('a full topic is counted afresh, once nothing has changed for a minute', async () => {
  const topic = 'com.example.counted' as Topic
  const port = channels(client, TABLE, clock, MOST)
  await port.create(newChannel(topic))
  await countOneTooMany(topic)
  await port.create(newChannel(topic))
  time += MINUTE - 1
  expect(await port.create(newChannel(topic))).toBe(false)
  time += 1
  expect(await port.create(newChannel(topic))).toBe(true)
  time += MINUTE
  expect(await port.create(newChannel(topic))).toBe(false)
})

test('a topic that stays full is counted once a minute', async () => {
  const topic = 'com.example.full' as Topic
  let queries = 0
  const counting: DynamoDBClient = Object.assign(Object.create(DynamoDBClient.prototype), {
    config: client.config,
    send: (command: { readonly constructor: { readonly name: string } }) => {
      if (command.constructor.name === 'QueryCommand') queries += 1
      return client.send(command as never)
    },
  })
  const port = channels(counting, TABLE, clock, MOST)
  for (let times = 0; times < MOST; times += 1) await port.create(newChannel(topic))
  const refusals = async () => {
    for (let times = 0; times < 5; times += 1)
      expect(await port.create(newChannel(topic))).toBe(false)
    return queries
  }
  expect(await refusals()).toBe(0)
  time += MINUTE
  expect(await refusals()).toBe(1)
  time += MINUTE
  expect(await refusals()).toBe(2)
})

/** As many channels as may be, a minute after they were made: the next creation counts them. */
async function full(topic: Topic) {
  const port = channels(client, TABLE, clock, MOST)
  const all = Array.from({ length: MOST }, () => newChannel(topic))
  for (const channel of all) await port.create(channel)
  time += MINUTE
  return { port, all }
}

test('a deletion that is under way is not counted twice', async () => {
  const topic = 'com.example.deleted' as Topic
  const { port, all } = await full(topic)
  await port.close(topic, all[0]?.id as ChannelId)
  expect(await port.create(newChannel(topic))).toBe(false)
  await port.forget(topic, all[0]?.id as ChannelId)
  expect(await port.create(newChannel(topic))).toBe(true)
  expect(await port.create(newChannel(topic))).toBe(false)
})

test('a deletion puts the next count off: its row may be gone before it has given back', async () => {
  const topic = 'com.example.going' as Topic
  const { port, all } = await full(topic)
  const going = all[0]?.id as ChannelId
  await port.close(topic, going)
  // the first half of its last step
  const Key = { topic: s(topic), channel: s(going) }
  await client.send(new DeleteItemCommand({ TableName: TABLE, Key }))
  time += MINUTE - 1
  expect(await port.create(newChannel(topic))).toBe(false)
  // nobody gives back that late
  time += 1
  expect(await port.create(newChannel(topic))).toBe(true)
})

test('a row that is not from this service is a fault, not another channel', async () => {
  const topic = 'com.example.forged' as Topic
  const port = channels(client, TABLE, clock, MOST)
  const { id } = newChannel(topic)
  const Item = { topic: s(topic), channel: s(id), storagePolicy: n(7), createdAt: n(time) }
  await client.send(new PutItemCommand({ TableName: TABLE, Item }))
  await expect(port.find(topic, id)).rejects.toThrow('storagePolicy')
})
