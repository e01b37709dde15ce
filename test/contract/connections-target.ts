import { IoTDataPlaneClient } from '@aws-sdk/client-iot-data-plane'
import { connections } from '@heliograph/aws/connections'
import type { Connections } from '@heliograph/core/ports'
import type { DeviceId } from '@heliograph/protocol/identifiers'
import type { DownTopic } from '@heliograph/protocol/mqtt-topic'
import {
  devicePolicy,
  makeDevice,
  type RawDevice,
  rawDevice,
  startWorld,
} from '../../packages/embedded-cloud/test/iot-support.ts'
import {
  startDeviceWorld,
  type TestDevice,
  type TestIdentity,
} from '../../packages/machine/test/device-server-support.ts'
import { Faults } from '../../tools/simulate/faults.ts'
import { type Connection, Iot } from '../../tools/simulate/iot.ts'
import { type Cloud, Environment } from '../../tools/simulate/lambda.ts'
import { Ledger } from '../../tools/simulate/ledger.ts'
import { random } from '../../tools/simulate/random.ts'
import { Scheduler } from '../../tools/simulate/scheduler.ts'
import { settingsOf } from '../../tools/simulate/settings.ts'
import { Trace } from '../../tools/simulate/trace.ts'
import { newDevice, now } from './samples.ts'

/** A message as a connected device has it, which acknowledges when told to. */
export interface Heard {
  readonly topic: string
  readonly text: string
  acknowledge(): void
}

export interface ConnectedDevice {
  readonly deviceId: DeviceId
  /** What it was sent so far, in the order of arrival. */
  heard(): readonly Heard[]
  /** Ends the connection without a word. */
  leave(): Promise<void>
}

/** Connections to hold to the contract, and the devices at their other end. */
export interface ConnectionsTarget {
  readonly connections: Connections
  connect(deviceId?: DeviceId): Promise<ConnectedDevice>
  /** A device that its policy lets connect but not receive; absent where there are no policies. */
  readonly connectDeaf?: () => Promise<ConnectedDevice>
  /** Makes the broker refuse the next message to this device for being too many. */
  throttle(device: ConnectedDevice): Promise<void>
  /** Lets time go by until the condition holds. */
  until(condition: () => boolean): Promise<void>
  /** Lets so many milliseconds go by. */
  pass(ms: number): Promise<void>
  close(): Promise<void>
}

class MemoryDevice implements ConnectedDevice {
  readonly deviceId: DeviceId
  readonly #iot: Iot
  readonly #heard: Heard[] = []

  constructor(deviceId: DeviceId, iot: Iot) {
    this.deviceId = deviceId
    this.#iot = iot
    iot.connect(this)
  }

  receive(topic: DownTopic, text: string, acknowledge: () => void): void {
    this.#heard.push({ topic, text, acknowledge })
  }

  closed(_connection: Connection): void {}

  heard(): readonly Heard[] {
    return this.#heard
  }

  async leave(): Promise<void> {
    this.#iot.drop(this.deviceId)
  }
}

const TICK_MS = 1

async function openMemory(): Promise<ConnectionsTarget> {
  const scheduler = new Scheduler(now)
  const chance = random(1)
  const trace = new Trace(scheduler, false)
  const settings = settingsOf(1, 1)
  const broker = { ...settings.broker, throttled: 1 }
  const faults = new Faults({ ...settings, crash: 0, broker }, chance)
  const ledger = new Ledger(scheduler, trace, 0)
  const cloud: Cloud = { scheduler, random: chance, faults, ledger, trace, skew: 0 }
  const iot = new Iot(cloud, broker)
  const pass = (ms: number) => scheduler.runUntil(scheduler.now + ms)
  return {
    connections: iot.connectionsOf(new Environment('contract', cloud)),
    connect: async (deviceId = newDevice()) => new MemoryDevice(deviceId, iot),
    async connectDeaf() {
      const device = new MemoryDevice(newDevice(), iot)
      iot.setRefusing(device.deviceId, true)
      return device
    },
    async throttle() {
      faults.isStormy = true
    },
    async until(condition) {
      while (!condition()) await pass(TICK_MS)
    },
    pass,
    close: async () => {},
  }
}

