import type { Log } from '@heliograph/aws/log'
import { writeMessage } from '@heliograph/aws/notification-queue'
import { slotOf } from '@heliograph/aws/pending-notifications'
import { type Notification, tokenFingerprint } from '@heliograph/core/notification'
import { backOffSeconds, MAX_RECEIVES } from '@heliograph/protocol/retry'
import type { DynamoDBRecord, SQSRecord } from 'aws-lambda'
import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { connectHandler } from '../../lambdas/connect/handler.ts'
import { deliverHandler } from '../../lambdas/deliver/handler.ts'
import { expireHandler } from '../../lambdas/expire/handler.ts'
import { registerHandler } from '../../lambdas/register/handler.ts'
import { unregisterHandler } from '../../lambdas/unregister/handler.ts'
import { Delivery } from '../../packages/core/test/delivery-support.ts'
import { ownCertificate } from '../../tools/simulate/ports/devices.ts'
import { FORGED_SEAL, newToken, notification, now, topicA } from '../contract/samples.ts'

/** "Each has an outcome; none stops a batch or is retried for ever." */

let world: Delivery
let lines: string[]
let log: Log

beforeEach(() => {
  world = new Delivery()
  lines = []
  const write = (message: string, fields: object = {}) => {
    lines.push(`${message} ${JSON.stringify(fields)}`)
  }
  log = { info: write, warn: write, error: write }
})

const good = (changes: Partial<Notification> = {}) => {
  const one = notification(changes)
  world.register(one.deviceId)
  return one
}

const badBodies = (): readonly (readonly [what: string, body: string])[] => {
  const { payload: _, ...withoutPayload } = notification()
  const change = (changes: object) => JSON.stringify({ ...notification(), ...changes })
  return [
    ['nothing', ''],
    ['no JSON', '{"id":'],
    ['null', 'null'],
    ['a number', '7'],
    ['a list', '[]'],
    ['the bare prefix of a slot', 'slot:'],
    ['a slot of nothing', 'slot:{}'],
    ['no payload', JSON.stringify(withoutPayload)],
    ['a payload that is not a text', change({ payload: { aps: {} } })],
    ['another form of device id', change({ deviceId: '../../etc/passwd' })],
    ['another form of seq', change({ seq: 'newest' })],
    ['an expiration that is not a number', change({ expiration: '1893459600' })],
    ['an expiration with a fraction', change({ expiration: 1.5 })],
    ['an unknown push type', change({ pushType: 'telegram' })],
    ['an unknown priority', change({ priority: 11 })],
    ['a collapse id that is not a text', change({ collapseId: 1 })],
    ['a prototype in place of a notification', '{"__proto__":{"id":"x"}}'],
  ]
}

