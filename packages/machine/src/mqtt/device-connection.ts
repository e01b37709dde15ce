import type { TLSSocket } from 'node:tls'
import type {
  IConnectPacket,
  IPublishPacket,
  ISubscribePacket,
  IUnsubscribePacket,
  Packet,
} from 'mqtt-packet'
import { faultFields } from '../log.ts'
import type { DeviceServerContext } from './context.ts'
import { CONNECT_BYTES, READ_BYTES } from './limits.ts'
import { PacketReader } from './packet-reader.ts'
import {
  connack,
  decodePacket,
  type EndReason,
  pingresp,
  puback,
  type Refusal,
  refuseConnect,
  suback,
  unsuback,
  type Version,
} from './packets.ts'
import { Session } from './session.ts'
import { subscribe, unsubscribe } from './subscriptions.ts'

const CONNECT = 0x10
const PUBACK = 0x40
const PINGREQ = 0xc0

/** One connection from its handshake to its end: CONNECT first, then what a device may send. */
export class DeviceConnection {
  readonly #socket: TLSSocket
  readonly #context: DeviceServerContext
  readonly #reader: PacketReader
  #session: Session | undefined
  /** Requests are handled one after another, in order. */
  #work = Promise.resolve()
  #waiting = 0
  #waitingBytes = 0
  #unwrittenAnswers = 0
  #second = { from: 0, packets: 0, messages: 0, bytes: 0, filters: 0 }

  constructor(socket: TLSSocket, context: DeviceServerContext) {
    this.#socket = socket
    this.#context = context
    this.#reader = new PacketReader(context.room)
  }

