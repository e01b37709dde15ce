import {
  BatchWriteItemCommand,
  CreateTableCommand,
  DeleteItemCommand,
  DeleteTableCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  TransactWriteItemsCommand,
  UpdateItemCommand,
  UpdateTimeToLiveCommand,
} from '@aws-sdk/client-dynamodb'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { openStore, perform } from '../src/dynamodb/dynalite.ts'
import {
  type DynamoDb,
  type DynamoDbOptions,
  type StreamRecord,
  startDynamoDb,
  type TableProperties,
} from '../src/dynamodb/dynamodb.ts'
import { Journal } from '../src/dynamodb/journal.ts'
import { TableSettingsStore } from '../src/dynamodb/table-settings.ts'
import { Tables } from '../src/dynamodb/tables.ts'
import type { Endpoint } from '../src/endpoint.ts'
import {
  clientOf,
  endpointFor,
  identity,
  logLines,
  operator,
  role,
  temporaryFolder,
  until,
} from './service-harness.ts'

const table: TableProperties = {
  TableName: 'slots',
  KeySchema: [
    { AttributeName: 'pk', KeyType: 'HASH' },
    { AttributeName: 'sk', KeyType: 'RANGE' },
  ],
  AttributeDefinitions: [
    { AttributeName: 'pk', AttributeType: 'S' },
    { AttributeName: 'sk', AttributeType: 'S' },
  ],
}
const streamed: TableProperties = {
  ...table,
  StreamSpecification: { StreamViewType: 'NEW_AND_OLD_IMAGES' },
}
const expiring: TableProperties = {
  ...streamed,
  TimeToLiveSpecification: { AttributeName: 'expiresAt', Enabled: true },
}

let database: DynamoDb
let endpoint: Endpoint
let client: DynamoDBClient
let clock: number
const { lines, log } = logLines()
const reader = role('dynamodb:GetItem arn:aws:dynamodb:us-east-1:000000000000:table/slots')

async function start(options: Partial<DynamoDbOptions> = {}): Promise<void> {
  clock = Date.parse('2026-11-20T12:00:00Z')
  database = await startDynamoDb({
    identity,
    log,
    now: () => clock,
    ttlIntervalMs: 10,
    ...options,
  })
  endpoint = await endpointFor([database.service], { operator, reader })
  client = new DynamoDBClient(clientOf(endpoint))
}

async function stop(): Promise<void> {
  client.destroy()
  await endpoint.close()
  await database.close()
}

beforeEach(() => start())
afterEach(stop)

const seconds = (offset: number) => String(Math.floor(clock / 1000) + offset)
const item = (pk: string, more: Record<string, { S: string } | { N: string }> = {}) => ({
  pk: { S: pk },
  sk: { S: 'a' },
  ...more,
})
const put = (pk: string, more?: Parameters<typeof item>[1]) =>
  client.send(new PutItemCommand({ TableName: 'slots', Item: item(pk, more) }))
const get = async (pk: string) =>
  (await client.send(new GetItemCommand({ TableName: 'slots', Key: item(pk) }))).Item

/** Subscribes and gathers; `fail` makes the first so many batches rejected. */
function gather(consumer = 'test', fail = 0): { records: StreamRecord[]; stop: () => void } {
  const records: StreamRecord[] = []
  let failures = fail
  const arn = database.streamArn('slots') ?? ''
  const stop = database.onStream(
    arn,
    async (batch) => {
      if (failures-- > 0) throw new Error('not now')
      records.push(...batch)
    },
    { name: consumer },
  )
  return { records, stop }
}

