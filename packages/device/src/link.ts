import { isIP } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { connect, type IPublishPacket, type MqttClient } from 'mqtt'
import type { Credentials } from './certificate.ts'
import { type Deferred, defer } from './deferred.ts'
import { fault, messageOf } from './errors.ts'
import type { Broker } from './identity.ts'

export interface LinkOptions {
  readonly broker: Broker
  readonly credentials: Credentials
  /** Also the MQTT client id. */
  readonly deviceId: string
  readonly keepaliveSeconds: number
  readonly connectTimeoutMs: number
  /** Takes a message over; it is acknowledged when this resolves to true. */
  receive(topic: string, message: Buffer, retained: boolean): Promise<boolean>
}

/** How long a clean end may take before the socket is cut. */
const END_LIMIT_MS = 2_000

/** `handleMessage` with this error: go on reading, send no PUBACK. */
const ACKNOWLEDGED_LATER = new Error('acknowledged when the message has been taken over')

/**
 * One MQTT connection, from dial to end; it never reconnects. A PUBACK is sent when `receive` says
 * so, and the connection keeps working in the meantime. mqtt.js itself could delay a PUBACK only by
 * not reading on (`customHandleAcks` works only with MQTT 5), which would block PINGRESP, the
 * answer to a registration made inside a handler, and every other topic.
 *
 * Acknowledgements are therefore sent in the order in which handlers finish, not in the order of
 * arrival that [MQTT-4.6.0-2] requires: a slow app must not make the service think that another
 * app's messages were lost.
 */
export class Link {
  readonly #client: MqttClient
  readonly #receive: LinkOptions['receive']
  readonly #opened: Deferred<void> = defer()
  readonly #closed: Deferred<string> = defer()
  #cause = 'the connection was closed'
  #ending = false

  constructor(options: LinkOptions) {
    this.#receive = options.receive
    this.#client = connect(clientOptions(options))
    this.#client.handleMessage = (packet, callback) => this.#onMessage(packet, callback)
    this.#client.on('connect', () => this.#opened.resolve())
    this.#client.on('error', (error) => this.#failed(error))
    this.#client.on('close', () => this.#onClose())
    this.#opened.promise.catch(() => {})
    this.#client.connect()
    ;(this.#client.stream as unknown as TLSSocket).setNoDelay(true)
  }

  /** Resolves at CONNACK; rejects when the connection ended before. */
  get opened(): Promise<void> {
    return this.#opened.promise
  }

  /** Resolves with the cause when the connection is gone, however that came. */
  get closed(): Promise<string> {
    return this.#closed.promise
  }

  /** Resolves when the broker has acknowledged the message (QoS 1). */
  publish(topic: string, message: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#client.publish(topic, message, { qos: 1 }, (error) =>
        error ? reject(fault('NotConnected', messageOf(error), { cause: error })) : resolve(),
      )
    })
  }

  /**
   * Resolves to the return codes of the SUBACK, one per filter [MQTT 3.1.1, 3.9.3]; rejects when the connection ends
   * before. At most 8 filters, as IoT Core takes no more in one SUBSCRIBE.
   */
  subscribe(filters: readonly string[]): Promise<readonly number[]> {
    return new Promise((resolve, reject) => {
      this.#client.subscribe([...filters], { qos: 1 }, (error, _filters, suback) => {
        const granted = suback?.granted as readonly number[] | undefined
        if (granted) resolve(granted)
        else reject(fault('NotConnected', messageOf(error), { cause: error }))
      })
    })
  }

  unsubscribe(filter: string): void {
    this.#client.unsubscribe(filter, () => {}) // over with the connection, at the latest
  }

  /** Says DISCONNECT and waits until the connection is gone. */
  async end(): Promise<void> {
    this.#ending = true
    this.#cause = 'the device closed the connection'
    // Not client.end(): it would first wait for every PUBACK that is still to come.
    if (this.#client.connected) this.#client.stream.end(Buffer.of(0xe0, 0))
    else this.#client.end(true)
    const cut = setTimeout(() => this.#client.stream.destroy(), END_LIMIT_MS)
    await this.closed
    clearTimeout(cut)
  }

  #onMessage(packet: IPublishPacket, callback: (error?: Error) => void): void {
    if (!this.#ending) this.#take(packet)
    callback(ACKNOWLEDGED_LATER)
  }

  #take({ topic, payload, qos, messageId, retain }: IPublishPacket): void {
    this.#receive(topic, Buffer.from(payload), retain).then(
      (taken) => taken && qos > 0 && this.#acknowledge(messageId ?? 0),
      () => {}, // a failure to take it over is the receiver's to report
    )
  }

  /** PUBACK [MQTT 3.1.1, 3.4]. A message id means nothing once its connection has ended. */
  #acknowledge(messageId: number): void {
    if (this.#ending || !this.#client.connected) return
    this.#client.stream.write(Buffer.of(0x40, 2, messageId >> 8, messageId & 0xff))
  }

  /** The first error names the cause; those after it are its echo. */
  #failed(error: Error): void {
    if (!this.#ending && this.#cause === 'the connection was closed') this.#cause = messageOf(error)
  }

  #onClose(): void {
    this.#client.end(true) // makes publishes that still wait for their PUBACK fail
    this.#opened.reject(fault('NotConnected', this.#cause))
    this.#closed.resolve(this.#cause)
  }
}

function clientOptions(options: LinkOptions) {
  const { broker, credentials, deviceId } = options
  return {
    protocol: 'mqtts' as const,
    host: broker.host,
    port: broker.port,
    ca: broker.ca,
    key: credentials.privateKey,
    cert: credentials.certificate,
    // IoT Core needs SNI; an IP address has no place in it (RFC 6066, section 3).
    ...(isIP(broker.host) ? {} : { servername: broker.host }),
    clientId: deviceId,
    protocolVersion: 4 as const,
    clean: true,
    keepalive: options.keepaliveSeconds,
    connectTimeout: options.connectTimeoutMs,
    reconnectPeriod: 0,
    resubscribe: false,
    // The handler must be in place before the first byte arrives: the service pushes right after CONNACK.
    manualConnect: true,
  }
}
