import { readFileSync, rmSync } from 'node:fs'
import http2 from 'node:http2'
import { setTimeout as wait } from 'node:timers/promises'
import { invoke } from '@heliograph/aws/operator/functions'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makePrivateKey, makeRequest } from '../../packages/device/src/certificate.ts'
import {
  type IssuedProvider,
  issueProvider,
} from '../../packages/operator/src/operations/issue-provider.ts'
import {
  assemblyWith,
  heliographJson,
  openFor,
  openStage,
  welcomeOperator,
} from './operator-support.ts'
import {
  type Activation,
  activatePlainly,
  PlainDevice,
  postJson,
  readyDevice,
  request,
  requestOn,
  type Sent,
  startTarget,
  until,
} from './support.ts'
import type { Target } from './target.ts'

/** The bound that the tests lower to see it; 30 s in every stage. */
const TRUST_SECONDS = 1
const topic = 'com.example.app'

let target: Target
let assembly: string

beforeAll(async () => {
  assembly = assemblyWith({ TRUST_CACHE_SECONDS: String(TRUST_SECONDS) })
  target = await startTarget({ assembly })
  welcomeOperator(target)
})

afterAll(async () => {
  await target?.close()
  rmSync(assembly, { recursive: true, force: true })
})

async function newProvider(): Promise<IssuedProvider> {
  const deployment = await openFor(target)
  const issued = await issueProvider(deployment, { topics: [topic] })
  deployment.close()
  return issued
}

function connectAs({ certificatePem, keyPem }: IssuedProvider) {
  const { url, ca } = target.local.provider
  const options = { ca: readFileSync(ca), cert: certificatePem, key: keyPem }
  // every request of the support listens for errors
  return http2.connect(url, options).setMaxListeners(0)
}

const revoke = ({ fingerprint }: IssuedProvider) =>
  heliographJson<{ revokedAt: number }>(
    target,
    'provider',
    'revoke',
    fingerprint,
    '--reason',
    'keyCompromise',
  )

describe('a provider that is revoked', () => {
  it('is refused within the bound on the connection that it has, and nobody else is', async () => {
    const { device, received, token } = await readyDevice(target)
    const [revoked, kept] = [await newProvider(), await newProvider()]
    const [session, other] = [connectAs(revoked), connectAs(kept)]
    const answers: (Sent & { readonly at: number })[] = []
    let sending = true
    const stream = (async () => {
      while (sending) {
        const at = Date.now()
        answers.push({ ...(await requestOn(session, { token, topic })), at })
      }
    })()
    await until(() => answers.length >= 10 || undefined)
    expect(answers.every(({ status }) => status === 200)).toBe(true)

    const { revokedAt } = await revoke(revoked)
    const first = await until(() => answers.find(({ status }) => status === 403))
    await wait(TRUST_SECONDS * 1000)
    sending = false
    await stream

    expect(first.reason).toBe('BadCertificate')
    expect(first.headers['heliograph-detail']).toContain('revoked')
    const late = answers.filter(({ at }) => at > revokedAt + TRUST_SECONDS * 1000)
    expect(late.length).toBeGreaterThan(0)
    expect(new Set(late.map(({ status }) => status))).toEqual(new Set([403]))
    expect((await requestOn(other, { token, topic })).status).toBe(200)
    // what was answered with 200 arrives, and nothing else does
    const accepted = answers.filter(({ status }) => status === 200)
    await until(() => received.length === accepted.length + 1 || undefined)
    const ids = new Set(received.map(({ id }) => id))
    expect(accepted.every(({ headers }) => ids.has(String(headers['apns-id'])))).toBe(true)
    session.close()
    other.close()
    await device.close()
  })

  it('is refused at once by a new execution environment', async () => {
    const provider = await newProvider()
    const session = connectAs(provider)
    const token = '0'.repeat(64)
    expect((await requestOn(session, { token, topic })).reason).toBe('BadDeviceToken')
    await revoke(provider)
    await target.cloud.killWorkers('heliograph-local-accept')
    const answer = await requestOn(session, { token, topic })
    expect(answer).toMatchObject({ status: 403, reason: 'BadCertificate' })
    session.close()
  })

  it('stays revoked with the first time and reason', async () => {
    const provider = await newProvider()
    const first = await revoke(provider)
    const again = await heliographJson<{ revokedAt: number; revocationReason: string }>(
      target,
      ...['provider', 'revoke', provider.fingerprint, '--reason', 'superseded'],
    )
    expect(again).toMatchObject({ revokedAt: first.revokedAt, revocationReason: 'keyCompromise' })
  })
})