describe('tables', () => {
  test('creating one twice is no error, with another key it is one', async () => {
    const first = await database.createTable(table)
    expect(first).toEqual({ arn: 'arn:aws:dynamodb:us-east-1:000000000000:table/slots' })
    expect(await database.createTable(table)).toEqual(first)
    const other = { ...table, KeySchema: table.KeySchema.slice(0, 1) }
    const attributes = { AttributeDefinitions: table.AttributeDefinitions.slice(0, 1) }
    await expect(database.createTable({ ...other, ...attributes })).rejects.toThrow(
      'The table slots on disk has another shape (pk:S,sk:S) than the template (pk:S)',
    )
  })

  test('the record of a table is read once for all operations on its items', async () => {
    const store = await openStore(undefined, '000000000000', 'us-east-1')
    const asked = vi.spyOn(store, 'getTable')
    const now = () => clock
    const [settings, journal] = [new TableSettingsStore(store.db), new Journal(store.db, now)]
    const tables = new Tables({ store, settings, journal, identity, now })
    await tables.ensure(table)
    asked.mockClear()
    for (const pk of ['a', 'b', 'c'])
      await perform(tables.itemStore, 'GetItem', { TableName: 'slots', Key: item(pk) })
    expect(asked).toHaveBeenCalledTimes(1)
    await store.db.close()
  })

  test('a table with another index is refused, too', async () => {
    await database.createTable(table)
    const index = {
      IndexName: 'bySk',
      KeySchema: [{ AttributeName: 'sk', KeyType: 'HASH' }],
      Projection: { ProjectionType: 'ALL' },
    }
    await expect(
      database.createTable({ ...table, GlobalSecondaryIndexes: [index] }),
    ).rejects.toThrow('bySk(sk:S)')
  })

  test('DescribeTable tells of the stream', async () => {
    const { streamArn } = await database.createTable(streamed)
    const { Table } = await client.send(new DescribeTableCommand({ TableName: 'slots' }))
    expect(Table).toMatchObject({
      TableStatus: 'ACTIVE',
      LatestStreamArn: streamArn,
      StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_AND_OLD_IMAGES' },
    })
    expect(streamArn).toMatch(/:table\/slots\/stream\/2026-11-20T12:00:00.000$/)
  })

  test('a table can be made and removed through the API', async () => {
    const { StreamSpecification: _, ...shape } = streamed
    await client.send(
      new CreateTableCommand({
        TableName: 'slots',
        KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
        AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
        BillingMode: 'PAY_PER_REQUEST',
        StreamSpecification: { StreamEnabled: true, StreamViewType: 'KEYS_ONLY' },
      }),
    )
    expect(database.streamArn('slots')).toBeDefined()
    await client.send(new DeleteTableCommand({ TableName: 'slots' }))
    await expect(get('x')).rejects.toMatchObject({ name: 'ResourceNotFoundException' })
    await database.createTable(shape)
    await put('x')
    expect(await get('x')).toBeDefined()
  })

  test('a deleted table takes its items, expiries and records with it', async () => {
    await database.createTable(expiring)
    await put('x', { expiresAt: { N: seconds(60) } })
    await database.deleteTable('slots')
    await database.createTable(expiring)
    expect(await get('x')).toBeUndefined()
    const { records } = gather()
    clock += 120_000
    await put('y')
    await until(() => records.length > 0)
    expect(records.map((record) => record.dynamodb.Keys.pk)).toEqual([{ S: 'y' }])
  })

  test('tables can be named by ARN', async () => {
    const { arn } = await database.createTable(table)
    await client.send(new PutItemCommand({ TableName: arn, Item: item('x') }))
    expect(await get('x')).toEqual(item('x'))
  })
})

describe('conditional writes', () => {
  beforeEach(() => database.createTable(table))
  const newer = (seq: number) =>
    client.send(
      new PutItemCommand({
        TableName: 'slots',
        Item: item('x', { seq: { N: String(seq) } }),
        ConditionExpression: 'attribute_not_exists(pk) OR seq < :seq',
        ExpressionAttributeValues: { ':seq': { N: String(seq) } },
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      }),
    )

  test('a failed condition brings the item that it failed on', async () => {
    await newer(5)
    await expect(newer(3)).rejects.toMatchObject({
      name: 'ConditionalCheckFailedException',
      Item: item('x', { seq: { N: '5' } }),
    })
  })

  test('it brings none when it was not asked for, or there is none', async () => {
    const remove = (more: object) =>
      client.send(
        new DeleteItemCommand({
          TableName: 'slots',
          Key: item('x'),
          ConditionExpression: 'seq = :seq',
          ExpressionAttributeValues: { ':seq': { N: '1' } },
          ...more,
        }),
      )
    const wanted = { ReturnValuesOnConditionCheckFailure: 'ALL_OLD' }
    await expect(remove(wanted)).rejects.toSatisfy((error) => error.Item === undefined)
    await newer(5)
    await expect(remove({})).rejects.toSatisfy((error) => error.Item === undefined)
    await expect(remove(wanted)).rejects.toMatchObject({ Item: { seq: { N: '5' } } })
  })

  test('of 200 racing writes the newest wins', async () => {
    const order = Array.from({ length: 200 }, (_, index) => (index * 73) % 200)
    await Promise.allSettled(order.map((seq) => newer(seq)))
    expect((await get('x'))?.seq).toEqual({ N: '199' })
  })

  test('an update that fails inside dynalite is an error, and the key can still be written', async () => {
    await put('x', { n: { S: 'text' } })
    const update = client.send(
      new UpdateItemCommand({
        TableName: 'slots',
        Key: item('x'),
        UpdateExpression: 'SET n = n + :one',
        ExpressionAttributeValues: { ':one': { N: '1' } },
      }),
    )
    await expect(update).rejects.toMatchObject({ name: 'ValidationException' })
    await put('x', { n: { S: 'new' } })
    expect((await get('x'))?.n).toEqual({ S: 'new' })
  })
})

