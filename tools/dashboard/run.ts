import { mkdtempSync, readFileSync } from 'node:fs'
import http2 from 'node:http2'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { GetQueueAttributesCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs'
import { type Device, openDevice } from '@heliograph/device'
import type { LocalFile } from '../../bin/demo.ts'
import type { Cloud } from '../../packages/embedded-cloud/src/cloud.ts'
import type { Metrics } from './metrics.ts'

/** Seconds of the run, and of one point in the picture: a point stands for a minute. */
export const RUN_SECONDS = 110
export const POINT_SECONDS = 2

const TOPIC = 'com.example.app'
const CALLS = 'com.example.app.voip'
const DEVICES = 14

export interface Scene {
  readonly cloud: Cloud
  readonly local: LocalFile
  readonly state: string
  readonly metrics: Metrics
}

/** A device that comes and goes. */
class Phone {
  readonly directory: string
  readonly tokens = new Map<string, string>()
  readonly #scene: Scene
  #device: Device | undefined

  constructor(scene: Scene) {
    this.#scene = scene
    this.directory = mkdtempSync(join(scene.state, 'phone-'))
  }

  get online(): boolean {
    return this.#device !== undefined
  }

  async come(): Promise<void> {
    const { url, ca, code } = this.#scene.local.activation
    const activation = { url, code, ca: readFileSync(ca, 'utf8') }
    const device = await openDevice({ directory: this.directory, activation })
    device.onNotification(() => {})
    await device.connect()
    this.#scene.metrics.add({ ...connects, value: 1, time: Date.now() })
    this.#device = device
  }

  async register(topic: string): Promise<void> {
    this.tokens.set(topic, (await this.#device?.register(topic)) ?? '')
  }

  /** The token stays known to the provider, who keeps sending to it. */
  async unregister(topic: string): Promise<void> {
    await this.#device?.unregister(topic)
  }

  async go(): Promise<void> {
    await this.#device?.close()
    this.#device = undefined
  }
}

const connects = {
  namespace: 'AWS/IoT',
  name: 'Connect.Success',
  dimensions: { Protocol: 'MQTT' },
} as const

/** A provider on one connection that counts the answers as API Gateway would. */
class Provider {
  readonly #session: http2.ClientHttp2Session
  readonly #count: (name: 'Count' | '4xx' | '5xx', value: number) => void

  constructor({ local, metrics }: Scene, apiId: string) {
    const { url, ca, cert, key } = local.provider
    const files = { ca: readFileSync(ca), cert: readFileSync(cert), key: readFileSync(key) }
    this.#session = http2.connect(url, files)
    const edge = { namespace: 'AWS/ApiGateway', dimensions: { ApiId: apiId } }
    this.#count = (name, value) => metrics.add({ ...edge, name, value, time: Date.now() })
  }

  send(token: string, headers: Readonly<Record<string, string>> = {}): Promise<void> {
    return new Promise((resolve, reject) => {
      const stream = this.#session.request({
        ':method': 'POST',
        ':path': `/3/device/${token}`,
        'apns-topic': TOPIC,
        ...headers,
      })
      stream.on('response', ({ ':status': status = 0 }) => this.#answered(status))
      stream.on('error', reject)
      stream.on('close', resolve)
      stream.resume()
      stream.end('{"aps":{"alert":"hello"}}')
    })
  }

  close(): void {
    this.#session.close()
  }

  #answered(status: number): void {
    this.#count('Count', 1)
    this.#count('4xx', status >= 400 && status < 500 ? 1 : 0)
    this.#count('5xx', status >= 500 ? 1 : 0)
  }
}

/**
 * A bit of everything that the dashboard shows: steady traffic, devices that are away and come
 * back, short-lived notifications, repeats, withdrawn apps, a burst, and a message nobody can read.
 *
 * @returns when the traffic began, in milliseconds since the epoch.
 */
export async function livelyRun(scene: Scene): Promise<number> {
  const phones = Array.from({ length: DEVICES }, () => new Phone(scene))
  for (const phone of phones) await introduce(phone, phones.indexOf(phone))
  const provider = new Provider(scene, edgeOf(scene.cloud))
  const started = Date.now()
  const sampler = new Sampler(scene)
  const story = [
    traffic(phones, provider),
    at(18, () => all(phones.slice(0, 6), (phone) => phone.go())),
    at(28, () => repeats(phones.slice(8), provider)),
    at(48, () => oneByOne(phones.slice(0, 6), (phone) => phone.come())),
    at(60, () => all(phones.slice(6, 8), (phone) => phone.unregister(TOPIC))),
    at(74, () => burst(phones.slice(8), provider)),
    at(84, () => sampler.sendUnreadable()),
    at(88, () => all(phones.slice(0, 2), (phone) => phone.go())),
    at(98, () => oneByOne(phones.slice(0, 2), (phone) => phone.come())),
  ]
  await Promise.all(story)
  await sampler.close()
  provider.close()
  await all(phones, (phone) => phone.go())
  return started
}

async function introduce(phone: Phone, index: number): Promise<void> {
  await phone.come()
  await phone.register(TOPIC)
  if (index % 4 === 0) await phone.register(CALLS)
}

async function at(second: number, act: () => Promise<void>): Promise<void> {
  await wait(second * 1000)
  await act()
}

async function all(phones: readonly Phone[], act: (phone: Phone) => Promise<void>): Promise<void> {
  await Promise.all(phones.map(act))
}

async function oneByOne(phones: readonly Phone[], act: (phone: Phone) => Promise<void>) {
  for (const phone of phones) {
    await act(phone)
    await wait(800)
  }
}

/** One of the devices that go away; meanwhile it is rarely sent anything, and nothing that lasts. */
const SELDOM = 5

/** Twelve to twenty a second, in waves, to one device after another. */
async function traffic(phones: readonly Phone[], provider: Provider): Promise<void> {
  const end = Date.now() + RUN_SECONDS * 1000
  const sent: Promise<void>[] = []
  for (let n = 0; Date.now() < end; n++) {
    const index = (n * 5) % phones.length
    const phone = phones[index]
    const brief = index === SELDOM && !phone?.online
    if (phone && (!brief || n % (3 * phones.length) === 1))
      sent.push(sendTo(phone, n, brief, provider))
    await wait(1000 / (16 + 4 * Math.sin(n / 60)))
  }
  await Promise.all(sent)
}

function sendTo(phone: Phone, n: number, brief: boolean, provider: Provider): Promise<void> {
  const topic = n % 7 === 0 && phone.tokens.has(CALLS) ? CALLS : TOPIC
  const inTwoSeconds = String(Math.floor(Date.now() / 1000) + 2)
  return provider.send(phone.tokens.get(topic) ?? '', {
    ...(topic === CALLS && { 'apns-topic': CALLS, 'apns-push-type': 'voip' }),
    ...(brief && { 'apns-expiration': inTwoSeconds }),
  })
}

/** Three seconds of ten times as much. */
async function burst(phones: readonly Phone[], provider: Provider): Promise<void> {
  const sent: Promise<void>[] = []
  for (let n = 0; n < 150; n++) {
    sent.push(provider.send(phones[n % phones.length]?.tokens.get(TOPIC) ?? ''))
    await wait(20)
  }
  await Promise.all(sent)
}

/** What a provider repeats under the same `apns-id` is accepted and not sent twice. */
async function repeats(phones: readonly Phone[], provider: Provider): Promise<void> {
  for (const [index, { tokens }] of phones.entries()) {
    const id = `00000000-0000-4000-8000-00000000000${index}`
    for (let n = 0; n < 4; n++) {
      await provider.send(tokens.get(TOPIC) ?? '', { 'apns-id': id })
      await wait(150)
    }
  }
}

function edgeOf(cloud: Cloud): string {
  const outputs = Object.entries(cloud.stackOutputs()[`Heliograph-local-Providers`] ?? {})
  const [, id] = outputs.find(([key]) => key.startsWith('ExportsOutputRefEdgeApi')) ?? []
  if (!id) throw new Error('the provider stack exports no API')
  return id
}

const SAMPLE_MS = 500

const depths = {
  ApproximateNumberOfMessages: 'ApproximateNumberOfMessagesVisible',
  ApproximateNumberOfMessagesNotVisible: 'ApproximateNumberOfMessagesNotVisible',
} as const

/** Asks the queues how deep they are, and the cloud how often it ran each function. */
class Sampler {
  readonly #scene: Scene
  readonly #client: SQSClient
  readonly #queues: readonly string[]
  readonly #stop = new AbortController()
  readonly #sampling: Promise<void>
  #runs: Readonly<Record<string, number>>

  constructor(scene: Scene) {
    const { cloud } = scene
    const { AWS_ACCESS_KEY_ID: accessKeyId = '', AWS_SECRET_ACCESS_KEY: secretAccessKey = '' } =
      cloud.environment
    this.#scene = scene
    this.#client = new SQSClient({
      ...{ endpoint: cloud.endpoint, region: cloud.identity.region },
      credentials: { accessKeyId, secretAccessKey },
    })
    const outputs = cloud.stackOutputs()['Heliograph-local-State'] ?? {}
    const names = ['NotificationQueue', 'NotificationDeadLetters', 'EventDeadLetters', 'RuleErrors']
    this.#queues = names.map((name) => outputs[name] ?? '')
    this.#runs = cloud.invocations()
    this.#sampling = this.#sample()
  }

  async close(): Promise<void> {
    this.#stop.abort()
    await this.#sampling
    this.#client.destroy()
  }

  /** Goes to the dead letters, after as many receipts as the queue allows. */
  async sendUnreadable(): Promise<void> {
    const [QueueUrl] = this.#queues
    await this.#client.send(new SendMessageCommand({ QueueUrl, MessageBody: 'nobody wrote this' }))
  }

  async #sample(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await Promise.all(this.#queues.map((url) => this.#depth(url)))
      this.#invocations()
      this.#scene.metrics.add({ ...connects, value: 0, time: Date.now() })
      await wait(SAMPLE_MS, undefined, { signal: this.#stop.signal }).catch(() => {})
    }
  }

  async #depth(QueueUrl: string): Promise<void> {
    const names = Object.keys(depths) as (keyof typeof depths)[]
    const { Attributes = {} } = await this.#client.send(
      new GetQueueAttributesCommand({ QueueUrl, AttributeNames: names }),
    )
    const dimensions = { QueueName: QueueUrl.split('/').at(-1) ?? '' }
    for (const name of names) {
      const value = Number(Attributes[name])
      const metric = { namespace: 'AWS/SQS', name: depths[name], dimensions }
      this.#scene.metrics.add({ ...metric, value, time: Date.now() })
    }
  }

  #invocations(): void {
    const now = this.#scene.cloud.invocations()
    for (const [FunctionName, count] of Object.entries(now)) {
      const value = count - (this.#runs[FunctionName] ?? 0)
      const metric = { namespace: 'AWS/Lambda', name: 'Invocations', dimensions: { FunctionName } }
      this.#scene.metrics.add({ ...metric, value, time: Date.now() })
    }
    this.#runs = now
  }
}