/** What a topic rule hands over in the name of a device, however late. */
async function sayLate(upstream: 'register', deviceId: string, body: object): Promise<void> {
  // one process works what a connection says before it ends the connection
  if (target.kind === 'machine') return
  const { clients, close } = await openStage(target)
  const name = `heliograph-local-${upstream}`
  const request = Buffer.from(JSON.stringify(body)).toString('base64')
  const receivedAt = Date.now() + 60_000
  await invoke(clients.lambda, name, { deviceId, clientId: deviceId, receivedAt, request })
  close()
}

describe('a device that is revoked', () => {
  it('is thrown out, cannot return, and its provider learns that the token is dead', async () => {
    const activation = await activatePlainly(target)
    const { deviceId, publish } = activation.answer
    const device = new PlainDevice(activation)
    await device.connect()
    await device.publish(publish.register, { topic })
    const token = String((await device.take('heliograph/token')).token)
    const bystander = await readyDevice(target)
    const thrownOut = new Promise<void>((resolve) => {
      device.client.once('close', () => resolve())
    })

    const revoked = await heliographJson<object>(target, 'device', 'revoke', deviceId)
    expect(revoked).toMatchObject({
      deviceId,
      certificates: 1,
      disconnected: true,
      topics: [topic],
    })
    await thrownOut
    await expect(new PlainDevice(activation).connect()).rejects.toThrow('refused')

    const answer = await until(async () => {
      const sent = await request(target, { token })
      return sent.status === 410 ? sent : undefined
    })
    expect(answer.reason).toBe('Unregistered')
    const { cert, key } = target.local.provider
    const as = ['--cert', cert, '--key', key]
    const { feedback } = await heliographJson<{ feedback: object[] }>(target, 'feedback', ...as)
    expect(feedback).toContainEqual(expect.objectContaining({ token, reason: 'Unregistered' }))
    const shown = await heliographJson<object>(target, 'device', 'show', deviceId)
    expect(shown).toMatchObject({
      device: { revokedAt: expect.any(Number) },
      presence: { connected: false },
      registrations: [{ topic, live: false }],
    })

    // a register message that a topic rule hands over late
    await sayLate('register', deviceId, { topic })
    expect(await request(target, { token })).toMatchObject({ status: 410 })
    const repeated = await heliographJson<object>(target, 'device', 'revoke', deviceId)
    expect(repeated).toMatchObject({ disconnected: false, topics: [topic] })

    expect(bystander.device.isConnected).toBe(true)
    expect((await request(target, { token: bystander.token })).status).toBe(200)
    await until(() => bystander.received[0])
    await bystander.device.close()
  })

  it('does not get another certificate with the code it came with', async () => {
    const activation = await activatePlainly(target)
    await heliographJson<object>(target, 'device', 'revoke', activation.answer.deviceId)
    const csr = await makeRequest(activation.key)
    const again = await postJson(target, { csr, activationCode: target.local.activation.code })
    expect(again.status).toBe(403)
    expect(JSON.parse(again.body)).toMatchObject({ reason: 'UsedActivationCode' })
  })
})

/** How soon a function reads its ring again (aws/token-keys: REFRESH_SECONDS), and some more. */
const REFRESH_MS = 300

async function rotate(): Promise<void> {
  await wait(REFRESH_MS)
  await heliographJson<object>(target, 'key', 'rotate')
}

/** A device that is sent to all the time, with the newest token it has. */
class Busy {
  readonly tokens: string[] = []
  readonly accepted = new Set<string>()
  readonly refused: Sent[] = []
  readonly #device: PlainDevice
  readonly #publish: Activation['publish']
  #sending: Promise<void> | undefined
  #on = true

  private constructor(device: PlainDevice, publish: Activation['publish']) {
    this.#device = device
    this.#publish = publish
  }

  static async start(): Promise<Busy> {
    const activation = await activatePlainly(target)
    const device = new PlainDevice(activation)
    const { publish } = activation.answer
    await device.connect()
    await device.publish(publish.register, { topic })
    const busy = new Busy(device, publish)
    busy.tokens.push(String((await device.take('heliograph/token')).token))
    busy.#sending = busy.#loop()
    return busy
  }

  async #loop(): Promise<void> {
    while (this.#on) await this.send(this.tokens.at(-1) ?? '')
  }

  async send(token: string): Promise<void> {
    const answer = await request(target, { token })
    if (answer.status === 200) this.accepted.add(String(answer.headers['apns-id']))
    else this.refused.push(answer)
  }

