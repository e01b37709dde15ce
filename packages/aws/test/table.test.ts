import {
  ConditionalCheckFailedException,
  DynamoDBClient,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb'
import type { KMSClient } from '@aws-sdk/client-kms'
import type {
  DeviceId,
  Fingerprint,
  NotificationId,
  Seq,
  Topic,
} from '@heliograph/protocol/identifiers'
import { describe, expect, it } from 'vitest'
import { activations } from '../src/activations.ts'
import { type Item, n, s } from '../src/attributes.ts'
import { claims } from '../src/claims.ts'
import { devices } from '../src/devices.ts'
import { feedback } from '../src/feedback.ts'
import { providers } from '../src/providers.ts'
import { registrations } from '../src/registrations.ts'
import { table } from '../src/table.ts'
import { tokenKeyStore } from '../src/token-keys.ts'

/** A client that answers every call alike, and keeps what it was asked. */
function clientOf(answer: () => object) {
  const inputs: object[] = []
  const send = async ({ input }: { readonly input: object }) => {
    inputs.push(input)
    return answer()
  }
  // paginators take nothing but an instance
  const client: DynamoDBClient = Object.assign(Object.create(DynamoDBClient.prototype), { send })
  return { client, inputs }
}

const key = { name: s('x') }
const update = { UpdateExpression: 'SET a = :a', ConditionExpression: 'attribute_exists(a)' }

describe('a table', () => {
  it('reads consistently, and gives the item or undefined', async () => {
    const { client, inputs } = clientOf(() => ({ Item: key }))
    expect(await table(client, 't').get(key)).toBe(key)
    expect(inputs).toEqual([{ TableName: 't', Key: key, ConsistentRead: true }])
    expect(await table(clientOf(() => ({})).client, 't').get(key)).toBeUndefined()
  })

  it('puts an item', async () => {
    const { client, inputs } = clientOf(() => ({}))
    await table(client, 't').put(key)
    expect(inputs).toEqual([{ TableName: 't', Item: key }])
  })

  it('puts an item on a condition, and says whether it did', async () => {
    const { client, inputs } = clientOf(() => ({}))
    const condition = { ConditionExpression: 'attribute_not_exists(a)' }
    expect(await table(client, 't').putIf(key, condition)).toBe(true)
    expect(inputs).toEqual([{ TableName: 't', Item: key, ...condition }])
    const { client: full } = clientOf(() => {
      throw new ConditionalCheckFailedException({ message: '', $metadata: {} })
    })
    expect(await table(full, 't').putIf(key, condition)).toBe(false)
  })

  it('gives the item after a change', async () => {
    const { client, inputs } = clientOf(() => ({ Attributes: key }))
    expect(await table(client, 't').updateIf(key, update)).toBe(key)
    expect(inputs).toEqual([{ TableName: 't', Key: key, ...update, ReturnValues: 'ALL_NEW' }])
  })

  it('gives undefined where the condition does not hold, and throws every other fault', async () => {
    const failing = (fault: Error) =>
      table(
        clientOf(() => {
          throw fault
        }).client,
        't',
      ).updateIf(key, update)
    const unmet = new ConditionalCheckFailedException({ message: '', $metadata: {} })
    expect(await failing(unmet)).toBeUndefined()
    await expect(failing(new Error('throttled'))).rejects.toThrow('throttled')
  })

  it('takes a change without an answer for a fault, not for a condition', async () => {
    const { client } = clientOf(() => ({}))
    await expect(table(client, 't').updateIf(key, update)).rejects.toThrow('no item')
  })
})

describe('a stored item that is malformed is a fault, never a value', () => {
  const device = '0123456789abcdef' as DeviceId
  const topic = 'com.example.app' as Topic
  const fingerprint = 'a'.repeat(64) as Fingerprint
  const item = (values: Item) => clientOf(() => ({ Item: values, Attributes: values })).client

  it.each([
    ['deviceId', { deviceId: s('not a device'), topic: s(topic) }],
    ['topic', { deviceId: s(device), topic: s('..') }],
    ['deviceId', { topic: s(topic) }],
  ])('registration: %s', async (name, values) => {
    const found = registrations(item(values), 't').find(device, topic)
    await expect(found).rejects.toThrow(`attribute ${name}`)
  })

  const certificate = {
    fingerprint: s(fingerprint),
    topics: { SS: [topic] },
    serial: s('40'),
    subject: s('UID=com.example.app'),
    notBefore: n(0),
    notAfter: n(1),
    issuedAt: n(0),
  }

  it.each([
    ['fingerprint', { fingerprint: s('A'.repeat(64)) }],
    ['topics', { topics: { SS: [topic, '..'] } }],
    ['topics', { topics: { SS: [] } }],
    ['topics', { topics: s(topic) }],
  ])('provider: %s', async (name, wrong) => {
    const find = (values: Item) => providers(item(values), 't').find(fingerprint)
    expect(await find(certificate)).toMatchObject({ fingerprint, topics: [topic] })
    await expect(find({ ...certificate, ...wrong } as Item)).rejects.toThrow(`attribute ${name}`)
  })

  it('activation: deviceId', async () => {
    const bound = { deviceId: s('UPPER') }
    const redeemed = activations(item(bound), 't').redeem(
      { codeHash: 'code', expiresAt: 2_000, reusable: false },
      'key',
      device,
    )
    await expect(redeemed).rejects.toThrow('attribute deviceId')
  })

  const bare = { activatedAt: n(0), certificates: { L: [] } }
  it.each([
    ['deviceId', { ...bare, deviceId: s('UPPER') }],
    ['activatedAt', { deviceId: s(device) }],
  ])('device: %s', async (name, values) => {
    await expect(devices(item(values as Item), 't').find(device)).rejects.toThrow(
      `attribute ${name}`,
    )
  })

  const clock = { now: () => 0 }
  const entry = {
    entry: s('01J00000000000000000000001'),
    timestamp: n(0),
    reason: s('Unregistered'),
    token: s('a'.repeat(64)),
  }
  it.each([
    ['entry', { entry: s('-') }],
    ['reason', { reason: s('Bored') }],
    ['token', { token: s('short') }],
    ['id', { reason: s('Expired'), id: s('none') }],
  ])('feedback: %s', async (name, wrong) => {
    const ids = { uuid: () => '', bytes: () => new Uint8Array(), seq: () => '' as Seq }
    const read = (row: object) =>
      feedback(clientOf(() => ({ Items: [row] })).client, 't', clock, ids).read(topic, undefined, 1)
    expect(await read(entry)).toHaveLength(1)
    await expect(read({ ...entry, ...wrong })).rejects.toThrow(`attribute ${name}`)
  })

  it('claim: seq', async () => {
    const { client } = clientOf(() => ({ Item: { seq: s('late'), expiresAt: n(1) } }))
    const unmet = new ConditionalCheckFailedException({ message: '', $metadata: {} })
    const send = async (command: object) => {
      if (command instanceof PutItemCommand) throw unmet
      return client.send(command as never)
    }
    const claim = { id: 'x' as NotificationId, deviceId: device, topic, seq: 'y' as Seq }
    const claimed = claims({ send } as unknown as DynamoDBClient, 't', clock).claim(claim)
    await expect(claimed).rejects.toThrow('attribute seq')
  })

  it('token key: keyId', async () => {
    const { client } = clientOf(() => ({ Items: [{ keyId: s('lower'), createdAt: n(0) }] }))
    const kms = {} as KMSClient
    await expect(tokenKeyStore(client, kms, 't', 'arn').list()).rejects.toThrow('attribute keyId')
  })
})