describe('permissions', () => {
  test('a call without a grant is refused with the words of IAM', async () => {
    await database.createTable(table)
    const limited = new DynamoDBClient(clientOf(endpoint, 'reader'))
    await limited.send(new GetItemCommand({ TableName: 'slots', Key: item('x') }))
    const write = limited.send(new PutItemCommand({ TableName: 'slots', Item: item('x') }))
    await expect(write).rejects.toMatchObject({
      name: 'AccessDeniedException',
      message:
        'User: role/test is not authorized to perform: dynamodb:PutItem on resource: arn:aws:dynamodb:us-east-1:000000000000:table/slots because no identity-based policy allows the dynamodb:PutItem action',
    })
  })

  test('an index and each table of a batch are asked for by themselves', async () => {
    await database.createTable(table)
    const limited = new DynamoDBClient(clientOf(endpoint, 'reader'))
    const ask = async (command: QueryCommand | BatchWriteItemCommand) => {
      reader.asked.length = 0
      await limited.send(command as QueryCommand).catch(() => undefined)
      return reader.asked.at(-1)
    }
    const query = {
      KeyConditionExpression: 'pk = :p',
      ExpressionAttributeValues: { ':p': { S: '' } },
    }
    const arn = 'arn:aws:dynamodb:us-east-1:000000000000:table/slots'
    expect(await ask(new QueryCommand({ TableName: 'slots', IndexName: 'by', ...query }))).toBe(
      `dynamodb:Query ${arn}/index/by`,
    )
    const requests = { slots: [{ PutRequest: { Item: item('x') } }] }
    expect(await ask(new BatchWriteItemCommand({ RequestItems: requests }))).toBe(
      `dynamodb:BatchWriteItem ${arn}`,
    )
  })
})

