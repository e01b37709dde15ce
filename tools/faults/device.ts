import { downTopics } from '@heliograph/protocol/mqtt-topic'
import mqtt, { type MqttClient } from 'mqtt'
import type { LocalFile } from '../../bin/demo.ts'
import { type Activation, activatePlainly } from '../conformance/plain-device.ts'

export interface Received {
  readonly text: string
  readonly stored: boolean
  readonly seq: string
}

export type Arrival = (deviceId: string, received: Received) => void

/**
 * A device that does what the documentation asks of every device and no more: it presents its tokens
 * once after each CONNACK and acknowledges what it receives.
 */
export class FaultDevice {
  readonly activation: Activation
  readonly tokens = new Map<string, string>()
  readonly #client: MqttClient
  readonly #connected: (() => void)[] = []
  online = false
  /** Answers to the tokens it presented. */
  accounts = 0
  rejected: unknown[] = []

  constructor(activation: Activation, key: string, onArrival: Arrival) {
    const { mqtt: broker, certificate, deviceId } = activation
    this.activation = activation
    this.#client = mqtt.connect({
      protocol: 'mqtts',
      host: broker.host,
      port: broker.port,
      servername: broker.host,
      ca: broker.ca,
      cert: certificate,
      key,
      clientId: deviceId,
      clean: true,
      reconnectPeriod: 0,
      manualConnect: true,
    })
    this.#client.on('connect', () => this.#onConnect())
    this.#client.on('message', (topic, payload) => this.#onMessage(topic, payload, onArrival))
    this.#client.on('close', () => {
      this.online = false
    })
    this.#client.on('error', () => {})
  }

  get deviceId(): string {
    return this.activation.deviceId
  }

  /** Resolves when the broker has taken the device in. */
  connect(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#connected.push(resolve)
      this.#client.once('close', () => reject(new Error(`${this.deviceId} was not let in`)))
      this.#client.reconnect()
    })
  }

  /** `rudely`: the socket closes without DISCONNECT, as when a train enters a tunnel. */
  async disconnect(rudely: boolean): Promise<void> {
    if (rudely) this.#client.stream.destroy()
    await this.#client.endAsync(rudely)
  }

  /** Asks for the token of a topic until the service has answered. */
  async register(topic: string, withinMs = 60_000): Promise<string> {
    const deadline = Date.now() + withinMs
    while (!this.tokens.has(topic)) {
      if (Date.now() > deadline) throw new Error(`${this.deviceId} got no token for ${topic}`)
      await this.publish('register', { topic })
      await pause(5_000, () => this.tokens.has(topic))
    }
    return this.tokens.get(topic) ?? ''
  }

  /** Asks for the token of a topic that it has registered for before. */
  async registerAgain(topic: string): Promise<string> {
    this.tokens.delete(topic)
    return this.register(topic)
  }

  publish(what: keyof Activation['publish'], body: object): Promise<unknown> {
    return this.#client.publishAsync(this.activation.publish[what], JSON.stringify(body), {
      qos: 1,
    })
  }

  #onConnect(): void {
    this.online = true
    const tokens = [...this.tokens.values()]
    if (tokens.length > 0) this.publish('connect', { tokens }).catch(() => {})
    for (const resolve of this.#connected.splice(0)) resolve()
  }

  #onMessage(topic: string, payload: Buffer, onArrival: Arrival): void {
    const message = JSON.parse(payload.toString()) as Record<string, unknown>
    if (topic === downTopics.token) this.tokens.set(String(message.topic), String(message.token))
    if (topic === downTopics.connected) {
      this.accounts += 1
      this.rejected.push(...(message.rejected as unknown[]))
    }
    if (topic !== downTopics.notification) return
    const { aps } = message.payload as { aps: { alert: string } }
    const { stored, seq } = message
    onArrival(this.deviceId, { text: aps.alert, stored: stored === true, seq: String(seq) })
  }
}

/** Waits until `isDone`, at most so many milliseconds. */
export async function pause(ms: number, isDone: () => boolean = () => false): Promise<void> {
  const deadline = Date.now() + ms
  while (Date.now() < deadline && !isDone())
    await new Promise((resolve) => setTimeout(resolve, Math.min(20, ms)))
}

/** A new device, activated and not connected. */
export async function activateDevice(local: LocalFile, onArrival: Arrival): Promise<FaultDevice> {
  const { key, answer } = await activatePlainly({ local })
  return new FaultDevice(answer, key, onArrival)
}