/** What the policy of `lib/` says of receiving, for the world of test/local. */
const hearing = JSON.parse(
  JSON.stringify(devicePolicy).replace('topic/down/*', 'topic/heliograph/*'),
)

/** Messages that a connection may owe an acknowledgement for (AWS: "IoT Core quotas"). */
const MOST_UNACKNOWLEDGED = 100

async function openEmulated(): Promise<ConnectionsTarget> {
  const world = await startWorld()
  world.iot.putPolicy('hearing', hearing)
  const known = new Map<DeviceId, Awaited<ReturnType<typeof world.device>>>()
  const open: RawDevice[] = []

  async function connect(deviceId: DeviceId, policy: string): Promise<ConnectedDevice> {
    const identity =
      known.get(deviceId) ?? (await world.register(await makeDevice(deviceId), policy))
    known.set(deviceId, identity)
    const device = await rawDevice(world.iot, world.tls, identity)
    open.push(device)
    return connectedAs(deviceId, device)
  }

  const client = new IoTDataPlaneClient({
    endpoint: world.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'operator', secretAccessKey: 'secret' },
    maxAttempts: 1,
    requestHandler: { httpAgent: { maxSockets: 2 * MOST_UNACKNOWLEDGED } },
  })
  const port = connections(client, () => {})
  const until = async (condition: () => boolean) => {
    while (!condition()) await sleep(5)
  }
  return {
    connections: port,
    connect: (deviceId = newDevice()) => connect(deviceId, 'hearing'),
    connectDeaf: () => connect(newDevice(), 'device'),
    async throttle(device) {
      for (let sent = 0; sent < MOST_UNACKNOWLEDGED; sent += 1)
        void port.send(device.deviceId, 'heliograph/notification', '{}')
      await until(() => device.heard().length === MOST_UNACKNOWLEDGED)
    },
    until,
    pass: sleep,
    async close() {
      for (const device of open) device.end()
      client.destroy()
      await world.close()
    },
  }
}

function connectedAs(deviceId: DeviceId, device: RawDevice): ConnectedDevice {
  return {
    deviceId,
    heard: () =>
      device.published.map(({ topic, text, messageId }) => ({
        topic,
        text,
        acknowledge: () => device.acknowledge(messageId),
      })),
    async leave() {
      device.end()
      await device.closed
    },
  }
}

async function openMachine(): Promise<ConnectionsTarget> {
  const world = await startDeviceWorld()
  const { connections, identities } = {
    connections: world.sessions,
    identities: new Map<DeviceId, TestIdentity>(),
  }
  const until = async (condition: () => boolean) => {
    while (!condition()) await sleep(5)
  }
  return {
    connections,
    async connect(deviceId = newDevice()) {
      const identity = identities.get(deviceId) ?? (await world.identity(deviceId))
      identities.set(deviceId, identity)
      const device = await world.connect(identity)
      await device.hello()
      return machineDevice(device)
    },
    async throttle(device) {
      for (let sent = 0; sent < MOST_UNACKNOWLEDGED; sent += 1)
        void connections.send(device.deviceId, 'heliograph/notification', '{}')
      await until(() => device.heard().length === MOST_UNACKNOWLEDGED)
    },
    until,
    pass: sleep,
    close: () => world.close(),
  }
}

function machineDevice(device: TestDevice): ConnectedDevice {
  return {
    deviceId: device.identity.deviceId,
    heard: () =>
      device.packets.flatMap((packet) =>
        packet.cmd === 'publish'
          ? {
              topic: packet.topic,
              text: packet.payload.toString(),
              acknowledge: () => device.acknowledge(packet.messageId ?? 0),
            }
          : [],
      ),
    async leave() {
      device.socket.destroy()
      await device.closed
    },
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** The broker of the simulation, aws/connections on the embedded one, and the machine's own. */
export const connectionTargets: readonly (readonly [
  name: string,
  open: () => Promise<ConnectionsTarget>,
])[] = [
  ['the simulation', openMemory],
  ['aws/ on local/iot', openEmulated],
  ['one machine', openMachine],
]
