import { createHash, generateKeyPairSync, sign } from 'node:crypto'
import { connect, type TLSSocket } from 'node:tls'
import { deviceIdFromBytes } from '@heliograph/core/device-id'
import type { SigningKey } from '@heliograph/core/ports'
import { issueAuthority, issueDeviceCertificate } from '@heliograph/core/trust/certificate'
import type { ChannelId, DeviceId } from '@heliograph/protocol/identifiers'
import { generate, type Packet, parser } from 'mqtt-packet'
import { jsonLog } from '../src/log.ts'
import { ChannelHub, type ChannelMessage } from '../src/mqtt/channel-hub.ts'
import type { Upload } from '../src/mqtt/context.ts'
import { type DeviceServer, startDeviceServer } from '../src/mqtt/device-server.ts'
import { type DeviceLimits, deviceLimits } from '../src/mqtt/limits.ts'
import { Sessions } from '../src/mqtt/sessions.ts'
import { serverCertificate } from '../src/server/server-certificate.ts'
import { systemClock, systemIds } from '../src/world.ts'

const ids = systemIds()
const DAY_MS = 24 * 3_600_000

export interface TestAuthority {
  readonly certificate: string
  readonly key: SigningKey
}

export async function makeAuthority(name: string): Promise<TestAuthority> {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const key: SigningKey = {
    algorithm: 'ECDSA-P256',
    sign: async (message) => sign('sha256', message, privateKey),
  }
  const der = publicKey.export({ type: 'spki', format: 'der' })
  return { certificate: await issueAuthority(name, der, validity(), serial(), key), key }
}

const validity = () => ({
  notBefore: new Date(Date.now() - DAY_MS),
  notAfter: new Date(Date.now() + DAY_MS),
})

const serial = () => ids.bytes(16).with(0, 0x40)

export interface TestIdentity {
  readonly deviceId: DeviceId
  readonly certificateId: string
  readonly cert: string
  readonly key: string
}

export async function makeIdentity(
  authority: TestAuthority,
  deviceId = deviceIdFromBytes(ids.bytes(10)),
): Promise<TestIdentity> {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const der = publicKey.export({ type: 'spki', format: 'der' })
  const subject = { deviceId, publicKey: der }
  const cert = await issueDeviceCertificate(subject, validity(), serial(), authority)
  const base64 = cert.replace(/-----[^-]+-----/g, '')
  const certificateId = createHash('sha256').update(Buffer.from(base64, 'base64')).digest('hex')
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  return { deviceId, certificateId, cert, key }
}

export interface DeviceWorld {
  readonly server: DeviceServer
  readonly sessions: Sessions
  readonly authority: TestAuthority
  /** Retained messages of channels. */
  readonly retained: Map<ChannelId, ChannelMessage>
  /** What devices asked for, in its order. */
  readonly uploads: Upload[]
  readonly log: string[]
  /** What becomes of a request; may be replaced. */
  work: (upload: Upload) => Promise<void>
  /** Certificates that let nobody in. */
  readonly barred: Set<string>
  /** A device on record. */
  identity(deviceId?: DeviceId): Promise<TestIdentity>
  connect(identity: TestIdentity): Promise<TestDevice>
  close(): Promise<void>
}

export const STAGE = 'machine'

export async function startDeviceWorld(limits: Partial<DeviceLimits> = {}): Promise<DeviceWorld> {
  const [authority, serverCa] = [await makeAuthority('devices'), await makeAuthority('server')]
  const tls = await serverCertificate(['localhost'], serverCa, { clock: systemClock, ids })
  const retained = new Map<ChannelId, ChannelMessage>()
  const channels = new ChannelHub({
    limits: { ...deviceLimits, ...limits },
    now: () => Date.now(),
    retained: (channelId) => retained.get(channelId),
  })
  const sessions = new Sessions(channels)
  const known = new Map<string, string>()
  const lines: string[] = []
  const open: TestDevice[] = []
  const world: Omit<DeviceWorld, 'server'> = {
    ...{ sessions, retained, authority, uploads: [], log: lines, barred: new Set<string>() },
    work: async () => {},
    async identity(deviceId) {
      const made = await makeIdentity(authority, deviceId)
      known.set(made.certificateId, made.deviceId)
      return made
    },
    async connect(identity) {
      const device = new TestDevice(server.port, serverCa.certificate, identity)
      open.push(device)
      await device.connect()
      return device
    },
    async close() {
      for (const device of open) device.socket.destroy()
      await server.close()
    },
  }
  const server = await startDeviceServer({
    listen: { host: '127.0.0.1', port: 0 },
    ...{ tls, sessions, authorities: () => authority.certificate, stage: STAGE },
    admissions: {
      mayConnect: (deviceId, id) => known.get(id) === deviceId && !world.barred.has(id),
    },
    limits: { ...deviceLimits, ...limits },
    now: () => Date.now(),
    work: async (upload) => {
      world.uploads.push(upload)
      await world.work(upload)
      return 'done'
    },
    log: jsonLog((line) => lines.push(line)),
  })
  return Object.assign(world, { server })
}