describe('queue messages', () => {
  let putOff: { handle: string; seconds: number }[]
  const record = (body: string, id: string, receives: unknown = 1) =>
    ({
      messageId: id,
      receiptHandle: `handle of ${id}`,
      body,
      attributes: { ApproximateReceiveCount: receives },
    }) as SQSRecord

  beforeEach(() => {
    putOff = []
  })

  const ports = () => ({
    ...world.ports,
    notifications: world.ports.queue,
    deadLetters: world.ports.queue,
    chance: () => 0.5,
  })
  const run = (...Records: SQSRecord[]) =>
    deliverHandler(
      { ...ports(), isGenuine: async ({ seal }) => seal !== 'forged' },
      async ({ receiptHandle: handle }, seconds) => {
        putOff.push({ handle, seconds })
      },
      log,
    )({ Records })
  const failed = (...ids: string[]) => ({
    batchItemFailures: ids.map((itemIdentifier) => ({ itemIdentifier })),
  })

  test.each(badBodies())(
    '%s: to the dead-letter queue at once, the rest of the batch is served',
    async (_what, body) => {
      const one = good()
      const batch = [record(body, 'bad'), record(writeMessage(one, false), 'good')]
      expect(await run(...batch)).toEqual(failed('bad'))
      expect(putOff).toEqual([{ handle: 'handle of bad', seconds: 0 }])
      expect(world.kinds).toEqual(['delivered'])
    },
  )

  test('whatever a body holds, the batch goes on and no log line quotes it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string(), async (noise) => {
        const body = `${noise}#`
        const one = good()
        const batch = [record(body, 'bad'), record(writeMessage(one, false), 'good')]
        expect(await run(...batch)).toEqual(failed('bad'))
        if (noise.length > 8) expect(lines.some((line) => line.includes(noise))).toBe(false)
      }),
    )
  })

  test('any one field of a notification changed to anything: done or refused, never a fault', async () => {
    const fields = Object.keys(notification())
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...fields), fc.jsonValue(), async (field, value) => {
        const body = JSON.stringify({ ...good(), [field]: value })
        const { batchItemFailures } = await run(record(body, 'one'))
        expect(batchItemFailures.length).toBeLessThanOrEqual(1)
      }),
      { numRuns: 300 },
    )
  })

  test.each(['', 'many', '-3', undefined])(
    'a receive count of %s counts as the first',
    async (count) => {
      await run(record(writeMessage(good(), false), 'one', count))
      expect(world.kinds).toEqual(['delivered'])
    },
  )

  test('a fault of one message leaves the others alone, and backs off further each time', async () => {
    const broken = good()
    const fine = good()
    const { send } = world.ports.connections
    world.ports.connections.send = (deviceId, ...rest) =>
      deviceId === broken.deviceId ? Promise.reject(new Error('no route')) : send(deviceId, ...rest)
    const batch = (receives: number) => [
      record(writeMessage(broken, false), 'broken', receives),
      record(writeMessage(fine, false), 'fine', receives),
    ]
    expect(await run(...batch(1))).toEqual(failed('broken'))
    expect(await run(...batch(3))).toEqual(failed('broken'))
    expect(putOff.map(({ seconds }) => seconds)).toEqual([
      backOffSeconds(1, 0.5),
      backOffSeconds(3, 0.5),
    ])
    expect(world.kinds).toEqual(['delivered', 'delivered'])
  })

  test('what accept did not make is not delivered, and tried again as a fault is', async () => {
    const forged = good({ seal: 'forged' })
    const result = await run(
      record(writeMessage(forged, false), 'one'),
      record(writeMessage(good(), false), 'two'),
    )
    expect(result).toEqual(failed('one'))
    expect(world.sent).toHaveLength(1)
    expect(lines.join()).toContain('no good seal')
    expect(putOff.map(({ seconds }) => seconds)).toEqual([backOffSeconds(1, 0.5)])
  })

  test('where the back-off itself fails the message is still reported', async () => {
    world.answers = ['busy']
    const refuse = () => Promise.reject(new Error('throttled'))
    const handler = deliverHandler({ ...ports(), isGenuine: async () => true }, refuse, log)
    const records = [record(writeMessage(good(), false), 'one')]
    expect(await handler({ Records: records })).toEqual(failed('one'))
  })

  test('the last attempt that fails is said to be dead-lettered', async () => {
    world.ports.connections.send = () => Promise.reject(new Error('no route'))
    await run(record(writeMessage(good(), false), 'one', MAX_RECEIVES - 1))
    expect(world.kinds).toEqual([])
    await run(record(writeMessage(good(), false), 'one', MAX_RECEIVES))
    expect(world.kinds).toEqual(['dead-lettered'])
  })

  test('no line or event holds a payload or a whole token', async () => {
    const token = newToken()
    const secret = good({
      payload: '{"aps":{"alert":"the secret"}}',
      tokenFingerprint: tokenFingerprint(token),
    })
    world.ports.connections.send = () => Promise.reject(new Error('no route'))
    await run(record(writeMessage(secret, false), 'one', MAX_RECEIVES))
    const text = [...lines, JSON.stringify(world.outcomes)].join('\n')
    expect(text).not.toContain('the secret')
    expect(text).not.toContain(token)
  })
})

describe('stream records', () => {
  const TTL = { type: 'Service', principalId: 'dynamodb.amazonaws.com' }
  const record = (changes: object, one = notification()) =>
    ({
      eventID: 'e1',
      eventName: 'REMOVE',
      userIdentity: TTL,
      dynamodb: {
        SequenceNumber: '100',
        OldImage: slotOf(one),
      },
      ...changes,
    }) as DynamoDBRecord
  const image = (OldImage: object | undefined) => ({
    dynamodb: { SequenceNumber: '1', ...(OldImage && { OldImage }) },
  })
  const run = (...Records: DynamoDBRecord[]) => expireHandler(world.ports, log)({ Records })

  test.each([
    ['of a new slot', { eventName: 'INSERT' }],
    ['of a replaced slot', { eventName: 'MODIFY' }],
    ['of a slot that a function removed', { userIdentity: undefined }],
    ['of somebody else', { userIdentity: { ...TTL, principalId: 'else' } }],
    ['without an image', image(undefined)],
    ['without a notification', image({ deviceId: { S: 'x' } })],
    ['with a forged notification', image(slotOf(notification({ seal: FORGED_SEAL })))],
    ['with attributes of another slot', image({ ...slotOf(notification()), topic: { S: 'x.y' } })],
    ['with the seq of another', image({ ...slotOf(notification()), seq: { S: 'Z' } })],
    ['with another expiration', image({ ...slotOf(notification()), expiresAt: { N: '1' } })],
    ['with a notification that is not one', image({ notification: { S: '{}' } })],
    ['with a notification of another type', image({ notification: { N: '1' } })],
    ['that is empty', { dynamodb: undefined }],
  ])('one %s ends nothing and does not stop the batch', async (_what, changes) => {
    const result = await run(record(changes), record({}))
    expect(result).toEqual({ batchItemFailures: [] })
    expect(world.kinds).toEqual(['expired'])
  })

  test('a fault stops the batch there: what came before is not done again', async () => {
    const all = [notification(), notification(), notification()]
    const write = world.ports.feedback.write
    world.ports.feedback.write = (topic, cause, entry) =>
      entry.reason !== 'Unregistered' && entry.id === all[1]?.id
        ? Promise.reject(new Error('throttled'))
        : write(topic, cause, entry)
    const records = all.map((one, index) => {
      const { dynamodb } = record({}, one)
      return record({ dynamodb: { ...dynamodb, SequenceNumber: String(index) } })
    })
    expect(await run(...records)).toEqual({ batchItemFailures: [{ itemIdentifier: '1' }] })
    expect(world.outcomes.map(({ id }) => id)).toEqual([all[0]?.id])
  })
})

