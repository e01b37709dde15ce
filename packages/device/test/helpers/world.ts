import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Device, type DeviceOptions, openDevice } from '../../src/index.ts'
import { type ActivationEndpoint, deviceId, startActivation } from './activation-endpoint.ts'
import { startBroker, type TestBroker } from './broker.ts'
import { makeCa, type TestCa } from './pki.ts'

/** A service for one device, with an empty state directory for it. */
export interface World {
  readonly ca: TestCa
  readonly broker: TestBroker
  readonly activation: ActivationEndpoint
  readonly directory: string
  open(options?: Partial<DeviceOptions>): Promise<Device>
  end(): Promise<void>
}

/** Made once per test file: a CA costs as much as all else together. */
const ca = makeCa()

export async function makeWorld(): Promise<World> {
  const broker = await startBroker(await ca)
  const activation = await startActivation(await ca, broker.port)
  const directory = await mkdtemp(join(tmpdir(), 'heliograph-sdk-'))
  const devices: Device[] = []
  return {
    ca: await ca,
    broker,
    activation,
    directory,
    async open(options = {}) {
      const device = await openDevice({
        directory,
        activation: { url: activation.url, code: 'code-1', ca: (await ca).certificate },
        random: () => 0.01,
        closeLimitMs: 100,
        ...options,
      })
      device.on('error', () => {})
      devices.push(device)
      return device
    },
    async end() {
      await Promise.all(devices.map((device) => device.close()))
      await activation.close()
      await broker.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

let made = 0

/** A notification message as the service writes it, the payload last and as text. */
export function notificationMessage(
  fields: Record<string, unknown> = {},
  payload = '{"aps":{"alert":"hi"}}',
): string {
  made++
  const head = {
    id: `00000000-0000-4000-8000-${String(made).padStart(12, '0')}`,
    topic: 'com.example.app',
    seq: `01JD${String(made).padStart(22, '0')}`,
    acceptedAt: 1_764_000_000_000 + made,
    stored: false,
    expiration: 1_766_000_000,
    priority: 10,
    pushType: 'alert',
    ...fields,
  }
  return `${JSON.stringify(head).slice(0, -1)},"payload":${payload}}`
}

export function push(world: World, message: string): void {
  world.broker.push(deviceId, 'heliograph/notification', message)
}

/** What the service answers to the requests of a device: a token that depends on the topic. */
export function answerRequests(world: World): void {
  world.broker.onPublish = ({ topic, body }, id) => {
    if (!world.broker.isConnected(id)) return
    if (topic.includes('_register/'))
      world.broker.push(id, 'heliograph/token', { topic: body.topic, token: tokenFor(body.topic) })
    if (topic.includes('_connect/'))
      world.broker.push(id, 'heliograph/connected', { accepted: [], renewed: [], rejected: [] })
  }
}

export function tokenFor(topic: unknown): string {
  return Buffer.from(String(topic)).toString('hex').padEnd(64, '0').slice(0, 64)
}
