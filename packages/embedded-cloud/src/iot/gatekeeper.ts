import { randomUUID } from 'node:crypto'
import type { AuthenticateError, Client, PublishPacket } from 'aedes'
import type { Log } from '../types.ts'
import {
  type AedesClient,
  dropWill,
  type IncomingPacket,
  interceptPackets,
} from './aedes-client.ts'
import type { Authority } from './authority.ts'
import type { Connections } from './connections.ts'
import { certificateProblem } from './door.ts'
import { clientIdProblem, limits, topicProblem } from './limits.ts'
import type { Message } from './message.ts'
import { type PresenceEvent, presenceEvents } from './presence.ts'
import type { Certificate, Registry } from './registry.ts'
import type { RetainedMessages } from './retained.ts'
import { addressesOf, type DisconnectReason, Session } from './session.ts'

export interface GatekeeperOptions {
  readonly authority: Authority
  readonly registry: Registry
  readonly connections: Connections
  readonly retained: RetainedMessages
  /** In and out, per connection. */
  readonly messagesPerSecond: number
  readonly log: Log
  now(): number
  /** Gets every message that may be published; a PUBACK goes out when it returns. */
  accept(message: Message): void
  announce(event: PresenceEvent): void
}

/** A refused CONNECT with its CONNACK return code [MQTT-3.2.2-5]. */
export function refusalWith(returnCode: 2 | 3 | 5): AuthenticateError {
  return Object.assign(new Error('The connection is refused.'), { returnCode })
}

/** What a device may do, decided when aedes asks. */
export class Gatekeeper {
  /** The certificate id of each connection. */
  readonly certificates = new WeakMap<Client, string>()
  readonly #keepAlive = new WeakMap<Client, number>()
  readonly #sessions = new WeakMap<Client, Session>()
  readonly #options: GatekeeperOptions

  constructor(options: GatekeeperOptions) {
    this.#options = options
  }

  noteKeepAlive(client: Client, seconds: number): void {
    this.#keepAlive.set(client, seconds)
  }

  /** Checks certificate, client id and policy, and ends an older connection of the same client id. */
  async connect(client: AedesClient): Promise<AuthenticateError | undefined> {
    const { connections, log } = this.#options
    const certificate = this.#certificateOf(client)
    if (certificate === undefined) return refusalWith(5)
    const problem = clientIdProblem(client.id)
    if (problem !== undefined) {
      log('iot', `A device was refused: ${problem}`)
      return refusalWith(2)
    }
    const session = this.#newSession(client, certificate)
    if (!session.permits(this.#options.authority, 'iot:Connect', 'client', client.id))
      return this.#refuseConnect(session)
    this.#sessions.set(client, session)
    const previous = connections.live(client.id)
    if (previous !== undefined) await this.disconnect(previous, 'DUPLICATE_CLIENTID', true)
    return undefined
  }

  /** The certificate of a connection, as long as it lets devices in. */
  #certificateOf(client: Client): Certificate | undefined {
    const { registry, now } = this.#options
    const certificate = registry.certificate(this.certificates.get(client) ?? '')
    if (certificate === undefined) return undefined
    return certificateProblem(certificate, now()) === undefined ? certificate : undefined
  }

  #newSession(client: AedesClient, certificate: Certificate): Session {
    const arrival = {
      clientId: client.id,
      sourceIp: client.conn.remoteAddress ?? '',
      persistent: !client.clean,
      lastWill: client._will !== undefined && client._will !== null,
    }
    const facts = {
      id: randomUUID(),
      clientId: client.id,
      principal: this.#options.authority.principalOf(certificate, arrival),
      clean: client.clean,
      keepAliveSeconds: this.#keepAlive.get(client) ?? 0,
      addresses: addressesOf(client),
    }
    return new Session(client, facts, this.#options.messagesPerSecond)
  }

  #refuseConnect({ facts }: Session): AuthenticateError {
    const { log, announce, now } = this.#options
    const text = `no policy of certificate ${facts.principal.certificateId} allows iot:Connect`
    log('iot', `AUTHORIZATION_FAILURE: ${text} as ${facts.clientId}.`)
    announce(presenceEvents.connectFailed(facts, now()))
    return refusalWith(5)
  }

