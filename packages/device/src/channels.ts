import { type ChannelId, isChannelId } from '@heliograph/protocol/identifiers'
import { MAX_FILTERS, MAX_JOINED_CHANNELS } from '@heliograph/protocol/limits'
import type { ChannelStore } from './channel-store.ts'
import type { Clock } from './clock.ts'
import type { Deferred } from './deferred.ts'
import { fault, type HeliographDeviceError } from './errors.ts'
import { Repeats } from './repeats.ts'
import { awaitAs, take } from './waits.ts'

export interface ChannelsParts {
  readonly store: ChannelStore
  /**
   * Subscribes to the topics of these channels and resolves to whether each was granted; rejects when
   * the connection ends first, or if there is none.
   */
  subscribe(channels: readonly ChannelId[]): Promise<readonly boolean[]>
  unsubscribe(channel: ChannelId): void
  report(error: HeliographDeviceError): void
  readonly clock: Clock
  readonly random: () => number
  readonly timeLimitMs: number
}

/** Keeps the device's subscriptions and the channels that its program has joined the same. */
export class Channels {
  readonly #parts: ChannelsParts
  readonly #waiting = new Map<ChannelId, Deferred<void>>()
  /** Those that the broker has granted on this connection. */
  readonly #granted = new Set<ChannelId>()
  readonly #repeats: Repeats
  #isConnected = false

  constructor(parts: ChannelsParts) {
    this.#parts = parts
    this.#repeats = new Repeats(parts.clock, parts.random)
  }

  list(): readonly ChannelId[] {
    return [...this.#parts.store.channels]
  }

  isJoined(channel: string): channel is ChannelId {
    return isChannelId(channel) && this.#parts.store.channels.has(channel)
  }

  /** Resolves when the broker has granted it, now or as soon as there is a connection. */
  async join(channel: string): Promise<void> {
    check(channel)
    const asked = this.#waiting.get(channel)
    if (asked) return asked.promise
    if (this.#granted.has(channel)) return
    const answer = this.#await(channel)
    this.#want(channel).catch(answer.reject)
    return answer.promise
  }

  /** Resolves when it is forgotten on disk: the next connection would not subscribe to it any more. */
  async leave(channel: string): Promise<void> {
    check(channel)
    const waiting = take(this.#waiting, channel)
    // from now on a join is a new wish, which has to be granted again
    this.#granted.delete(channel)
    waiting?.reject(fault('Closed', 'the channel was left', { channel }))
    await this.#parts.store.remove(channel)
    this.#repeats.stop(channel)
    this.#parts.unsubscribe(channel)
  }

  /** After every CONNACK, and after the tokens were presented. */
  onConnected(): void {
    this.#isConnected = true
    this.#granted.clear()
    this.#ask(this.list())
  }

  onDisconnected(): void {
    this.#isConnected = false
    this.#granted.clear()
    this.#repeats.stopAll()
  }

  /** Subscribes again, so that the broker sends what it has retained. */
  askAgain(channels: Iterable<string>): void {
    this.#ask([...channels].filter((channel) => this.isJoined(channel)))
  }

  /** Ends every wait; a wish that is still being written is on disk then, and asked for by nobody. */
  close(): void {
    this.onDisconnected()
    const closed = fault('Closed', 'the device was closed before the broker answered')
    for (const waiting of [...this.#waiting.values()]) waiting.reject(closed)
  }

  /** Without a connection nothing: the next CONNACK asks for all that are to be joined. */
  #ask(channels: readonly ChannelId[]): void {
    if (!this.#isConnected) return
    for (let at = 0; at < channels.length; at += MAX_FILTERS)
      this.#subscribe(channels.slice(at, at + MAX_FILTERS))
  }

  #subscribe(channels: readonly ChannelId[]): void {
    for (const channel of channels) this.#repeats.start(channel, () => this.#repeat(channel))
    this.#send(channels)
  }

  #repeat(channel: ChannelId): void {
    if (this.isJoined(channel)) this.#send([channel])
    else this.#repeats.stop(channel)
  }

  #send(channels: readonly ChannelId[]): void {
    this.#parts.subscribe(channels).then(
      (granted) => {
        for (const [index, channel] of channels.entries()) this.#onAnswer(channel, granted[index])
      },
      () => {}, // asked again at the next CONNACK
    )
  }

  #onAnswer(channel: ChannelId, isGranted: boolean | undefined): void {
    if (isGranted === undefined || !this.isJoined(channel)) return
    const waiting = this.#waiting.get(channel)
    if (isGranted) {
      this.#repeats.stop(channel)
      this.#granted.add(channel)
      waiting?.resolve()
    } else this.#onRefused(channel, waiting)
  }

  /**
   * A wish that somebody waits for is over. A channel that had been joined is kept and asked for again:
   * a broker that is busy refuses in the same words.
   */
  #onRefused(channel: ChannelId, waiting: Deferred<void> | undefined): void {
    const error = fault('ChannelRefused', 'the broker refused a channel', { channel })
    if (!waiting) {
      this.#parts.report(error)
      return
    }
    this.#repeats.stop(channel)
    take(this.#waiting, channel)
    this.#parts.store.remove(channel).then(
      () => waiting.reject(error),
      () => waiting.reject(error),
    )
  }

  /** A wait that ends by an answer, by the time limit or by close(). */
  #await(channel: ChannelId): Deferred<void> {
    const { clock, timeLimitMs: limitMs } = this.#parts
    const message = `a channel was not joined within ${limitMs / 1000} s: it is asked for again when the device connects`
    const late = fault('Timeout', message, { channel })
    return awaitAs(this.#waiting, channel, { clock, limitMs, late })
  }

  async #want(channel: ChannelId): Promise<void> {
    const hasRoom = await this.#parts.store.add(channel)
    if (!hasRoom) throw tooMany(channel)
    this.#ask([channel])
  }
}

function check(channel: string): asserts channel is ChannelId {
  if (!isChannelId(channel))
    throw fault('BadChannelId', 'this cannot be the id of a channel: 24 letters and digits')
}

function tooMany(channel: ChannelId): HeliographDeviceError {
  const message = `a device can join ${MAX_JOINED_CHANNELS} channels: leave another one first`
  return fault('TooManyChannels', message, { channel })
}