describe('streams', () => {
  test('inserts, changes and removals arrive in order with both images', async () => {
    await database.createTable(streamed)
    const { records } = gather()
    await put('x', { n: { N: '1' } })
    await client.send(
      new UpdateItemCommand({
        TableName: 'slots',
        Key: item('x'),
        UpdateExpression: 'SET n = :two',
        ExpressionAttributeValues: { ':two': { N: '2' } },
      }),
    )
    await client.send(new DeleteItemCommand({ TableName: 'slots', Key: item('x') }))
    await until(() => records.length === 3)
    expect(
      records.map(({ eventName, dynamodb }) => [
        eventName,
        dynamodb.OldImage?.n,
        dynamodb.NewImage?.n,
      ]),
    ).toEqual([
      ['INSERT', undefined, { N: '1' }],
      ['MODIFY', { N: '1' }, { N: '2' }],
      ['REMOVE', { N: '2' }, undefined],
    ])
    expect(records[0]).toMatchObject({
      eventVersion: '1.1',
      eventSource: 'aws:dynamodb',
      awsRegion: 'us-east-1',
      eventSourceARN: database.streamArn('slots'),
      dynamodb: {
        Keys: item('x'),
        ApproximateCreationDateTime: clock / 1000,
        StreamViewType: 'NEW_AND_OLD_IMAGES',
      },
    })
    const numbers = records.map(({ dynamodb }) => dynamodb.SequenceNumber)
    expect([...numbers].sort()).toEqual(numbers)
    expect(new Set(records.map(({ eventID }) => eventID)).size).toBe(3)
  })

  test('a write that changes nothing makes no record', async () => {
    await database.createTable(streamed)
    const { records } = gather()
    await put('x', { n: { N: '1' } })
    await put('x', { n: { N: '1' } })
    await client.send(new DeleteItemCommand({ TableName: 'slots', Key: item('missing') }))
    await put('y')
    await until(() => records.length >= 2)
    expect(records.map(({ eventName }) => eventName)).toEqual(['INSERT', 'INSERT'])
  })

  test('a batch write makes a record for each item', async () => {
    await database.createTable(streamed)
    await put('x', { n: { N: '1' } })
    const { records } = gather()
    const requests = [
      { DeleteRequest: { Key: item('x') } },
      { PutRequest: { Item: item('y') } },
      { PutRequest: { Item: item('z') } },
    ]
    await client.send(new BatchWriteItemCommand({ RequestItems: { slots: requests } }))
    await until(() => records.length === 4)
    const changes = records
      .slice(1)
      .map(({ eventName, dynamodb }) => `${eventName} ${dynamodb.Keys.pk?.S}`)
    expect(changes.sort()).toEqual(['INSERT y', 'INSERT z', 'REMOVE x'])
  })

  test.each([
    ['KEYS_ONLY', false, false],
    ['NEW_IMAGE', false, true],
    ['OLD_IMAGE', true, false],
  ])('%s', async (viewType, old, fresh) => {
    await database.createTable({ ...table, StreamSpecification: { StreamViewType: viewType } })
    const { records } = gather()
    await put('x', { n: { N: '1' } })
    await put('x', { n: { N: '2' } })
    await until(() => records.length === 2)
    expect(records[1]?.dynamodb.OldImage !== undefined).toBe(old)
    expect(records[1]?.dynamodb.NewImage !== undefined).toBe(fresh)
  })

  test('a rejected batch comes again, before anything newer', async () => {
    await database.createTable(streamed)
    const { records } = gather('test', 1)
    await put('x')
    await until(() => lines.some((line) => line.includes('not now')))
    await put('y')
    await until(() => records.length === 2)
    expect(records.map(({ dynamodb }) => dynamodb.Keys.pk)).toEqual([{ S: 'x' }, { S: 'y' }])
  })

  test('500 concurrent writes lose no record', async () => {
    await database.createTable(streamed)
    const { records } = gather()
    await Promise.all(Array.from({ length: 500 }, (_, index) => put(`k${index}`)))
    await until(() => records.length >= 500)
    expect(new Set(records.map(({ dynamodb }) => dynamodb.Keys.pk?.S)).size).toBe(500)
  })

  test('two consumers each get everything; LATEST begins after what is there', async () => {
    await database.createTable(streamed)
    await put('x')
    const [one, two] = [gather('one'), gather('two')]
    const late: StreamRecord[] = []
    const take = async (batch: readonly StreamRecord[]) => {
      late.push(...batch)
    }
    const arn = database.streamArn('slots') ?? ''
    database.onStream(arn, take, { name: 'late', startingPosition: 'LATEST' })
    await put('y')
    await until(() => one.records.length === 2 && two.records.length === 2 && late.length === 1)
    expect(late[0]?.dynamodb.Keys.pk).toEqual({ S: 'y' })
  })

  test('a table without a stream has none to listen to', async () => {
    await database.createTable(table)
    expect(database.streamArn('slots')).toBeUndefined()
    expect(() => database.onStream('arn:x:table/slots/stream/1', async () => undefined)).toThrow(
      'There is no stream',
    )
  })
})

