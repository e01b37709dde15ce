import type { Connections, Sent } from '@heliograph/core/ports'
import type { DeviceId } from '@heliograph/protocol/identifiers'
import type { DownTopic } from '@heliograph/protocol/mqtt-topic'
import type { SendFate } from './faults.ts'
import { type Cloud, type Environment, invokeAsync, type LambdaFunction } from './lambda.ts'
import { ownCertificate } from './ports/devices.ts'
import type { BrokerFaults } from './settings.ts'

/** A device as the broker sees it. */
export interface Client {
  readonly deviceId: DeviceId
  /** Takes the message over and says so with `acknowledge`, soon, late or never. */
  receive(topic: DownTopic, message: string, acknowledge: () => void): void
  /** The connection is gone. */
  closed(connection: Connection): void
}

/** An MQTT connection. A half-dead one is open to the broker and carries nothing. */
export interface Connection {
  readonly client: Client
  isOpen: boolean
  isHalfDead: boolean
}

export type Upstream = 'register' | 'connect' | 'unregister'

/** What a topic rule hands to its function. */
export type RuleEvent = Readonly<
  Record<'deviceId' | 'clientId' | 'principal' | 'request', string>
> & {
  readonly receivedAt: number
}

/** SendDirectMessage waits this long for the PUBACK. */
const CONFIRMATION_MS = 5_000
/** The SDK's own time-out, where no answer comes at all. */
const CLIENT_TIMEOUT_MS = 8_000
/** One way between broker and device; the same for all messages, as TCP keeps their order. */
const LINK_MS = 5
/** Twice the back-off of a half-dead connection: 1.5 times the keep-alive. */
const KEEP_ALIVE_MS = 90_000

/** AWS IoT Core, as far as devices and direct messages go. */
export class Iot {
  readonly #cloud: Cloud
  readonly #habits: BrokerFaults
  readonly #connections = new Map<DeviceId, Connection>()
  readonly #barred = new Set<DeviceId>()
  readonly #refusing = new Set<DeviceId>()
  readonly #wishes = new Map<string, { readonly live: boolean; readonly at: number }>()
  #rules: Readonly<Record<Upstream, LambdaFunction<unknown, void>>> | undefined

  constructor(cloud: Cloud, habits: BrokerFaults) {
    this.#cloud = cloud
    this.#habits = habits
  }

  handTo(rules: Readonly<Record<Upstream, LambdaFunction<unknown, void>>>): void {
    this.#rules = rules
  }

  /** The device's policy no longer lets it receive: 403. */
  setRefusing(deviceId: DeviceId, refuses: boolean): void {
    if (refuses) this.#refusing.add(deviceId)
    else this.#refusing.delete(deviceId)
  }

  /** The device's certificate is revoked. */
  bar(deviceId: DeviceId): void {
    this.#barred.add(deviceId)
    this.drop(deviceId)
  }

  /** What the device asked for last; of two requests in one millisecond, the one for live. */
  lastWish(deviceId: DeviceId, topic: string): boolean | undefined {
    return this.#wishes.get(`${deviceId}/${topic}`)?.live
  }

  connection(deviceId: DeviceId): Connection | undefined {
    return this.#connections.get(deviceId)
  }

