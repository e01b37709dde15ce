import type { ChannelId } from '@heliograph/protocol/identifiers'
import { channelOfTopic, channelTopic, downTopics } from '@heliograph/protocol/mqtt-topic'
import { activate } from './activation.ts'
import { certificateAge } from './certificate.ts'
import { ChannelStore } from './channel-store.ts'
import { Channels } from './channels.ts'
import { Connection } from './connection.ts'
import { asFault, fault, type HeliographDeviceError } from './errors.ts'
import { type DeviceEvents, type DeviceListener, Events } from './events.ts'
import { makeDirectory } from './files.ts'
import { type Activated, IdentityStore } from './identity.ts'
import { Inbox, type NotificationHandler } from './inbox.ts'
import { type JsonObject, parseObject } from './json.ts'
import { Lifetime } from './lifetime.ts'
import type { LinkOptions } from './link.ts'
import { Move } from './move.ts'
import { type DeviceOptions, type Settings, withDefaults } from './options.ts'
import { Redrain } from './redrain.ts'
import { Registrar, type Send } from './registrar.ts'
import { RegistrationStore } from './registrations.ts'
import { Renewal } from './renewal.ts'
import { Serial } from './serial.ts'
import { TakenStore } from './taken.ts'

/** Return codes of a SUBACK below this grant a subscription [MQTT 3.1.1, 3.9.3]. */
const SUBSCRIBE_FAILURE = 0x80

interface Stores {
  readonly identity: IdentityStore
  readonly registrations: RegistrationStore
  readonly channels: ChannelStore
  readonly taken: TakenStore
}

/**
 * Reads the state of a device, or creates a new one; throws `StateDamaged` if it cannot be read.
 */
export async function openDevice(options: DeviceOptions): Promise<Device> {
  const settings = withDefaults(options)
  await makeDirectory(settings.directory)
  return new Device(settings, {
    identity: await IdentityStore.open(settings.directory),
    registrations: await RegistrationStore.open(settings.directory),
    channels: await ChannelStore.open(settings.directory),
    taken: await TakenStore.open(settings.directory),
  })
}

/** A device: its identity, its one connection, its topics and its notifications. */
export class Device {
  readonly #settings: Settings
  readonly #stores: Stores
  readonly #lifetime: Lifetime
  readonly #events = new Events()
  readonly #registrar: Registrar
  readonly #channels: Channels
  readonly #renewal: Renewal
  readonly #move: Move
  readonly #redrain: Redrain
  readonly #rejoin: Redrain
  /** What the service says of tokens counts in the order it was said. */
  readonly #control = new Serial()
  readonly #inbox: Inbox
  #connection: Connection | undefined
  #connecting: Promise<void> | undefined
  #activating: Promise<string> | undefined
  #closing: Promise<void> | undefined