  /** Says as after a connect which token it has, and is given one under the newest key. */
  async renew(): Promise<void> {
    await this.#device.publish(this.#publish.connect, { tokens: [this.tokens.at(-1)] })
    const { renewed } = await this.#device.take('heliograph/connected')
    const [{ token }] = renewed as [{ token: string }]
    this.tokens.push(token)
  }

  async stop(): Promise<void> {
    this.#on = false
    await this.#sending
  }

  /** The ids of what arrived, once as many have. */
  async arrived(): Promise<Set<string>> {
    const notifications = () =>
      this.#device.messages.filter((message) => message.topic === 'heliograph/notification')
    const ids = () =>
      new Set(notifications().map(({ text }) => (JSON.parse(text) as { id: string }).id))
    await until(() => ids().size >= this.accepted.size || undefined).catch(() => {})
    await this.#device.close()
    return ids()
  }
}

describe('token keys', () => {
  it('rotate twice under load: nothing is lost and nothing misrouted', async () => {
    const devices = [await Busy.start(), await Busy.start()]
    for (const _ of [1, 2]) {
      await rotate()
      for (const device of devices) await device.renew()
    }
    for (const device of devices) {
      await device.stop()
      // three keys are live: tokens under the older two still work
      for (const token of device.tokens) await device.send(token)
    }
    const tokens = devices.flatMap((device) => device.tokens)
    expect(new Set(tokens).size).toBe(6)
    for (const device of devices) {
      expect(device.refused).toEqual([])
      expect(device.accepted.size).toBeGreaterThan(10)
      expect(await device.arrived()).toEqual(device.accepted)
    }
  })

  it('that are retired make their tokens BadDeviceToken', async () => {
    const { device, token } = await readyDevice(target)
    const inspect = () => heliographJson<{ key: { id: string } }>(target, 'token', 'inspect', token)
    const { key } = await inspect()
    await heliographJson<object>(target, 'key', 'rotate')
    await heliographJson<object>(target, 'key', 'retire', key.id, '--yes')
    await target.cloud.killWorkers('heliograph-local-accept')
    const answer = await request(target, { token })
    expect(answer).toMatchObject({ status: 400, reason: 'BadDeviceToken' })
    expect(await inspect()).toMatchObject({ deviceId: device.deviceId, key: { state: 'retired' } })
    await device.close()
  })
})

describe('one activation code and 50 callers at once', () => {
  interface Answer {
    readonly status: number
    readonly body: { readonly deviceId?: string; readonly reason?: string }
  }

  /** Tries again where the API asks for it. */
  async function activate(csr: string, activationCode: string): Promise<Answer> {
    for (;;) {
      const { status, body } = await postJson(target, { csr, activationCode })
      if (status !== 429 && status !== 503) return { status, body: JSON.parse(body) }
      await wait(100)
    }
  }

  async function newCode(): Promise<string> {
    const [invitation] = await heliographJson<{ code: string }[]>(target, 'device', 'invite')
    return invitation?.code ?? ''
  }

  const countDevices = async () =>
    (await heliographJson<{ devices: object[] }>(target, 'device', 'list')).devices.length

  it('yields one device for 50 keys', async () => {
    const before = await countDevices()
    const code = await newCode()
    const requests = await Promise.all(
      Array.from({ length: 50 }, () => makeRequest(makePrivateKey())),
    )
    const answers = await Promise.all(requests.map((csr) => activate(csr, code)))
    const made = answers.filter(({ status }) => status === 201)
    const others = answers.filter(({ status }) => status !== 201)
    expect(made).toHaveLength(1)
    expect(new Set(others.map(({ body }) => body.reason))).toEqual(new Set(['UsedActivationCode']))
    expect(await countDevices()).toBe(before + 1)
  })

  it('yields one device and one certificate for one key, whoever repeats', async () => {
    const before = await countDevices()
    const code = await newCode()
    const csr = await makeRequest(makePrivateKey())
    const answers = await Promise.all(Array.from({ length: 50 }, () => activate(csr, code)))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]))
    const [deviceId, ...more] = new Set(answers.map(({ body }) => body.deviceId))
    expect(more).toEqual([])
    expect(await countDevices()).toBe(before + 1)
    const shown = await heliographJson<{ device: { certificates: object[] } }>(
      target,
      ...['device', 'show', deviceId ?? ''],
    )
    expect(shown.device.certificates).toHaveLength(1)
  })
})
