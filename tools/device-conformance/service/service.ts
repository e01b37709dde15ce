import { createHash } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { upstreams, upTopics } from '@heliograph/protocol/mqtt-topic'
import { type Authority, makeAuthority, type ServerPair, validFor } from './authority.ts'
import { Broker } from './broker.ts'
import { type Asked, type Endpoint, reply, startEndpoint } from './endpoint.ts'
import type { Said, Session } from './session.ts'

const STAGE = 'conformance'
export const CODE = 'C0NF0RM-ANCEC0D-ETHATN0-0NEMAYS'

/** Made once: keys cost more than all else. */
interface Keys {
  readonly authority: Authority
  readonly pair: ServerPair
  /** For a host name that is not the broker's. */
  readonly wrongHost: ServerPair
  /** For the right host name, from a CA that nobody trusts. */
  readonly wrongAuthority: ServerPair
}

let made: Promise<Keys> | undefined

async function makeAll(): Promise<Keys> {
  const [authority, other] = await Promise.all([makeAuthority(), makeAuthority()])
  const [pair, wrongHost, wrongAuthority] = await Promise.all([
    authority.serverPair('localhost'),
    authority.serverPair('elsewhere.example'),
    other.serverPair('localhost'),
  ])
  return { authority, pair, wrongHost, wrongAuthority }
}

/** The scripted service: it does what the service does until a case has it do something else. */
export class Service {
  readonly keys: Keys
  readonly broker: Broker
  #endpoint: Endpoint | undefined
  readonly #places: Broker[] = []
  /** Of the certificates that an activation gives. */
  validity = validFor(1, 365)
  /** Requests that are left without an answer. */
  readonly unanswered = new Set<string>()
  /** The id of each key. */
  readonly #ids = new Map<string, string>()
  /** Tokens change with it. */
  generation = 0
  /** Topics that no provider certificate names. */
  readonly unknownTopics = new Set<string>()

  private constructor(keys: Keys) {
    this.keys = keys
    this.broker = this.#makeBroker()
  }

  /** Another place at which the service can go on. */
  async openPlace(): Promise<Broker> {
    const broker = this.#makeBroker()
    await broker.start()
    this.#places.push(broker)
    return broker
  }

  #makeBroker(): Broker {
    const kindOf = (topic: string, deviceId: string) =>
      upstreams.find((kind) => upTopics(STAGE, deviceId)[kind] === topic)
    const broker = new Broker(this.keys.authority, this.keys.pair, kindOf)
    broker.onRequest = (session, said) => this.answer(session, said)
    return broker
  }

  /** What is wrong with what the device sent, wherever. */
  get violations(): string[] {
    return this.#brokers.flatMap(({ violations }) => violations)
  }

  /** Topic filters that the device ever subscribed to, wherever. */
  get filters(): string[] {
    const sessions = this.#brokers.flatMap((broker) => broker.sessions)
    return sessions.flatMap(({ subscribed }) => subscribed.flatMap(({ filters }) => filters))
  }

  get #brokers(): Broker[] {
    return [this.broker, ...this.#places]
  }

  static async start(): Promise<Service> {
    made ??= makeAll()
    const service = new Service(await made)
    await service.broker.start()
    service.#endpoint = await startEndpoint(service.keys.pair, (asked, response) =>
      service.activate(asked, response),
    )
    return service
  }

  get endpoint(): Endpoint {
    if (this.#endpoint) return this.#endpoint
    throw new Error('the service has not been started')
  }

  /** The id of the device whose first activation was the n-th, from 0. */
  deviceId(index = 0): string {
    return [...this.#ids.values()][index] ?? ''
  }

  /** The 201 for a request. */
  async activation({ csr, key }: Asked): Promise<Record<string, unknown>> {
    const known = this.#ids.get(key)
    const deviceId = known ?? `0c0nf0rmance${String(this.#ids.size).padStart(4, '0')}`
    this.#ids.set(key, deviceId)
    const { authority } = this.keys
    return {
      deviceId,
      certificate: await authority.sign(csr, deviceId, this.validity),
      mqtt: { host: 'localhost', port: this.broker.port, ca: authority.certificate },
      publish: upTopics(STAGE, deviceId),
    }
  }

  async activate(asked: Asked, response: ServerResponse): Promise<void> {
    reply(response, 201, await this.activation(asked))
  }

  tokenOf(topic: string): string {
    return createHash('sha256').update(`${this.generation} ${topic}`).digest('hex')
  }

  /** The service's answer to a request, unless it is in `unanswered`. */
  answer(session: Session, { kind, body }: Said): void {
    if (kind === undefined || this.unanswered.has(kind)) return
    const topic = String(body.topic)
    if (kind === 'register' && this.unknownTopics.has(topic))
      this.refuse(session, 'UnknownTopic', { kind, topic })
    else if (kind === 'register') this.say(session, 'token', { topic, token: this.tokenOf(topic) })
    else if (kind === 'connect')
      this.say(session, 'connected', { accepted: [], renewed: [], rejected: [] })
  }

  refuse(session: Session, reason: string, request: object): void {
    this.say(session, 'error', { reason, request })
  }

  /** All but notifications comes with QoS 0. */
  say(session: Session, name: string, message: object): void {
    session.push(message, { topic: `heliograph/${name}`, qos: 0 })
  }

  async close(): Promise<void> {
    await this.endpoint.close()
    for (const broker of this.#brokers) await broker.close()
  }
}