  /** Use `openDevice`. */
  constructor(settings: Settings, stores: Stores) {
    this.#settings = settings
    this.#stores = stores
    const { log, random, timeLimitMs } = settings
    const clock = new Lifetime(settings.clock)
    this.#lifetime = clock
    const send: Send = (request, body) => this.#send(request, body)
    const report = (error: HeliographDeviceError) => this.#report(error)
    const reconnect = () => this.#connection?.redial()
    const hasLeft = (topic: string) => this.#registrar.hasLeft(topic)
    const { identity, registrations: store, taken } = stores
    this.#registrar = new Registrar({
      store,
      send,
      events: this.#events,
      clock,
      random,
      timeLimitMs,
    })
    this.#renewal = new Renewal({ identity, send, clock, reconnect, report, log })
    this.#move = new Move({
      ...{ identity, clock, random, events: this.#events, reconnect, report, log },
      mayMoveTo: settings.mayMoveTo,
      hasEveryToken: () => this.#registrar.hasEveryToken(),
    })
    this.#channels = new Channels({
      ...{ store: stores.channels, report, clock, random, timeLimitMs },
      subscribe: (channels) => this.#subscribe(channels),
      unsubscribe: (channel) => this.#connection?.unsubscribe(channelTopic(channel)),
    })
    const present = () => this.#registrar.present()
    this.#redrain = new Redrain({ clock, random, ask: present })
    const join = (failing: ReadonlySet<string>) => this.#channels.askAgain(failing)
    this.#rejoin = new Redrain({ clock, random, ask: join })
    this.#inbox = new Inbox({
      ...{ taken, hasLeft, report, log, redrain: this.#redrain, rejoin: this.#rejoin },
      isJoined: (channel) => this.#channels.isJoined(channel),
      dropped: (event) => this.#events.emit('dropped', event),
    })
  }

  /** The id the service gave this device; undefined before activation. */
  get deviceId(): string | undefined {
    return this.#stores.identity.current.activated?.deviceId
  }

  get isConnected(): boolean {
    return this.#connection?.isOpen ?? false
  }

  /** Adds a listener; the returned function removes it. */
  on<Name extends keyof DeviceEvents>(name: Name, listener: DeviceListener<Name>): () => void {
    return this.#events.on(name, listener)
  }

  /** Sets what takes notifications over; until then they wait, unacknowledged. A second call replaces it. */
  onNotification(handler: NotificationHandler): void {
    this.#inbox.handleWith(handler)
  }

  /**
   * Gets the device its certificate and resolves to its id. Does nothing when it has one, unless that
   * has expired. After a lost answer, call it again with the same code.
   */
  async activate(): Promise<string> {
    this.#refuseClosed()
    const { activated } = this.#stores.identity.current
    if (activated && !this.#hasExpired(activated)) return activated.deviceId
    this.#activating ??= this.#activate().finally(() => {
      this.#activating = undefined
    })
    return this.#activating
  }

  /**
   * Connects, activating first if needed, and keeps the device connected until `close`. Resolves at
   * the first CONNACK, however long that takes; `disconnected` reports every failed attempt.
   */
  async connect(): Promise<void> {
    this.#refuseClosed()
    this.#connecting ??= this.#connect().catch((error) => {
      this.#connecting = undefined
      throw error
    })
    return this.#connecting
  }

  /**
   * Registers for a topic and resolves to its device token. Rejects with the service's reason (for
   * example `UnknownTopic`) or `Timeout`.
   */
  async register(topic: string): Promise<string> {
    this.#refuseClosed()
    return this.#registrar.register(checkedTopic(topic))
  }

  /**
   * Makes the topic's token dead; resolves when the service has been told. After a `Timeout` the wish
   * is kept, and told at the next connect. Notifications for the topic are dropped from now on.
   */
  async unregister(topic: string): Promise<void> {
    this.#refuseClosed()
    return this.#registrar.unregister(checkedTopic(topic))
  }

  /** The token of every registered topic. */
  tokens(): ReadonlyMap<string, string> {
    return this.#registrar.tokens()
  }

  /**
   * Joins a channel by its id, and resolves when the broker has granted it; the device stays joined, also over restarts.
   * Rejects with `BadChannelId`, `TooManyChannels`, `ChannelRefused` or `Timeout`; after the last, the wish is kept.
   */
  async join(channel: string): Promise<void> {
    this.#refuseClosed()
    return this.#channels.join(channel)
  }

  /** Leaves a channel; what still comes on it is dropped. Needs no connection. */
  async leave(channel: string): Promise<void> {
    this.#refuseClosed()
    return this.#channels.leave(channel)
  }

  /** The ids of the joined channels. */
  channels(): readonly string[] {
    return this.#channels.list()
  }

  /**
   * Lets handlers at work finish, within `closeLimitMs`, and disconnects; ends every wait with `Closed`. The device
   * cannot be used again, and keeps no process alive. A second call ends with the first.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await this.#handlersDone()
    this.#lifetime.end()
    this.#registrar.close()
    this.#channels.close()
    await this.#connection?.stop()
    await this.#stores.identity.idle()
    await this.#stores.registrations.idle()
    await this.#stores.channels.idle()
    await this.#stores.taken.close()
  }

  #refuseClosed(): void {
    if (this.#closing) throw fault('Closed', 'this device was closed: open it again')
  }

  #hasExpired({ certificate }: Activated): boolean {
    return certificateAge(certificate, this.#settings.clock.now()) === 'expired'
  }

  async #activate(): Promise<string> {
    const { activation, random, log, directory } = this.#settings
    if (!activation) {
      const message = `the device in ${directory} has no valid certificate: open it with an activation url and code`
      throw fault('NotActivated', message)
    }
    const world = { lifetime: this.#lifetime, random }
    const deviceId = await activate(activation, this.#stores.identity, world)
    log(`activated as ${deviceId}`)
    return deviceId
  }

  async #connect(): Promise<void> {
    if (this.deviceId === undefined) await this.activate()
    this.#refuseClosed()
    this.#warnOfExpiry()
    this.#connection = new Connection({
      clock: this.#lifetime,
      random: this.#settings.random,
      linkOptions: () => this.#linkOptions(),
      onOpened: (used) => this.#onOpened(used),
      onFailed: (used) => this.#onFailed(used),
      onClosed: (cause, retryInMs) => this.#onClosed(cause, retryInMs),
    })
    return this.#connection.start()
  }

  /** Only a warning: the device's clock may be the one that is wrong. */
  #warnOfExpiry(): void {
    const { activated, next } = this.#stores.identity.current
    if (!activated || next?.certificate || !this.#hasExpired(activated)) return
    const message =
      'the certificate of this device has expired by its clock: set the clock, or activate it again with a new code'
    this.#report(fault('CertificateExpired', message))
  }

  #linkOptions(): LinkOptions {
    const { keepaliveSeconds, connectTimeoutMs } = this.#settings
    const credentials = this.#renewal.credentials()
    const { deviceId } = this.#activated()
    const broker = this.#move.broker()
    const receive: LinkOptions['receive'] = (topic, message, retained) =>
      this.#receive(topic, message, retained)
    return { broker, credentials, deviceId, keepaliveSeconds, connectTimeoutMs, receive }
  }

  #activated(): Activated {
    const { activated } = this.#stores.identity.current
    if (activated) return activated
    throw fault('NotActivated', 'this device has no certificate: activate it first')
  }

  async #send(request: Parameters<Send>[0], body: object): Promise<void> {
    const topic = this.#activated().publish[request]
    if (!this.#connection || topic === undefined)
      throw fault('NotConnected', 'the device is not connected')
    await this.#connection.publish(topic, JSON.stringify(body))
  }

  async #subscribe(channels: readonly ChannelId[]): Promise<readonly boolean[]> {
    if (!this.#connection) throw fault('NotConnected', 'the device is not connected')
    const granted = await this.#connection.subscribe(channels.map(channelTopic))
    return granted.map((code) => code < SUBSCRIBE_FAILURE)
  }

  #onFailed({ credentials, broker }: LinkOptions): void {
    this.#renewal.onFailed(credentials)
    this.#move.onFailed(broker)
  }

  #onOpened({ credentials, broker }: LinkOptions): void {
    const { deviceId } = this.#activated()
    this.#settings.log(`connected as ${deviceId}`)
    this.#move.onOpened(broker)
    this.#registrar.onConnected()
    this.#channels.onConnected()
    this.#renewal.onConnected(credentials).catch((thrown) => this.#report(asFault(thrown)))
    this.#events.emit('connected', { deviceId })
  }

  #onClosed(cause: string, retryInMs?: number): void {
    this.#registrar.onDisconnected()
    this.#channels.onDisconnected()
    this.#renewal.onDisconnected()
    this.#move.onDisconnected()
    const next = retryInMs === undefined ? '' : `; next attempt in ${retryInMs} ms`
    this.#settings.log(`not connected: ${cause}${next}`)
    this.#events.emit('disconnected', { cause, ...(retryInMs === undefined ? {} : { retryInMs }) })
  }

  /** Every message arrives here; one that cannot be taken over is reported and not acknowledged. */
  async #receive(topic: string, message: Buffer, retained: boolean): Promise<boolean> {
    try {
      if (topic === downTopics.notification) return await this.#inbox.receive(message)
      const channel = channelOfTopic(topic)
      if (channel) return await this.#inbox.receiveBroadcast(channel, message, retained)
      await this.#control.run(async () => {
        await this.#receiveControl(topic, message.toString('utf8'))
        await this.#move.settle()
      })
      return true
    } catch (thrown) {
      this.#report(asFault(thrown))
      return false
    }
  }

  async #receiveControl(topic: string, text: string): Promise<void> {
    const message = parseObject(text)
    if (!message)
      return this.#report(fault('BadMessage', `a message on ${topic} is not a JSON object`))
    if (topic === downTopics.token) return this.#registrar.onToken(message)
    if (topic === downTopics.connected) return this.#onAccount(message)
    if (topic === downTopics.move) return this.#move.onMove(message)
    if (topic === downTopics.error) return this.#registrar.onError(message)
    if (topic === downTopics.certificate) return this.#renewal.onCertificate(message)
    this.#settings.log(`a message on ${topic} is of no use to this version`)
  }

  async #onAccount(message: JsonObject): Promise<void> {
    await this.#registrar.onAccount(message)
    this.#move.onAccount()
  }

  #report(error: HeliographDeviceError): void {
    this.#settings.log(error.message)
    this.#events.emit('error', error)
  }

  async #handlersDone(): Promise<void> {
    const limit = new Promise<void>((resolve) => {
      this.#lifetime.after(this.#settings.closeLimitMs, resolve)
    })
    await Promise.race([this.#inbox.finish(), limit])
  }
}

function checkedTopic(topic: string): string {
  if (typeof topic === 'string' && topic !== '') return topic
  throw new TypeError("a topic is the app's bundle id, for example com.example.app")
}
