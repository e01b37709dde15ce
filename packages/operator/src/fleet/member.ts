import { setTimeout as wait } from 'node:timers/promises'
import type { ActivationOptions, Device, DeviceOptions, Notification } from '@heliograph/device'
import { Failure } from '../failure.ts'
import { type Behavior, changesInMs, handlingMs } from './behavior.ts'
import type { Tally } from './tally.ts'

/** As long as the SDK waits for the answer to a registration. */
const ACCEPTED_MS = 30_000

export interface MemberParts {
  readonly behavior: Behavior
  /** Its own state; one process at a time. */
  readonly directory: string
  readonly topics: readonly string[]
  /** The channels that it is to have joined, and no others. */
  readonly channels: readonly string[]
  /** How long a day lasts; milliseconds. */
  readonly dayMs: number
  /** The morning of the first day; milliseconds since the epoch. */
  readonly startedAt: number
  readonly tally: Tally
  open(options: DeviceOptions): Promise<Device>
}

/** A device of a fleet, which behaves as it was told. */
export class Member {
  readonly #parts: MemberParts
  readonly #stop = new AbortController()
  #device: Device | undefined
  #tokens: ReadonlyMap<string, string> = new Map()
  #isReady = false
  #onReady: () => void = () => {}
  readonly #ready = new Promise<void>((resolve) => {
    this.#onReady = resolve
  })
  #isOpen = false
  #hasConnected = false
  #lastCause = 'there was no answer'
  #change: Promise<void> = Promise.resolve()
  #timer: NodeJS.Timeout | undefined

  constructor(parts: MemberParts) {
    this.#parts = parts
    parts.tally.add(parts.behavior, 'devices')
  }

  /** Why it is not connected. */
  get lastCause(): string {
    return this.#lastCause
  }

  get isActivated(): boolean {
    return this.#device?.deviceId !== undefined
  }

  /** Its token of each topic. */
  get tokens(): ReadonlyMap<string, string> {
    return this.#device?.tokens() ?? this.#tokens
  }

  /** Reads its state, or begins a new one. */
  async open(activation?: ActivationOptions): Promise<void> {
    const { behavior, directory, open } = this.#parts
    await this.#device?.close()
    this.#device = await open({
      directory,
      ...(activation && { activation }),
      // its handler never ends
      ...(behavior === 'silent' && { closeLimitMs: 0 }),
    })
    this.#listen(this.#device)
  }

  /** Gets it its certificate; rejects with the SDK's error. */
  async activate(activation: ActivationOptions): Promise<void> {
    await this.open(activation)
    await this.#device?.activate()
    this.#parts.tally.activated += 1
  }

  /**
   * Connects, registers for the topics that it has no token of, joins its channels, and waits until the service knows all tokens. Rejects with
   * the SDK's error, or a `Failure`.
   */
  async join(): Promise<void> {
    await this.#device?.connect()
    const missing = this.#parts.topics.filter((topic) => !this.tokens.has(topic))
    await Promise.all(missing.map((topic) => this.#device?.register(topic)))
    await this.#joinChannels()
    await this.#accepted()
  }

  async #joinChannels(): Promise<void> {
    const { channels } = this.#parts
    const device = this.#device
    const joined = device?.channels() ?? []
    const others = joined.filter((channel) => !channels.includes(channel))
    await Promise.all([
      ...others.map((channel) => device?.leave(channel)),
      ...channels.filter((channel) => !joined.includes(channel)).map((one) => device?.join(one)),
    ])
  }

  /** Resolves once the service knows all its tokens: from then on it hears what is sent to them. */
  async #accepted(): Promise<void> {
    const timer = new AbortController()
    const late = wait(ACCEPTED_MS, undefined, { signal: timer.signal }).then(() => {
      throw new Failure('unreachable', `no answer about its tokens within ${ACCEPTED_MS / 1_000} s`)
    })
    late.catch(() => {})
    await Promise.race([this.#ready, late]).finally(() => timer.abort())
  }

  /** From here on it comes and goes by itself. */
  live(): void {
    this.#schedule(true)
  }

  /** Ends what it is at, and disconnects. */
  async stop(): Promise<void> {
    this.#stop.abort()
    clearTimeout(this.#timer)
    await this.#change
    await this.#leave()
  }

  #listen(device: Device): void {
    const { behavior, tally } = this.#parts
    device.onNotification((notification) => this.#take(notification))
    device.on('connected', () => this.#onConnected())
    device.on('disconnected', ({ cause, retryInMs }) => this.#onDisconnected(cause, retryInMs))
    device.on('dropped', ({ why }) => tally.dropped(behavior, why))
    device.on('token', () => this.#countReady())
    device.on('accepted', () => this.#countReady())
    device.on('error', ({ reason }) => {
      if (!this.#stop.signal.aborted) tally.error(reason)
    })
  }

  #onConnected(): void {
    const { behavior, tally } = this.#parts
    this.#isOpen = true
    tally.connected += 1
    if (this.#hasConnected) tally.add(behavior, 'reconnects')
    this.#hasConnected = true
  }

  /** Without `retryInMs` the device itself wanted it. */
  #onDisconnected(cause: string, retryInMs: number | undefined): void {
    const { behavior, tally } = this.#parts
    if (this.#isOpen) tally.connected -= 1
    this.#isOpen = false
    if (retryInMs === undefined) return
    this.#lastCause = cause
    tally.add(behavior, 'lost')
    tally.error(`not connected: ${cause}`)
  }

  #countReady(): void {
    const { topics, tally } = this.#parts
    if (this.#isReady || !topics.every((topic) => this.tokens.has(topic))) return
    this.#isReady = true
    tally.ready += 1
    this.#onReady()
  }

  async #take(notification: Notification): Promise<void> {
    const { behavior, tally } = this.#parts
    const heardAt = Date.now()
    const ms = handlingMs(behavior, Math.random)
    if (ms === Number.POSITIVE_INFINITY) {
      tally.add(behavior, 'ignored')
      return new Promise(() => {})
    }
    if (ms > 0) await this.#pause(ms)
    tally.received(behavior, notification, { heardAt, handledMs: Date.now() - heardAt })
  }

  /** Who is told to stop hurries. */
  async #pause(ms: number): Promise<void> {
    await wait(ms, undefined, { signal: this.#stop.signal }).catch(() => {})
  }

  #schedule(isOnline: boolean): void {
    const { behavior, dayMs, startedAt } = this.#parts
    const moment = { isOnline, sinceMs: Date.now() - startedAt, dayMs }
    const ms = changesInMs(behavior, moment, Math.random)
    if (ms === undefined || this.#stop.signal.aborted) return
    this.#timer = setTimeout(() => {
      this.#change = this.#turn(isOnline)
    }, ms)
  }

  async #turn(wasOnline: boolean): Promise<void> {
    try {
      await (wasOnline ? this.#leave() : this.#comeBack())
    } catch (fault) {
      this.#parts.tally.error(fault instanceof Error ? fault.message : String(fault))
    }
    this.#schedule(!wasOnline)
  }

  async #leave(): Promise<void> {
    const device = this.#device
    this.#tokens = this.tokens
    this.#device = undefined
    await device?.close()
  }

  async #comeBack(): Promise<void> {
    await this.open()
    // rejects only once it is closed
    this.#device?.connect().catch(() => {})
  }
}
