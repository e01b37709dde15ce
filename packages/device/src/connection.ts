import { retryDelayMs, STABLE_AFTER_MS } from './backoff.ts'
import type { Clock } from './clock.ts'
import { type Deferred, defer } from './deferred.ts'
import { fault, messageOf } from './errors.ts'
import { Link, type LinkOptions } from './link.ts'

/** What the connection asks of the device around it. */
export interface ConnectionParts {
  readonly clock: Clock
  readonly random: () => number
  /** All for the next attempt; asked each time, as the certificate may have changed. */
  linkOptions(): LinkOptions
  onOpened(used: LinkOptions): void
  onFailed(used: LinkOptions): void
  /**
   * An open connection or an attempt has ended; `retryInMs` is absent if no further attempt
   * follows.
   */
  onClosed(cause: string, retryInMs?: number): void
}

/**
 * Keeps one connection alive until it is stopped. Any end is allowed at any time (IoT Core closes for
 * its own upgrades too); the wait before the next attempt grows until a connection has proved stable.
 */
export class Connection {
  readonly #parts: ConnectionParts
  readonly #first: Deferred<void> = defer()
  #link: Link | undefined
  #open = false
  #stopped = false
  #redial = false
  #failures = 0
  #cancel: () => void = () => {}

  constructor(parts: ConnectionParts) {
    this.#parts = parts
  }

  get isOpen(): boolean {
    return this.#open
  }

  /** Dials, and resolves at the first CONNACK, however many attempts that takes. */
  start(): Promise<void> {
    this.#dial()
    return this.#first.promise
  }

  async publish(topic: string, message: string): Promise<void> {
    if (!this.#link || !this.#open) throw fault('NotConnected', 'the device is not connected')
    return this.#link.publish(topic, message)
  }

  async subscribe(filters: readonly string[]): Promise<readonly number[]> {
    if (!this.#link || !this.#open) throw fault('NotConnected', 'the device is not connected')
    return this.#link.subscribe(filters)
  }

  /** Does nothing while there is no connection: the next one starts without subscriptions. */
  unsubscribe(filter: string): void {
    if (this.#open) this.#link?.unsubscribe(filter)
  }

  /** Ends the connection and dials again at once. */
  redial(): void {
    this.#redial = true
    this.#link?.end().catch(() => {})
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#cancel()
    this.#first.promise.catch(() => {})
    this.#first.reject(fault('Closed', 'the device was closed before it was connected'))
    await this.#link?.end()
  }

  #dial(): void {
    const options = this.#parts.linkOptions()
    const link = this.#linkTo(options)
    this.#link = link
    link.opened.then(
      () => this.#onOpened(options),
      () => this.#parts.onFailed(options),
    )
    link.closed.then((cause) => this.#onClosed(cause))
  }

  /** An address or a CA that is refused before anything is dialed is an attempt that failed. */
  #linkTo(options: LinkOptions): Link {
    try {
      return new Link(options)
    } catch (thrown) {
      this.#parts.onFailed(options)
      throw thrown
    }
  }

  #onOpened(used: LinkOptions): void {
    this.#open = true
    this.#cancel = this.#parts.clock.after(STABLE_AFTER_MS, () => {
      this.#failures = 0
    })
    this.#parts.onOpened(used)
    this.#first.resolve()
  }

  #onClosed(cause: string): void {
    this.#open = false
    this.#link = undefined
    this.#cancel()
    if (this.#stopped) this.#parts.onClosed(cause)
    else this.#retryAfter(cause)
  }

  #retryAfter(cause: string): void {
    const waitMs = this.#redial ? 0 : retryDelayMs(this.#failures++, this.#parts.random)
    this.#redial = false
    this.#cancel = this.#parts.clock.after(waitMs, () => this.#tryDial())
    this.#parts.onClosed(cause, waitMs)
  }

  /** A bad file (say, a CA that is not PEM) fails before there is a connection that could close. */
  #tryDial(): void {
    try {
      this.#dial()
    } catch (thrown) {
      this.#onClosed(messageOf(thrown))
    }
  }
}