/** An MQTT client that does exactly what it is told, and nothing else. */
export class TestDevice {
  readonly identity: TestIdentity
  readonly socket: TLSSocket
  readonly packets: Packet[] = []
  readonly closed: Promise<void>
  version: 4 | 5 = 4
  readonly #reader = parser({ protocolVersion: 4 })
  #heard: () => void = () => {}

  constructor(port: number, ca: string, identity: TestIdentity) {
    this.identity = identity
    const { cert, key } = identity
    this.socket = connect({ host: '127.0.0.1', port, servername: 'localhost', ca, cert, key })
    this.socket.on('error', () => {})
    this.socket.on('data', (bytes) => this.#reader.parse(bytes))
    this.#reader.on('packet', (packet) => {
      this.packets.push(packet)
      this.#heard()
    })
    this.closed = new Promise((resolve) => this.socket.once('close', () => resolve()))
  }

  /** Resolves when the TLS handshake has ended, or failed. */
  async connect(): Promise<void> {
    await Promise.race([new Promise((go) => this.socket.once('secureConnect', go)), this.closed])
  }

  /** Sends CONNECT and waits for CONNACK; resolves to its code, or `closed`. */
  async hello(
    change: Partial<Parameters<typeof connectPacket>[1]> = {},
  ): Promise<number | 'closed'> {
    const packet = connectPacket(this.identity.deviceId, change)
    this.version = packet.protocolVersion ?? 4
    if (this.version === 5) Object.assign(this.#reader, { settings: { protocolVersion: 5 } })
    this.send(packet)
    const answer = await this.next('connack')
    if (answer === 'closed') return answer
    const { returnCode, reasonCode } = answer as { returnCode?: number; reasonCode?: number }
    return returnCode ?? reasonCode ?? -1
  }

  send(packet: Packet): void {
    this.socket.write(generate(packet, { protocolVersion: this.version }))
  }

  publish(topic: string, payload: string, messageId = 1): void {
    this.send({ cmd: 'publish', topic, payload, messageId, qos: 1, dup: false, retain: false })
  }

  acknowledge(messageId: number): void {
    this.send({ cmd: 'puback', messageId })
  }

  /** From now on it acknowledges whatever comes. */
  acknowledgesAll(): void {
    this.#reader.on('packet', (packet) => {
      if (packet.cmd === 'publish' && packet.qos === 1) this.acknowledge(packet.messageId ?? 0)
    })
  }

  /** The first packet of a kind, once it has come. */
  async next(cmd: Packet['cmd'], count = 1): Promise<Packet | 'closed'> {
    for (;;) {
      const found = this.packets.filter((packet) => packet.cmd === cmd)[count - 1]
      if (found) return found
      const heard = new Promise<'heard'>((resolve) => {
        this.#heard = () => resolve('heard')
      })
      const what = await Promise.race([heard, this.closed.then(() => 'closed' as const)])
      if (what === 'closed') return this.packets.filter((one) => one.cmd === cmd)[count - 1] ?? what
    }
  }
}

interface ConnectChange {
  readonly clientId?: string
  readonly protocolVersion?: 4 | 5
  readonly keepalive?: number
  readonly will?: { topic: string; payload: string }
  readonly properties?: { readonly receiveMaximum?: number }
}

function connectPacket(deviceId: string, change: ConnectChange) {
  return {
    ...{ cmd: 'connect' as const, clientId: deviceId, protocolVersion: 4 as 4 | 5 },
    ...{ protocolId: 'MQTT' as const, clean: true, keepalive: 60 },
    ...change,
  }
}
