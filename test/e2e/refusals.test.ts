import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import http2 from 'node:http2'
import {
  DeleteMessageCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs'
import { issueAuthority, issueDeviceCertificate } from '@heliograph/core/trust/certificate'
import type { DeviceId } from '@heliograph/protocol/identifiers'
import { describe, expect, it } from 'vitest'
import { issueProvider } from '../../packages/operator/src/operations/issue-provider.ts'
import { openOperator } from '../../tools/conformance/open-operator.ts'
import { sharing } from './shared-target.ts'
import {
  activatePlainly,
  clientOptions,
  PlainDevice,
  type ReadyDevice,
  readyDevice,
  request,
  requestOn,
  stateOutputs,
  until,
} from './support.ts'
import type { Target } from './target.ts'

let target: Target
let ready: ReadyDevice

sharing.beforeAll(async ({ target: shared }) => {
  target = shared
  ready = await readyDevice(target)
  return () => ready.device.close()
})

describe('a request that is not good enough', () => {
  const id = '123e4567-e89b-12d3-a456-426655440000'
  const flipped = () => (ready.token.startsWith('0') ? '1' : '0') + ready.token.slice(1)
  const cases: [string, () => Parameters<typeof request>[1], number, string][] = [
    ['a flipped bit in the token', () => ({ token: flipped() }), 400, 'BadDeviceToken'],
    ['a token cut short', () => ({ token: ready.token.slice(2) }), 400, 'BadDeviceToken'],
    ['a longer token', () => ({ token: `${ready.token}00` }), 400, 'BadDeviceToken'],
    ['a random token', () => ({ token: randomBytes(32).toString('hex') }), 400, 'BadDeviceToken'],
    ['no hex', () => ({ token: 'nothexnothex' }), 400, 'BadDeviceToken'],
    ['no token', () => ({ path: '/3/device/' }), 400, 'MissingDeviceToken'],
    ['another path', () => ({ path: `/4/device/${ready.token}` }), 404, 'BadPath'],
    ['another method', () => ({ token: ready.token, method: 'PUT' }), 405, 'MethodNotAllowed'],
    ['an empty body', () => ({ token: ready.token, body: '' }), 400, 'PayloadEmpty'],
    [
      'a body that is not JSON',
      () => ({ token: ready.token, body: '{"aps":' }),
      400,
      'PayloadEmpty',
    ],
    [
      'a body of 4,097 bytes',
      () => ({ token: ready.token, body: `{"a":"${'x'.repeat(4089)}"}` }),
      413,
      'PayloadTooLarge',
    ],
    [
      "another topic of the certificate than the token's",
      () => ({ token: ready.token, headers: { 'apns-topic': 'com.example.app.voip' } }),
      400,
      'DeviceTokenNotForTopic',
    ],
    [
      'a topic outside the certificate',
      () => ({ token: ready.token, headers: { 'apns-topic': 'com.other.app' } }),
      400,
      'BadTopic',
    ],
  ]

  it.each(cases)(
    '%s: refused in Apple’s shape, and never queued',
    async (_name, make, status, reason) => {
      const options = make()
      const accepted = acceptedCount()
      const answer = await request(target, {
        ...options,
        headers: { ...options.headers, 'apns-id': id },
      })
      expect({ status: answer.status, reason: answer.reason }).toEqual({ status, reason })
      expect(answer.headers['apns-id']).toBe(id)
      expect(answer.headers['content-type']).toBe('application/json')
      expect(answer.headers['heliograph-detail']).toBeTruthy()
      expect(acceptedCount()).toBe(accepted)
    },
  )

  function acceptedCount(): number {
    const isOurs = (line: string) => line.includes('"outcome":"accepted"') && line.includes(id)
    return target.logs.filter(isOurs).length
  }
})

describe('a provider that is not known', () => {
  it('has no conversation without a certificate', async () => {
    await expect(connectAs({})).rejects.toThrow()
  })

  it('has none with a certificate of a foreign CA, the same names on it', async () => {
    const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const publicKey = new Uint8Array(pair.publicKey.export({ type: 'spki', format: 'der' }))
    const { sign } = await import('node:crypto')
    const key = {
      algorithm: 'ECDSA-P256' as const,
      sign: async (message: Uint8Array) => new Uint8Array(sign('sha256', message, pair.privateKey)),
    }
    const validity = { notBefore: new Date(), notAfter: new Date(Date.now() + 86_400_000) }
    const serial = new Uint8Array(randomBytes(16))
    const name = 'Heliograph local provider CA'
    const authority = await issueAuthority(name, publicKey, validity, serial, key)
    const cert = await issueDeviceCertificate(
      { deviceId: 'com.example.app' as DeviceId, publicKey },
      validity,
      serial,
      { certificate: authority, key },
    )
    const privateKey = pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
    await expect(connectAs({ cert, key: privateKey })).rejects.toThrow()
  })

  it('may not send to a topic of another provider', async () => {
    const deployment = await openOperator({
      stage: target.stage,
      environment: target.cloud.environment,
    })
    const other = await issueProvider(deployment, { topics: ['com.other.app'] })
    const session = openSession({ cert: other.certificatePem, key: other.keyPem })
    const answer = await requestOn(session, { token: ready.token, topic: 'com.example.app' })
    expect(answer).toMatchObject({ status: 400, reason: 'BadTopic' })
    // the only topic of the certificate stands in for a missing header, and the token is not for it
    expect(await requestOn(session, { token: ready.token })).toMatchObject({
      status: 400,
      reason: 'DeviceTokenNotForTopic',
    })
    session.close()
    deployment.close()
  })

  function openSession(credentials: { cert?: string; key?: string }) {
    const { url, ca } = target.local.provider
    return http2.connect(url, { ca: readFileSync(ca), ...credentials })
  }

  async function connectAs(credentials: { cert?: string; key?: string }): Promise<unknown> {
    const session = openSession(credentials)
    try {
      return await requestOn(session, { token: ready.token, topic: 'com.example.app' })
    } finally {
      session.destroy()
    }
  }
})

describe('a device that is not who it says', () => {
  it('cannot connect with the client id of another', async () => {
    const intruder = new PlainDevice(await activatePlainly(target), {
      clientId: ready.device.deviceId ?? '',
    })
    await expect(intruder.connect()).rejects.toThrow()
    expect(ready.device.isConnected).toBe(true)
  })

  it("is thrown out when it publishes to another device's topic", async () => {
    const activation = await activatePlainly(target)
    const intruder = new PlainDevice(activation)
    await intruder.connect()
    const own = activation.answer.publish.unregister
    const foreign = own.replace(activation.answer.deviceId, ready.device.deviceId ?? '')
    const closed = new Promise<void>((resolve) => intruder.client.once('close', () => resolve()))
    intruder.client.publish(foreign, '{"topic":"com.example.app"}', { qos: 1 })
    await closed
    expect((await request(target, { token: ready.token })).status).toBe(200)
  })

  it('may not subscribe', async () => {
    const device = new PlainDevice(await activatePlainly(target))
    await device.connect()
    const refused = device.client.subscribeAsync('heliograph/notification', { qos: 1 })
    await expect(refused.then((granted) => granted[0]?.qos)).rejects.toThrow()
    await device.close()
  })

  it("is told that another device's token is not its own", async () => {
    const activation = await activatePlainly(target)
    const device = new PlainDevice(activation)
    await device.connect()
    await device.publish(activation.answer.publish.connect, { tokens: [ready.token, 'ff', 7] })
    expect(await device.take('heliograph/connected')).toEqual({
      accepted: [],
      renewed: [],
      rejected: [
        { token: ready.token, reason: 'NotYourToken' },
        { token: 'ff', reason: 'BadDeviceToken' },
        { token: '', reason: 'BadDeviceToken' },
      ],
    })
    await until(() => target.logs.some((line) => line.includes("another device's token")))
    await device.close()
  })

  it('is told why its requests come to nothing', async () => {
    const activation = await activatePlainly(target)
    const { publish } = activation.answer
    const device = new PlainDevice(activation)
    await device.connect()
    await device.publish(publish.register, { topic: 'com.nobody.sends' })
    expect(await device.take('heliograph/error')).toEqual({
      reason: 'UnknownTopic',
      request: { kind: 'register', topic: 'com.nobody.sends' },
    })
    await device.publish(publish.register, { topic: 'not a topic' })
    expect(await device.take('heliograph/error')).toMatchObject({ reason: 'BadTopic' })
    await device.publish(publish.connect, { tokens: 'all' })
    expect(await device.take('heliograph/error')).toMatchObject({ reason: 'BadRequest' })
    await device.client.publishAsync(publish.unregister, Buffer.from([0xff, 0]), { qos: 1 })
    expect(await device.take('heliograph/error')).toMatchObject({ reason: 'BadTopic' })
    await device.close()
  })
})

describe('a queue message that nothing can be made of', () => {
  it('is kept in the dead-letter queue', async () => {
    const sqs = new SQSClient({ ...clientOptions(target), useQueueUrlAsEndpoint: false })
    const { NotificationQueue: QueueUrl, NotificationDeadLetters: deadLetters } =
      stateOutputs(target)
    await sqs.send(
      new SendMessageCommand({ QueueUrl, MessageBody: 'no notification', MessageGroupId: 'x' }),
    )
    const { ReceiptHandle } = await until(async () => {
      const { Messages = [] } = await sqs.send(
        new ReceiveMessageCommand({ QueueUrl: deadLetters, MaxNumberOfMessages: 10 }),
      )
      return Messages.find(({ Body }) => Body === 'no notification')
    })
    await sqs.send(new DeleteMessageCommand({ QueueUrl: deadLetters, ReceiptHandle }))
    sqs.destroy()
  })
})
