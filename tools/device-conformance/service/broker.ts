import type { AddressInfo, Socket } from 'node:net'
import { createServer as createTcpServer } from 'node:net'
import { createServer, type Server, type TLSSocket } from 'node:tls'
import { MAX_FILTERS, MAX_JOINED_CHANNELS } from '@heliograph/protocol/limits'
import { channelOfTopic } from '@heliograph/protocol/mqtt-topic'
import type { IPublishPacket, ISubscribePacket, IUnsubscribePacket, Packet } from 'mqtt-packet'
import type { Authority, ServerPair } from './authority.ts'
import { type Said, Session } from './session.ts'

/**
 * What becomes of a connection. `refuse`: CONNACK with return code 5. `cut`: its end, in place of CONNACK.
 * `silent`: no CONNACK. `deaf`: no TLS at all.
 */
export type Welcome = 'accept' | 'refuse' | 'cut' | 'silent' | 'deaf'

/** The return code of a SUBACK that grants nothing [MQTT 3.1.1, 3.9.3]. */
export const FAILURE = 0x80

/** The broker of the scripted service: one port, TLS with client certificates whose dates do not matter. */
export class Broker {
  readonly #server: Server
  readonly #front = createTcpServer((socket) => this.#onSocket(socket))
  readonly #sockets = new Set<Socket>()
  readonly #authority: Authority
  readonly #kindOf: (topic: string, deviceId: string) => string | undefined
  readonly sessions: Session[] = []
  /** When each attempt to connect came in, whatever became of it. */
  readonly attempts: number[] = []
  /** What is wrong with what devices sent, whichever case it was in. */
  readonly violations: string[] = []
  welcome: Welcome = 'accept'
  /** Serial numbers that may not connect. */
  readonly revoked = new Set<string>()
  answersPings = true
  /** Whether requests get their PUBACK. */
  acknowledges = true
  /** Whether the PUBACK comes after the answer, as from a service that acknowledges what it has worked. */
  acknowledgesLast = false
  /** Whether SUBSCRIBE and UNSUBSCRIBE are answered; if not, they have no effect either. */
  answersSubscribe = true
  /** The return code for a filter [MQTT 3.1.1, 3.9.3]. */
  grant: (filter: string) => number = () => 1
  /** The message that each topic keeps for those who subscribe later. */
  readonly retained = new Map<string, string>()
  onRequest: (session: Session, said: Said) => void = () => {}