  begin(): void {
    const socket = this.#socket
    const deadline = setTimeout(
      () => this.#refuse('no CONNECT in time'),
      this.#context.limits.connectMs,
    )
    socket.on('error', () => {})
    socket.on('data', (chunk: Buffer) => {
      this.#receive(chunk)
      if (this.#session) clearTimeout(deadline)
    })
    socket.once('close', () => {
      clearTimeout(deadline)
      this.#reader.end()
      if (this.#session) this.#context.sessions.forget(this.#session)
    })
  }

  #receive(chunk: Buffer): void {
    if (this.#socket.writableEnded) return
    this.#pace(chunk)
    const session = this.#session
    // almost everything that devices send: a single whole PUBACK
    if (session && chunk.length === 4 && chunk[0] === PUBACK && !this.#reader.isWithin) {
      this.#takeAcknowledgement(session, chunk)
      return
    }
    if (!session && !this.#reader.isWithin && chunk[0] !== CONNECT) {
      this.#refuse('its first packet is not CONNECT')
      return
    }
    const most = session ? this.#context.limits.packetBytes : CONNECT_BYTES
    const problem = this.#reader.read(chunk, most, (packet) => this.#take(packet))
    if (problem === 'no-room') this.#end('quotaExceeded', 'too much waits of all devices')
    else if (problem) this.#end('malformed', `a packet is ${problem}`)
  }

  /** Who sends too fast is read no further in this second: one device must not take the time of all. */
  #pace({ length }: Buffer): void {
    const second = this.#thisSecond()
    second.bytes += length + READ_BYTES
    if (second.bytes <= this.#context.limits.bytesPerSecond || this.#socket.isPaused()) return
    this.#socket.pause()
    setTimeout(() => this.#socket.resume(), 1_000 - (performance.now() % 1_000))
  }

  #take(packet: Buffer): void {
    if (this.#socket.destroyed || this.#socket.writableEnded) return
    const session = this.#session
    if (!session) {
      this.#connect(packet)
      return
    }
    session.heardAt = performance.now()
    if (packet[0] === PUBACK) this.#takeAcknowledgement(session, packet)
    else if (this.#saysTooMuch()) return
    else if (packet[0] === PINGREQ && packet.length === 2) this.#answer(pingresp)
    else this.#dispatch(session, decodePacket(packet, session.facts.version))
  }

  /** A reason code from 0x80 on says that the device does not have it; its time-out will say so [MQTT 5, 3.4.2.1]. */
  #takeAcknowledgement(session: Session, packet: Buffer): void {
    session.heardAt = performance.now()
    const isShort = packet[1] === 2
    if (!isShort && (session.facts.version === 4 || packet.length < 5)) {
      this.#end('malformed', 'a PUBACK is malformed')
      return
    }
    const isTaken = isShort || packet.readUInt8(4) < 0x80
    if (!isTaken || !session.acknowledge(packet.readUInt16BE(2))) this.#saysTooMuch()
  }

  /** Counts a packet; beyond what a device may say it is disconnected. */
  #saysTooMuch(): boolean {
    this.#thisSecond().packets += 1
    if (this.#second.packets <= this.#context.limits.packetsPerSecond) return false
    this.#end('quotaExceeded', 'it sends too much')
    return true
  }

  #connect(bytes: Buffer): void {
    const packet = decodePacket(bytes, 4)
    if (packet?.cmd !== 'connect') {
      this.#refuse('its first packet is not CONNECT')
      return
    }
    const { protocolVersion: version } = packet
    if (version !== 4 && version !== 5) {
      this.#refuse('it does not speak MQTT 3.1.1 or 5')
      return
    }
    try {
      this.#admit(packet, version)
    } catch (fault) {
      this.#context.log.error('a device cannot be admitted', faultFields(fault))
      this.#answerRefusal(version, 'unavailable', 'the store does not answer')
    }
  }

  #admit(packet: IConnectPacket, version: Version): void {
    const admitted = this.#context.admit(this.#socket)
    if ('refused' in admitted) {
      this.#answerRefusal(version, 'notAuthorized', admitted.refused)
      return
    }
    const { deviceId } = admitted
    if (packet.clientId !== deviceId) {
      this.#answerRefusal(version, 'badClientId', `the client id is not ${deviceId}`)
      return
    }
    if (packet.will) {
      this.#answerRefusal(version, 'notAuthorized', `${deviceId} has a last will`)
      return
    }
    const { limits, sessions } = this.#context
    if (sessions.count >= limits.connections && !sessions.find(deviceId)) {
      this.#answerRefusal(version, 'unavailable', 'as many devices are connected as may be')
      return
    }
    this.#context.welcome(this.#socket)
    const keepAlive = this.#keepAliveOf(packet.keepalive)
    const { receiveMaximum = 65_535 } = packet.properties ?? {}
    const connectedAt = this.#context.now()
    const facts = { ...admitted, version, keepAlive, receiveMaximum, connectedAt }
    const session = new Session(this.#socket, facts, limits)
    this.#session = session
    const maximumPacketSize = limits.packetBytes
    this.#socket.write(connack(version, { keepAlive, maximumPacketSize }))
    sessions.begin(session)
  }

  /** 0 asks for no keep-alive, and gets the longest. */
  #keepAliveOf(asked = 0): number {
    const { least, most } = this.#context.limits.keepAlive
    return asked === 0 ? most : Math.min(most, Math.max(least, asked))
  }

  #dispatch(session: Session, packet: Packet | undefined): void {
    if (!packet) {
      this.#end('malformed', 'a packet is malformed')
      return
    }
    switch (packet.cmd) {
      case 'publish':
        this.#publish(session, packet)
        return
      case 'subscribe':
        this.#subscribe(session, packet)
        return
      case 'unsubscribe':
        this.#unsubscribe(session, packet)
        return
      case 'disconnect':
        session.endReason = 'by the device'
        this.#socket.end()
        return
      default:
        this.#end('protocolError', `${packet.cmd} has no place here`)
        return
    }
  }

  #subscribe(session: Session, packet: ISubscribePacket): void {
    if (this.#asksForTooMuch(packet.subscriptions.length)) return
    const { channels } = this.#context.sessions
    const codes = subscribe(session, packet, channels)
    this.#answer(suback(session.facts.version, packet.messageId ?? 0, codes))
    channels.catchUp(session)
  }