describe('rule events', () => {
  const { deviceId } = notification()
  const encode = (body: unknown) => Buffer.from(JSON.stringify(body)).toString('base64')
  const event = (changes: object = {}) => ({
    deviceId,
    clientId: deviceId,
    receivedAt: now,
    principal: ownCertificate(deviceId),
    request: encode({ topic: topicA }),
    ...changes,
  })
  const handlers = () => ({
    connect: connectHandler(world.ports, log),
    register: registerHandler(world.ports, log),
    unregister: unregisterHandler(world.ports, log),
  })

  const strangers: readonly (readonly [string, unknown])[] = [
    ['nothing', undefined],
    ['a text', 'hello'],
    ['another client', event({ clientId: '0000000000000000' })],
    ['no client', event({ clientId: undefined })],
    ['another form of device id', event({ deviceId: 'x', clientId: 'x' })],
    ['no time', event({ receivedAt: undefined })],
    ['a time that is a text', event({ receivedAt: String(now) })],
  ]

  test.each(strangers)('%s: done with, and nobody is told', async (_what, stranger) => {
    for (const handler of Object.values(handlers())) await handler(stranger)
    expect(world.told).toEqual([])
    expect(world.registry.list(deviceId)).toEqual([])
    expect(lines).toHaveLength(3)
  })

  const connections: readonly (readonly [string, object])[] = [
    ['somebody attached a certificate behind its back', { principal: 'f'.repeat(64) }],
    ['the rule names none', { principal: undefined }],
  ]

  test.each(connections)(
    'of a connection that is not the device’s own, as %s',
    async (_how, by) => {
      for (const handler of Object.values(handlers())) await handler(event(by))
      expect(world.told).toEqual([])
      expect(world.registry.list(deviceId)).toEqual([])
      expect(lines).toHaveLength(3)
    },
  )

  test('of a device that is revoked, while its connection lasts', async () => {
    world.devices.revoke(deviceId, now)
    for (const handler of Object.values(handlers())) await handler(event())
    expect(world.told).toEqual([])
    expect(world.registry.list(deviceId)).toEqual([])
  })

  const unreadable: readonly (readonly [string, unknown])[] = [
    ['no request', undefined],
    ['a request that is no base64', '!!!'],
    ['a request that is not JSON', Buffer.from('{').toString('base64')],
    ['a list', encode([])],
    ['null', encode(null)],
    ['a request of 1 MB', encode({ topic: 'x'.repeat(1_000_000) })],
  ]

  test.each(unreadable)('%s: the device hears what was wrong', async (_what, request) => {
    const { connect, register: registers, unregister: unregisters } = handlers()
    for (const handler of [connect, registers, unregisters]) await handler(event({ request }))
    expect(world.told.map(({ topic, message }) => [topic, message.reason])).toEqual([
      ['heliograph/error', 'BadRequest'],
      ['heliograph/error', 'BadTopic'],
      ['heliograph/error', 'BadTopic'],
    ])
  })

  test('foreign fields are ignored', async () => {
    const request = encode({ topic: topicA, deviceId: 'another', live: false, __proto__: { x: 1 } })
    await handlers().register(event({ request, admin: true }))
    expect(world.told).toMatchObject([{ deviceId, topic: 'heliograph/token' }])
  })

  test('any JSON at all is answered or ignored, never a fault', async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), async (body) => {
        for (const handler of Object.values(handlers()))
          await handler(event({ request: encode(body) }))
      }),
    )
  })

  test('an event that comes late, by a clock that ran backwards, undoes nothing', async () => {
    const { register: registers, unregister: unregisters } = handlers()
    await registers(event())
    await unregisters(event({ receivedAt: now - 3_600_000 }))
    expect(world.registry.find(deviceId, topicA)).toMatchObject({ live: true })
  })

  test('a fault is thrown, so that Lambda tries again', async () => {
    world.ports.registrations.change = () => Promise.reject(new Error('throttled'))
    await expect(handlers().register(event())).rejects.toThrow('throttled')
  })
})
