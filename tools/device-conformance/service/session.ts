import { X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import {
  generate,
  type IConnectPacket,
  type IPublishPacket,
  type Packet,
  parser,
} from 'mqtt-packet'

/** What the device published, read. */
export interface Said {
  /** Of the topics that the activation named; undefined: another one. */
  readonly kind: string | undefined
  readonly topic: string
  readonly text: string
  /** Empty where it is not a JSON object. */
  readonly body: Readonly<Record<string, unknown>>
  readonly packet: IPublishPacket
  readonly at: number
}

export interface Push {
  /** Default `heliograph/notification`. */
  readonly topic?: string
  /** Default 1. */
  readonly qos?: 0 | 1
  readonly dup?: boolean
  /** The broker had kept it, and sends it because of a new subscription. */
  readonly retain?: boolean
}

/** A SUBSCRIBE. */
export interface Subscribed {
  readonly filters: readonly string[]
  readonly messageId: number
  readonly at: number
}

/** One connection of a device, as it looked inside the TLS. */
export class Session {
  readonly socket: TLSSocket
  readonly at = Date.now()
  readonly certificate: X509Certificate
  connect: IConnectPacket | undefined
  readonly packets: Packet[] = []
  readonly said: Said[] = []
  /** Message ids in the order in which they were acknowledged. */
  readonly acknowledged: number[] = []
  readonly subscribed: Subscribed[] = []
  /** Topic filters in UNSUBSCRIBEs, in order. */
  readonly left: string[] = []
  /** Topic filters that are subscribed to now. */
  readonly filters = new Set<string>()
  isOpen = true
  /** The broker has sent CONNACK, and it was no refusal. */
  isAccepted = false
  endedAt: number | undefined
  #nextId = 0
  readonly #parser = parser({ protocolVersion: 4 })

  constructor(socket: TLSSocket, onPacket: (session: Session, packet: Packet) => void) {
    this.socket = socket
    this.certificate = new X509Certificate(socket.getPeerCertificate().raw)
    socket.setNoDelay(true)
    this.#parser.on('packet', (packet: Packet) => {
      this.packets.push(packet)
      if (packet.cmd === 'puback') this.acknowledged.push(packet.messageId ?? 0)
      onPacket(this, packet)
    })
    this.#parser.on('error', () => socket.destroy())
    socket.on('data', (chunk: Buffer) => this.#parser.parse(chunk))
    socket.on('error', () => {})
    socket.on('close', () => {
      this.isOpen = false
      this.endedAt = Date.now()
    })
  }

  get deviceId(): string {
    return this.connect?.clientId ?? ''
  }

  /** As hexadecimal digits. */
  get serial(): string {
    return this.certificate.serialNumber
  }

  send(packet: Packet): void {
    if (this.isOpen) this.socket.write(generate(packet))
  }

  /** Sends a message to the device as SendDirectMessage does; returns its message id. */
  push(
    message: string | object | Buffer,
    { topic, qos = 1, dup = false, retain = false }: Push = {},
  ): number {
    const isText = typeof message === 'string' || Buffer.isBuffer(message)
    this.#nextId = (this.#nextId % 65_535) + 1
    this.send({
      cmd: 'publish',
      topic: topic ?? 'heliograph/notification',
      payload: isText ? message : JSON.stringify(message),
      ...{ qos, dup, retain },
      ...(qos === 0 ? {} : { messageId: this.#nextId }),
    })
    return this.#nextId
  }

  hasAcknowledged(messageId: number): boolean {
    return this.acknowledged.includes(messageId)
  }

  /** All that was published of one kind. */
  requests(kind: string): Said[] {
    return this.said.filter((one) => one.kind === kind)
  }

  count(cmd: Packet['cmd']): number {
    return this.packets.filter((packet) => packet.cmd === cmd).length
  }

  /** Ends the connection without a word. */
  cut(): void {
    this.socket.destroy()
  }
}