  #unsubscribe(session: Session, packet: IUnsubscribePacket): void {
    if (this.#asksForTooMuch(packet.unsubscriptions.length)) return
    const codes = unsubscribe(session, packet, this.#context.sessions.channels)
    this.#answer(unsuback(session.facts.version, packet.messageId ?? 0, codes))
  }

  /** Every filter may bring a retained message: a device that subscribes again and again is disconnected. */
  #asksForTooMuch(filters: number): boolean {
    const { subscriptions, filtersPerSecond } = this.#context.limits
    const second = this.#thisSecond()
    second.filters += filters
    const isTooMuch = filters > subscriptions || second.filters > filtersPerSecond
    if (isTooMuch) this.#end('quotaExceeded', 'it subscribes to too much')
    return isTooMuch
  }

  #publish(session: Session, packet: IPublishPacket): void {
    const { deviceId, certificateId } = session.facts
    const upstream =
      packet.qos < 2 && !packet.retain && this.#context.upstreamOf(packet.topic, deviceId)
    if (!upstream) {
      this.#end('notAuthorized', 'it may not publish there')
      return
    }
    if (!this.#mayPublish()) return
    const message = Buffer.from(packet.payload)
    if (!this.#hasRoomFor(message)) {
      this.#end('quotaExceeded', 'too many of its requests wait')
      return
    }
    this.#hold(1, message.length)
    const receivedAt = this.#context.now()
    const upload = { upstream, deviceId, certificateId, receivedAt, message }
    this.#work = this.#work
      .then(() => this.#context.work(upload))
      // acknowledged after the work: a device repeats what was not acknowledged
      .then((worked) => {
        if (packet.qos === 1 && worked === 'done') this.#acknowledge(packet.messageId ?? 0)
      })
      .catch((fault: unknown) => {
        this.#context.log.error('a device request failed', {
          deviceId,
          upstream,
          ...faultFields(fault),
        })
        this.#socket.destroy()
      })
      .finally(() => this.#hold(-1, -message.length))
  }

  #hasRoomFor({ length }: Buffer): boolean {
    const { limits, room } = this.#context
    return (
      this.#waiting < limits.waitingRequests &&
      this.#waitingBytes + length <= limits.waitingRequestBytes &&
      room.held + length <= room.most
    )
  }

  #hold(requests: number, bytes: number): void {
    this.#waiting += requests
    this.#waitingBytes += bytes
    this.#context.room.held += bytes
  }

  #acknowledge(messageId: number): void {
    if (this.#socket.writable) this.#answer(puback(messageId))
  }

  /** A device that keeps asking and reads nothing must not fill the memory with its answers. */
  #answer(packet: Buffer): void {
    this.#unwrittenAnswers += 1
    this.#socket.write(packet, () => {
      this.#unwrittenAnswers -= 1
    })
    if (this.#unwrittenAnswers > this.#context.limits.unwrittenAnswers)
      this.#end('quotaExceeded', 'it does not read its answers')
  }

  #thisSecond() {
    const second = Math.floor(performance.now() / 1_000)
    if (this.#second.from !== second)
      this.#second = { from: second, packets: 0, messages: 0, bytes: 0, filters: 0 }
    return this.#second
  }

  /** What comes too fast is discarded without an answer, as IoT Core does. */
  #mayPublish(): boolean {
    const second = this.#thisSecond()
    second.messages += 1
    return second.messages <= this.#context.limits.messagesPerSecond
  }

  #answerRefusal(version: Version, refusal: Refusal, why: string): void {
    this.#context.refused(why)
    if (this.#socket.writable) this.#socket.end(refuseConnect(version, refusal))
    setTimeout(() => this.#socket.destroy(), 1_000).unref()
  }

  #refuse(why: string): void {
    this.#context.refused(why)
    this.#socket.destroy()
  }

  #end(reason: EndReason, why: string): void {
    const session = this.#session
    if (!session) {
      this.#refuse(why)
      return
    }
    this.#context.refused(`${session.facts.deviceId}: ${why}`)
    session.end(reason)
  }
}