  /** The CONNACK is out: from here on the device can be sent to. */
  begin(client: AedesClient): void {
    const session = this.#sessions.get(client)
    if (session === undefined || client.closed || client.conn.destroyed) return
    // It may have been revoked since `connect`, when there was no session yet to end.
    if (this.#certificateOf(client) === undefined) {
      client.close()
      return
    }
    client.conn.once('close', () => this.#options.connections.end(session, 'CONNECTION_LOST'))
    interceptPackets(client, (packet) => this.#consume(session, packet))
    this.#options.connections.begin(session)
  }

  #consume(session: Session, packet: IncomingPacket): boolean {
    if (packet.cmd === 'puback') return session.acknowledge(packet.messageId ?? 0)
    if (packet.cmd === 'subscribe') return this.#refuseLarge(session, packet)
    if (packet.cmd === 'unsubscribe')
      for (const filter of packet.unsubscriptions ?? []) session.filters.delete(filter)
    if (packet.cmd === 'disconnect') session.endReason ??= 'CLIENT_INITIATED_DISCONNECT'
    if (packet.cmd !== 'publish' || session.allowance.take(this.#options.now())) return false
    this.#options.log('iot', `THROTTLED: a message from ${session.clientId} was discarded.`)
    return true
  }

  /** Quota: filters in one SUBSCRIBE. */
  #refuseLarge(session: Session, { subscriptions = [] }: IncomingPacket): boolean {
    if (subscriptions.length <= limits.filtersPerSubscribe) return false
    const text = `it subscribes to more than ${limits.filtersPerSubscribe} filters at once.`
    this.#refuse(session, 'CLIENT_ERROR', text)
    session.client.close()
    return true
  }

  /** Hands a permitted message to the rules; an error closes the connection, as AWS does for 3.1.1. */
  publish(client: Client | null, packet: PublishPacket): Error | null {
    const session = client === null ? undefined : this.#sessions.get(client)
    if (session === undefined) return new Error('Nobody is known to publish this.')
    const problem = packetProblem(packet)
    if (problem !== undefined) return this.#refuse(session, 'CLIENT_ERROR', problem)
    const actions = packet.retain ? ['iot:Publish', 'iot:RetainPublish'] : ['iot:Publish']
    const denied = actions.find(
      (action) => !session.permits(this.#options.authority, action, 'topic', packet.topic),
    )
    if (denied !== undefined) {
      const text = `AUTHORIZATION_FAILURE: no policy allows ${denied} to ${packet.topic}.`
      return this.#refuse(session, 'AUTH_ERROR', text)
    }
    const payload = bufferOf(packet.payload)
    if (packet.retain) this.#retain(session, { topic: packet.topic, payload, qos: packet.qos })
    packet.retain = false
    this.#options.accept({
      topic: packet.topic,
      payload,
      clientId: session.clientId,
      certificateId: session.facts.principal.certificateId,
    })
    return null
  }

  /** What comes too soon is published all the same, and not retained. */
  #retain(
    { clientId }: Session,
    message: Pick<PublishPacket, 'topic' | 'qos'> & { payload: Buffer },
  ) {
    const { retained, log } = this.#options
    if (message.topic.startsWith('$')) return
    if (retained.takeTurn(message.topic))
      retained.put({ ...message, qos: message.qos === 0 ? 0 : 1 })
    else log('iot', `THROTTLED: a message from ${clientId} is not retained.`)
  }

  #refuse(session: Session, reason: DisconnectReason, text: string): Error {
    session.endReason ??= reason
    this.#options.log('iot', `${session.clientId} is disconnected: ${text}`)
    return new Error(text)
  }

  /** A refused filter gets 0x80 in the SUBACK [MQTT-3.9.3-2], and the connection stays. */
  maySubscribe(client: Client, { topic, qos }: { topic: string; qos: number }): boolean {
    const session = this.#sessions.get(client)
    const problem =
      session === undefined ? 'it is not connected' : this.#subscriptionProblem(session, topic, qos)
    if (problem === undefined) session?.filters.add(topic)
    else this.#options.log('iot', `${client.id} may not subscribe to ${topic}: ${problem}.`)
    return problem === undefined
  }

  #subscriptionProblem(session: Session, topic: string, qos: number): string | undefined {
    const { authority, now } = this.#options
    if (qos === 2) return 'AWS IoT Core does not take QoS 2'
    if (topic.startsWith('$aws/rules/') || topic.startsWith('$SYS')) return 'nobody can'
    if (!session.permits(authority, 'iot:Subscribe', 'topicfilter', topic))
      return 'AUTHORIZATION_FAILURE, no policy allows iot:Subscribe'
    if (!session.subscribing.take(now())) return 'it subscribes too often'
    const isFull = session.filters.size >= limits.subscriptionsPerConnection
    return isFull && !session.filters.has(topic) ? 'it has as many as it can have' : undefined
  }

  mayReceive(client: Client, topic: string): boolean {
    const session = this.#sessions.get(client)
    return (
      session?.permits(this.#options.authority, 'iot:Receive', 'topic', topic) === true &&
      // one that does not read must not keep the others waiting
      session.client.conn.writableLength <= limits.unwrittenBytes &&
      session.allowance.take(this.#options.now())
    )
  }

  decideEnd(client: Client, reason: DisconnectReason): void {
    const session = this.#sessions.get(client)
    if (session !== undefined) session.endReason ??= reason
  }

  /** An error with a code comes from the network; one without is the device's fault. */
  fail(client: Client, error: Error): void {
    this.decideEnd(client, 'code' in error ? 'CONNECTION_LOST' : 'CLIENT_ERROR')
  }

  disconnect(session: Session, reason: DisconnectReason, keepWill: boolean): Promise<void> {
    this.#options.connections.end(session, reason)
    if (!keepWill) dropWill(session.client)
    return new Promise((resolve) => session.client.close(() => resolve()))
  }
}

function packetProblem(packet: PublishPacket): string | undefined {
  if (packet.qos === 2) return 'AWS IoT Core does not take QoS 2.'
  if (bufferOf(packet.payload).length > limits.payloadBytes)
    return `The payload is longer than ${limits.payloadBytes} bytes.`
  return topicProblem(packet.topic)
}

function bufferOf(payload: string | Buffer): Buffer {
  return typeof payload === 'string' ? Buffer.from(payload) : payload
}
