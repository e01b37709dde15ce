import type { AddressInfo } from 'node:net'
import { Duplex, Transform } from 'node:stream'
import { createServer, type Server, type TLSSocket } from 'node:tls'
import { Aedes } from 'aedes'
import type { TestCa } from './pki.ts'
import { until } from './wait.ts'

/** MQTT 3.1.1, table 2.1 */
const PUBACK = 4
const PINGREQ = 12
const DISCONNECT = 14

export interface Packet {
  readonly type: number
  readonly body: Buffer
}

/** One connection as it looked on the wire, inside the TLS. */
export interface Wire {
  readonly socket: TLSSocket
  readonly servername: string
  /** Serial number of the client's certificate. */
  readonly serial: string
  readonly packets: Packet[]
}

export interface Published {
  readonly topic: string
  readonly body: Record<string, unknown>
}

/** A broker over TLS that asks for client certificates, with a tap on what clients send. */
export interface TestBroker {
  readonly port: number
  readonly wires: readonly Wire[]
  readonly published: readonly Published[]
  /** Client ids that may not connect. */
  readonly refused: Set<string>
  /** Serial numbers of certificates that may not connect. */
  readonly revoked: Set<string>
  onPublish: (message: Published, deviceId: string) => void
  /** Sends a message as SendDirectMessage does (QoS 1, no subscription). */
  push(deviceId: string, topic: string, message: string | object): void
  /** Sends a message to all who have subscribed, and retains it for those who subscribe later. */
  publish(topic: string, message: string, retain: boolean): Promise<void>
  /** Topic filters that nobody may subscribe to. */
  readonly denied: Set<string>
  /** Message ids the device has acknowledged on its newest connection. */
  acknowledged(): number[]
  isConnected(deviceId: string): boolean
  /** Cuts every connection without a DISCONNECT. */
  cut(): void
  close(): Promise<void>
}

export async function startBroker(ca: TestCa, port = 0): Promise<TestBroker> {
  const aedes = await Aedes.createBroker()
  const wires: Wire[] = []
  const published: Published[] = []
  const server = createServer({
    ...ca.server,
    ca: ca.certificate,
    requestCert: true,
    rejectUnauthorized: true,
  })
  server.on('tlsClientError', () => {})
  server.on('secureConnection', (socket) => {
    socket.setNoDelay(true)
    const serial = socket.getPeerCertificate().serialNumber
    if (broker.revoked.has(serial)) return socket.destroy()
    const wire = { socket, serial, servername: String(socket.servername), packets: [] }
    wires.push(wire)
    aedes.handle(tapped(socket, wire.packets))
  })
  aedes.authenticate = (client, _user, _password, done) => {
    done(null, !broker.refused.has(client.id))
  }
  aedes.authorizeSubscribe = (_client, subscription, done) => {
    done(null, broker.denied.has(subscription.topic) ? null : subscription)
  }
  aedes.on('publish', (packet, client) => {
    if (!client) return
    const message = { topic: packet.topic, body: JSON.parse(packet.payload.toString()) }
    published.push(message)
    broker.onPublish(message, client.id)
  })
  const clientOf = (id: string) =>
    (aedes as unknown as { clients: Record<string, PushClient> }).clients[id]
  await listen(server, port)
  const broker: TestBroker = {
    port: (server.address() as AddressInfo).port,
    wires,
    published,
    refused: new Set(),
    revoked: new Set(),
    onPublish: () => {},
    push(deviceId, topic, message) {
      const payload = typeof message === 'string' ? message : JSON.stringify(message)
      const client = clientOf(deviceId)
      if (!client) throw new Error(`${deviceId} is not connected`)
      client.publish(
        { cmd: 'publish', topic, payload, qos: 1, retain: false, dup: false },
        () => {},
      )
    },
    publish: (topic, payload, retain) =>
      new Promise((resolve, reject) =>
        aedes.publish({ cmd: 'publish', topic, payload, qos: 1, retain, dup: false }, (error) =>
          error ? reject(error) : resolve(),
        ),
      ),
    denied: new Set(),
    acknowledged: () => acknowledgedIds(wires.at(-1)?.packets ?? []),
    isConnected: (deviceId) => clientOf(deviceId) !== undefined,
    cut: () => wires.forEach(({ socket }) => void socket.destroy()),
    async close() {
      broker.cut()
      await new Promise<void>((resolve) => aedes.close(() => resolve()))
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
  return broker
}

interface PushClient {
  publish(packet: object, done: () => void): void
}

export const sawPing = ({ packets }: Wire) => packets.some(({ type }) => type === PINGREQ)
export const sawDisconnect = ({ packets }: Wire) => packets.some(({ type }) => type === DISCONNECT)

/** The bytes of the CONNECT packet, without its fixed header. */
export const connectPacket = ({ packets }: Wire) => packets[0]?.body ?? Buffer.alloc(0)

export function waitForDevice(broker: TestBroker, deviceId: string): Promise<boolean> {
  return until(() => broker.isConnected(deviceId), `${deviceId} connected`)
}

function acknowledgedIds(packets: readonly Packet[]): number[] {
  return packets.filter(({ type }) => type === PUBACK).map(({ body }) => body.readUInt16BE(0))
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve) => server.listen(port, '127.0.0.1', resolve))
}

/** The same stream, with every packet from the client noted as it passes. */
function tapped(socket: TLSSocket, packets: Packet[]): Duplex {
  let rest: Buffer = Buffer.alloc(0)
  const tap = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      rest = cutPackets(Buffer.concat([rest, chunk]), packets)
      done(null, chunk)
    },
  })
  socket.pipe(tap)
  const duplex = Duplex.from({ readable: tap, writable: socket })
  socket.on('error', () => {})
  socket.on('close', () => duplex.destroy())
  duplex.on('error', () => {})
  return duplex
}

/** Moves whole packets out of the buffer and returns what is left (MQTT 3.1.1, 2.2.3). */
function cutPackets(bytes: Buffer, packets: Packet[]): Buffer {
  let at = 0
  for (;;) {
    let length = 0
    let shift = 0
    let body = at + 1
    for (;;) {
      const byte = bytes[body++]
      if (byte === undefined) return bytes.subarray(at)
      length |= (byte & 0x7f) << shift
      shift += 7
      if (byte < 0x80) break
    }
    if (bytes.length < body + length) return bytes.subarray(at)
    packets.push({ type: (bytes[at] ?? 0) >> 4, body: bytes.subarray(body, body + length) })
    at = body + length
  }
}
