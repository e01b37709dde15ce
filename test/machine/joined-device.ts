import { connect, type TLSSocket } from 'node:tls'
import { generate, type IPublishPacket, type Packet, parser } from 'mqtt-packet'
import type { Member } from '../../bench/fleet.ts'

export interface Heard {
  readonly topic: string
  readonly text: string
  readonly retained: boolean
}

/** A device of little more than a socket: thousands of a whole client would crowd the process of the test. */
export class JoinedDevice {
  readonly heard: Heard[] = []
  readonly granted: number[] = []
  readonly #socket: TLSSocket
  readonly #ready: Promise<void>

  /** Connects, and subscribes to these filters at once; acknowledges whatever comes. */
  constructor({ key, activation }: Member, filters: readonly string[]) {
    const { deviceId: clientId, mqtt, certificate: cert } = activation
    const { host, port, ca } = mqtt
    this.#socket = connect({ host, port, servername: host, ca, cert, key })
    this.#socket.setNoDelay()
    const packets = parser({ protocolVersion: 4 })
    this.#socket.on('data', (chunk) => packets.parse(chunk))
    this.#ready = new Promise((resolve, reject) => {
      this.#socket.on('error', reject)
      this.#socket.once('close', () => reject(new Error(`${clientId} was disconnected`)))
      packets.on('packet', (packet) => {
        if (packet.cmd === 'connack') this.#subscribe(filters)
        else if (packet.cmd === 'publish') this.#hear(packet)
        else if (packet.cmd === 'suback') {
          this.granted.push(...packet.granted.map(Number))
          resolve()
        }
      })
    })
    // nobody may be waiting for it when the service is killed
    this.#ready.catch(() => {})
    const version = { protocolId: 'MQTT', protocolVersion: 4, clean: true } as const
    this.#say({ cmd: 'connect', ...version, clientId, keepalive: 1_200 })
  }

  /** Connected, and its SUBSCRIBE answered. */
  async ready(): Promise<this> {
    await this.#ready
    return this
  }

  /** Reads nothing from now on. */
  pause(): void {
    this.#socket.pause()
  }

  get isConnected(): boolean {
    return !this.#socket.destroyed
  }

  close(): void {
    this.#socket.destroy()
  }

  #subscribe(filters: readonly string[]): void {
    const subscriptions = filters.map((topic) => ({ topic, qos: 1 as const }))
    this.#say({ cmd: 'subscribe', messageId: 1, subscriptions })
  }

  #hear({ topic, payload, retain, qos, messageId }: IPublishPacket): void {
    this.heard.push({ topic, text: payload.toString(), retained: retain })
    if (qos > 0) this.#say({ cmd: 'puback', messageId: messageId ?? 0 })
  }

  #say(packet: Packet): void {
    this.#socket.write(generate(packet))
  }
}