describe('time to live', () => {
  test('an expired item goes, and the record says why', async () => {
    await database.createTable(expiring)
    const { records } = gather()
    await put('x', { expiresAt: { N: seconds(10) } })
    await put('stays', { expiresAt: { N: seconds(100) } })
    await put('for ever')
    clock += 10_500
    await until(() => records.length === 4)
    expect(records[3]).toMatchObject({
      eventName: 'REMOVE',
      userIdentity: { type: 'Service', principalId: 'dynamodb.amazonaws.com' },
      dynamodb: { OldImage: { pk: { S: 'x' } } },
    })
    expect(records[0]).not.toHaveProperty('userIdentity')
    expect(await get('x')).toBeUndefined()
    expect(await get('stays')).toBeDefined()
    expect(await get('for ever')).toBeDefined()
  })

  test('an item lives through the second in which it expires', async () => {
    await database.createTable(expiring)
    await put('x', { expiresAt: { N: seconds(1) } })
    clock += 1000
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(await get('x')).toBeDefined()
    clock += 1
    await until(async () => (await get('x')) === undefined)
  })

  test('an item that is renewed, or written over without expiry, stays', async () => {
    await database.createTable(expiring)
    await put('x', { expiresAt: { N: seconds(1) } })
    await put('y', { expiresAt: { N: seconds(1) } })
    await put('z', { expiresAt: { N: seconds(1) } })
    await put('x', { expiresAt: { N: seconds(1000) } })
    await put('y')
    clock += 2000
    await until(async () => (await get('z')) === undefined)
    expect(await get('x')).toBeDefined()
    expect(await get('y')).toBeDefined()
  })

  test('what is not a number, or older than five years, never expires', async () => {
    await database.createTable(expiring)
    await put('text', { expiresAt: { S: seconds(1) } })
    await put('old', { expiresAt: { N: seconds(-6 * 365 * 86_400) } })
    await put('x', { expiresAt: { N: seconds(1) } })
    clock += 2000
    await until(async () => (await get('x')) === undefined)
    expect(await get('text')).toBeDefined()
    expect(await get('old')).toBeDefined()
  })

  test('switching it on finds the items that are there; off stops it', async () => {
    await database.createTable(table)
    await put('x', { dies: { N: seconds(1) } })
    const set = (Enabled: boolean) =>
      client.send(
        new UpdateTimeToLiveCommand({
          TableName: 'slots',
          TimeToLiveSpecification: { AttributeName: 'dies', Enabled },
        }),
      )
    await set(true)
    await expect(set(true)).rejects.toThrow('TimeToLive is already enabled')
    const { TimeToLiveDescription } = await client.send(
      new DescribeTimeToLiveCommand({ TableName: 'slots' }),
    )
    expect(TimeToLiveDescription).toEqual({ TimeToLiveStatus: 'ENABLED', AttributeName: 'dies' })
    clock += 2000
    await until(async () => (await get('x')) === undefined)
    await set(false)
    await put('y', { dies: { N: seconds(-1) } })
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(await get('y')).toBeDefined()
  })

  test('a thousand expiries at once all go', async () => {
    await database.createTable(expiring)
    const { records } = gather()
    const requests = Array.from({ length: 1000 }, (_, index) => ({
      PutRequest: { Item: item(`k${index}`, { expiresAt: { N: seconds(1) } }) },
    }))
    for (let at = 0; at < requests.length; at += 25) {
      const some = { slots: requests.slice(at, at + 25) }
      await client.send(new BatchWriteItemCommand({ RequestItems: some }))
    }
    clock += 2000
    await until(() => records.length === 2000)
    expect(records.filter(({ eventName }) => eventName === 'REMOVE')).toHaveLength(1000)
  })
})

test('the journal never reads past a write that is not on disk yet', async () => {
  const { db } = await openStore(undefined, '000000000000', 'us-east-1')
  const journal = new Journal(db, () => clock)
  await journal.load('slots')
  const change = { eventName: 'INSERT', keys: {}, at: clock } as const
  const write = async (entry: ReturnType<Journal['append']>) => {
    await db.batch([entry.operation])
    entry.written()
  }
  const [first, second, third] = [1, 2, 3].map(() => journal.append('slots', change))
  const read = async () => (await journal.read('slots', 0, 10)).map(({ sequence }) => sequence)
  if (first === undefined || second === undefined || third === undefined) throw new Error()
  await write(third)
  expect(await read()).toEqual([])
  await write(first)
  expect(await read()).toEqual([1])
  await write(second)
  expect(await read()).toEqual([1, 2, 3])
})