  constructor(
    authority: Authority,
    pair: ServerPair,
    kindOf: (topic: string, deviceId: string) => string | undefined,
  ) {
    this.#authority = authority
    this.#kindOf = kindOf
    this.#server = createServer({
      ...pair,
      ca: authority.certificate,
      requestCert: true,
      rejectUnauthorized: false,
    })
    this.#server.on('tlsClientError', () => {})
    this.#server.on('secureConnection', (socket) => this.#onSecure(socket))
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#front.listen(0, '127.0.0.1', resolve))
  }

  get port(): number {
    return (this.#front.address() as AddressInfo).port
  }

  /** Shows another certificate from now on. */
  show(pair: ServerPair): void {
    this.#server.setSecureContext(pair)
  }

  /** The newest connection that was accepted and is open. */
  get session(): Session | undefined {
    return this.accepted.filter(({ isOpen }) => isOpen).at(-1)
  }

  get accepted(): Session[] {
    return this.sessions.filter(({ isAccepted }) => isAccepted)
  }

  /** Cuts every connection without a word. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  async close(): Promise<void> {
    this.cut()
    await new Promise<void>((resolve) => this.#front.close(() => resolve()))
  }

  #onSocket(socket: Socket): void {
    this.attempts.push(Date.now())
    this.#sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => this.#sockets.delete(socket))
    if (this.welcome === 'cut') socket.destroy()
    else if (this.welcome !== 'deaf') this.#server.emit('connection', socket)
  }

  #onSecure(socket: TLSSocket): void {
    const { raw } = socket.getPeerCertificate()
    if (!raw || !this.#authority.hasSigned(raw)) {
      this.violations.push('a connection without a certificate of the device CA')
      return void socket.destroy()
    }
    this.sessions.push(new Session(socket, (session, packet) => this.#onPacket(session, packet)))
  }

  #onPacket(session: Session, packet: Packet): void {
    if (packet.cmd === 'connect') {
      session.connect = packet
      this.#greet(session)
    } else if (packet.cmd === 'publish') this.#onPublish(session, packet)
    else if (packet.cmd === 'pingreq' && this.answersPings) session.send({ cmd: 'pingresp' })
    else if (packet.cmd === 'subscribe') this.#onSubscribe(session, packet)
    else if (packet.cmd === 'unsubscribe') this.#onUnsubscribe(session, packet)
  }

  #greet(session: Session): void {
    if (this.welcome === 'silent' || this.welcome === 'deaf') return
    if (this.welcome === 'cut' || this.revoked.has(session.serial)) return void session.cut()
    const returnCode = this.welcome === 'refuse' ? 5 : 0
    session.isAccepted = returnCode === 0
    session.send({ cmd: 'connack', returnCode, sessionPresent: false })
    if (returnCode !== 0) session.socket.end()
  }

  #onPublish(session: Session, packet: IPublishPacket): void {
    const text = packet.payload.toString()
    const body = objectIn(text)
    const kind = this.#kindOf(packet.topic, session.deviceId)
    this.#judge(packet, kind, body)
    const said = { kind, topic: packet.topic, text, body: body ?? {}, packet, at: Date.now() }
    session.said.push(said)
    if (this.acknowledgesLast) this.onRequest(session, said)
    if (this.acknowledges && packet.qos === 1)
      session.send({ cmd: 'puback', messageId: packet.messageId ?? 0 })
    if (!this.acknowledgesLast) this.onRequest(session, said)
  }

  /** Sends what is retained at every subscription, as brokers must [MQTT-3.8.4-3]. */
  #onSubscribe(session: Session, packet: ISubscribePacket): void {
    const { messageId = 0, subscriptions } = packet
    const filters = subscriptions.map(({ topic }) => topic)
    this.#judgeFilters(session, packet)
    session.subscribed.push({ filters, messageId, at: Date.now() })
    if (!this.answersSubscribe) return
    const granted = filters.map((filter) => this.grant(filter))
    const open = filters.filter((_, index) => granted[index] !== FAILURE)
    for (const filter of open) session.filters.add(filter)
    if (session.filters.size > MAX_JOINED_CHANNELS)
      this.violations.push(`${session.filters.size} subscriptions on one connection`)
    session.send({ cmd: 'suback', messageId, granted })
    for (const topic of open) {
      const kept = this.retained.get(topic)
      if (kept !== undefined) session.push(kept, { topic, retain: true })
    }
  }

  #onUnsubscribe(session: Session, { messageId = 0, unsubscriptions }: IUnsubscribePacket): void {
    for (const filter of unsubscriptions) session.left.push(filter)
    if (!this.answersSubscribe) return
    for (const filter of unsubscriptions) session.filters.delete(filter)
    session.send({ cmd: 'unsuback', messageId, granted: [] })
  }

  #judgeFilters(session: Session, { subscriptions }: ISubscribePacket): void {
    if (session.said.length === 0) this.violations.push('a SUBSCRIBE before publish.connect')
    if (subscriptions.length > MAX_FILTERS)
      this.violations.push(`a SUBSCRIBE with ${subscriptions.length} filters`)
    for (const { topic, qos } of subscriptions) {
      if (!channelOfTopic(topic)) this.violations.push(`a SUBSCRIBE to ${topic}`)
      if (qos !== 1) this.violations.push(`a SUBSCRIBE with QoS ${qos}`)
    }
  }

  #judge(packet: IPublishPacket, kind: string | undefined, body: object | undefined): void {
    if (packet.qos !== 1) this.violations.push(`a PUBLISH with QoS ${packet.qos}`)
    if (packet.retain) this.violations.push('a retained PUBLISH')
    if (!kind) this.violations.push(`a PUBLISH to ${packet.topic}`)
    if (!body) this.violations.push(`a PUBLISH to ${packet.topic} that is no JSON object`)
  }
}

function objectIn(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}