  /** A second CONNECT of a client id closes the first. Undefined where the door is shut. */
  connect(client: Client): Connection | undefined {
    const { deviceId } = client
    this.drop(deviceId)
    if (this.#barred.has(deviceId)) return undefined
    const connection = { client, isOpen: true, isHalfDead: false }
    this.#connections.set(deviceId, connection)
    this.#cloud.trace.note(() => `${deviceId} connects`)
    return connection
  }

  drop(deviceId: DeviceId): void {
    const connection = this.#connections.get(deviceId)
    if (!connection) return
    this.#connections.delete(deviceId)
    connection.isOpen = false
    this.#cloud.trace.note(() => `${deviceId} is disconnected`)
    connection.client.closed(connection)
  }

  /** Nothing goes through any more; the broker finds out by the keep-alive. */
  stall(connection: Connection): void {
    connection.isHalfDead = true
    const { scheduler, random, trace } = this.#cloud
    trace.note(() => `the connection of ${connection.client.deviceId} is half-dead`)
    scheduler.after(random.between(0, KEEP_ALIVE_MS), () => {
      if (connection.isOpen) this.drop(connection.client.deviceId)
    })
  }

  /** QoS 1 to a rule; `acknowledged` when the rules engine has it. */
  publish(
    connection: Connection,
    upstream: Upstream,
    body: object,
    acknowledged: () => void = () => {},
  ): void {
    const { scheduler } = this.#cloud
    scheduler.after(LINK_MS, () => {
      if (!connection.isOpen || connection.isHalfDead) return
      this.#handOver(connection.client.deviceId, upstream, body)
      scheduler.after(LINK_MS, () => connection.isOpen && acknowledged())
    })
  }

  #handOver(deviceId: DeviceId, upstream: Upstream, body: object): void {
    const { faults, trace, scheduler } = this.#cloud
    trace.note(() => `${deviceId} says ${upstream} ${JSON.stringify(body)}`)
    const request = Buffer.from(JSON.stringify(body)).toString('base64')
    const receivedAt = Math.floor(scheduler.now)
    const principal = ownCertificate(deviceId)
    const event = { deviceId, clientId: deviceId, principal, receivedAt, request }
    this.#remember(deviceId, upstream, receivedAt, body)
    this.#invoke(upstream, event)
    if (faults.chance(this.#habits.repeatedRule)) this.#invoke(upstream, event)
  }

  #remember(deviceId: DeviceId, upstream: Upstream, at: number, body: object): void {
    if (!('topic' in body)) return
    const key = `${deviceId}/${body.topic}`
    const live = upstream === 'register'
    const last = this.#wishes.get(key)
    if (last && last.at === at && last.live && !live) return
    this.#wishes.set(key, { live, at })
  }

  #invoke(upstream: Upstream, event: RuleEvent): void {
    const { scheduler, faults, ledger } = this.#cloud
    const target = this.#rules?.[upstream]
    if (!target) return
    const givenUp = () => ledger.givenUp.add(`${upstream} ${event.deviceId}`)
    scheduler.after(faults.store('rule').before, () =>
      invokeAsync(target, event, this.#cloud, givenUp),
    )
  }

  /** The direct messages of one execution environment. */
  connectionsOf(environment: Environment): Connections {
    return {
      send: (deviceId, topic, message, patienceMs = CONFIRMATION_MS) =>
        new Promise((resolve) =>
          this.#send({ environment, deviceId, topic, message, patienceMs, resolve }),
        ),
      tell: async (deviceId, topic, message) => {
        const sent = await new Promise<Sent>((resolve) =>
          this.#send({ environment, deviceId, topic, message, patienceMs: 0, resolve }),
        )
        return sent === 'acknowledged' ? 'told' : sent === 'unconfirmed' ? 'busy' : sent
      },
    }
  }

  #send(call: SendCall): void {
    const { scheduler, faults, trace, random } = this.#cloud
    const fate = faults.send()
    const name = call.environment.invocation?.name
    const resolve = (sent: Sent) => {
      trace.note(() => `${name} hears ${sent} of ${call.deviceId}`)
      call.resolve(sent)
    }
    scheduler.after(fate.before, () => {
      if (fate.kind === 'crash-before') call.environment.crash('before a direct message')
      // what a dead process had sent before may still arrive
      if (call.environment.isAlive || random.chance(0.5)) this.#atBroker({ ...call, resolve }, fate)
    })
  }

  #atBroker(call: SendCall, fate: SendFate): void {
    const { scheduler } = this.#cloud
    const answer = (sent: Sent, ms = fate.after) => scheduler.after(ms, () => call.resolve(sent))
    if (fate.kind === 'throttled') return void answer('busy')
    const connection = this.#connections.get(call.deviceId)
    if (!connection) return void answer('offline')
    if (this.#refusing.has(call.deviceId)) return void answer('refused')
    let isSettled = false
    const settle = (sent: Sent) => {
      if (isSettled) return
      isSettled = true
      if (fate.kind === 'crash-after') call.environment.crash('after a direct message')
      else if (fate.kind === 'unanswered') answer('unconfirmed', CLIENT_TIMEOUT_MS)
      else answer(sent)
    }
    this.#deliver(connection, call, fate, settle)
    if (fate.kind === 'crash-during') call.environment.crash('during a direct message')
    else if (fate.kind === 'failed-after') settle('busy')
    else if (call.patienceMs === 0) settle('acknowledged')
    else scheduler.after(call.patienceMs, () => settle('unconfirmed'))
  }

  #deliver(
    connection: Connection,
    { topic, message }: SendCall,
    fate: SendFate,
    settle: (sent: Sent) => void,
  ): void {
    const { scheduler, random } = this.#cloud
    scheduler.after(LINK_MS, () => {
      if (!connection.isOpen || connection.isHalfDead) return
      connection.client.receive(topic, message, () => {
        if (fate.kind === 'ack-lost') return
        const late = fate.kind === 'ack-late' ? random.between(0, 2 * CONFIRMATION_MS) : 0
        scheduler.after(LINK_MS + late, () => connection.isOpen && settle('acknowledged'))
      })
    })
  }
}

interface SendCall {
  readonly environment: Environment
  readonly deviceId: DeviceId
  readonly topic: DownTopic
  readonly message: string
  /** How long the acknowledgement is waited for; 0 = not at all. */
  readonly patienceMs: number
  readonly resolve: (sent: Sent) => void
}