test('the journal forgets what every consumer has dealt with, and what is a day old', async () => {
  const { db } = await openStore(undefined, '000000000000', 'us-east-1')
  const write = async (journal: Journal, at: number) => {
    const entry = journal.append('slots', { eventName: 'INSERT', keys: {}, at })
    await db.batch([entry.operation])
    entry.written()
  }
  const count = async () => (await db.iterator({ gte: 'stream-', lt: 'stream.' }).all()).length
  const journal = new Journal(db, () => clock)
  await journal.load('slots')
  for (let written = 0; written < 4; written += 1) await write(journal, clock)
  await journal.position('slots', 'one', 'TRIM_HORIZON')
  await journal.position('slots', 'two', 'TRIM_HORIZON')
  await journal.acknowledge('slots', 'one', 3)
  expect(await count()).toBe(4)
  await journal.acknowledge('slots', 'two', 2)
  expect(await count()).toBe(2)
  await journal.position('slots', 'three', 'TRIM_HORIZON')
  const next = new Journal(db, () => clock)
  await next.load('slots')
  await next.acknowledge('slots', 'two', 4)
  await next.acknowledge('slots', 'one', 4)
  expect(await count()).toBe(2)
  const later = new Journal(db, () => clock + 24 * 3_600_000 + 1)
  await later.load('slots')
  expect(await count()).toBe(0)
  expect(await later.read('slots', 0, 10)).toEqual([])
})

test('an operation that is not there says so', async () => {
  const transaction = client.send(new TransactWriteItemsCommand({ TransactItems: [] }))
  await expect(transaction).rejects.toThrow('does not have the operation TransactWriteItems')
})

describe('on disk', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  const restart = async () => {
    await stop()
    await start({ path: `${folder.path}/tables` })
  }
  beforeEach(async () => {
    folder = await temporaryFolder()
    await restart()
  })
  afterEach(() => folder.remove())

  test('items, expiry and stream are there after a restart', async () => {
    const first = await database.createTable(expiring)
    await put('x', { expiresAt: { N: seconds(10) } })
    await restart()
    expect(await database.createTable(expiring)).toEqual(first)
    expect(await get('x')).toBeDefined()
    clock += 11_000
    await until(async () => (await get('x')) === undefined)
  })

  test('records that nobody has dealt with come after a restart, and only those', async () => {
    await database.createTable(streamed)
    const before = gather()
    await put('x')
    await until(() => before.records.length === 1)
    before.stop()
    await put('y')
    await restart()
    await database.createTable(streamed)
    const { records } = gather()
    await put('z')
    await until(() => records.length === 2)
    expect(records.map(({ dynamodb }) => dynamodb.Keys.pk)).toEqual([{ S: 'y' }, { S: 'z' }])
    const sequence = (record: StreamRecord | undefined) =>
      BigInt(record?.dynamodb.SequenceNumber ?? 0)
    expect(sequence(records[0])).toBeGreaterThan(sequence(before.records[0]))
  })

  test('a consumer that is slow to come back after a restart keeps its records', async () => {
    await database.createTable(streamed)
    const [fast, slow] = [gather('fast'), gather('slow', 1)]
    await put('x')
    await until(() => fast.records.length === 1)
    slow.stop()
    await restart()
    await database.createTable(streamed)
    const again = gather('fast')
    await put('y')
    await until(() => again.records.length === 1)
    const late = gather('slow')
    await until(() => late.records.length === 2)
    expect(late.records.map(({ dynamodb }) => dynamodb.Keys.pk)).toEqual([{ S: 'x' }, { S: 'y' }])
  })

  test('an expiry entry that is out of date does not delete the item', async () => {
    await database.createTable(expiring)
    await put('x', { expiresAt: { N: seconds(100) } })
    await put('probe', { expiresAt: { N: seconds(1) } })
    await stop()
    const store = await openStore(`${folder.path}/tables`, '000000000000', 'us-east-1')
    await store.db.put(`ttl-slots~${seconds(0).padStart(12, '0')}~any`, item('x'))
    await store.db.close()
    await start({ path: `${folder.path}/tables` })
    clock += 2000
    await until(async () => (await get('probe')) === undefined)
    expect(await get('x')).toBeDefined()
  })

  test('a folder in use by another is one clear sentence', async () => {
    const path = `${folder.path}/tables`
    await expect(startDynamoDb({ identity, log, path })).rejects.toThrow(
      /The tables under .*tables cannot be opened \(.*\); is another process using them\?/,
    )
  })
})
