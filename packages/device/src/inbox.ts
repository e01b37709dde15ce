import { type Deferred, defer } from './deferred.ts'
import { asFault, fault, type HeliographDeviceError, messageOf } from './errors.ts'
import type { DeviceEvents, DropCause } from './events.ts'
import { type Notification, originOf, parseBroadcast, parseNotification } from './notification.ts'
import type { Redrain } from './redrain.ts'
import { Serial } from './serial.ts'
import type { TakenStore } from './taken.ts'

/** Takes a notification over. It is acknowledged when this returns, or sent again when it throws. */
export type NotificationHandler = (notification: Notification) => void | Promise<void>

/** What the inbox asks of the device around it. */
export interface InboxParts {
  readonly taken: Pick<TakenStore, 'verdict' | 'record'>
  /** True for a topic that was unregistered here: a straggler for it is dropped. */
  hasLeft(topic: string): boolean
  /** True for a channel that this device has joined: what comes on another one is dropped. */
  isJoined(channel: string): boolean
  /**
   * Is told for every notification whether it was taken over, so that a failed one is requested
   * again.
   */
  readonly redrain: Pick<Redrain, 'onFailed' | 'onTaken'>
  /** The same for channels. */
  readonly rejoin: Pick<Redrain, 'onFailed' | 'onTaken'>
  report(error: HeliographDeviceError): void
  log(line: string): void
  dropped(event: DeviceEvents['dropped']): void
}

const dropText: Readonly<Record<DropCause, string>> = {
  repeat: 'it was taken before',
  overtaken: 'a newer one was taken before',
  unregistered: 'its topic is unregistered',
  left: 'its channel is not joined',
}

/** Waiting notifications per topic or channel; IoT Core leaves at most 100 unacknowledged on a connection. */
const MOST_WAITING = 100

interface Lane {
  readonly serial: Serial
  waiting: number
}

/**
 * Brings each notification to the handler once, those of one topic or channel in the order they came,
 * those of different ones side by side. Says for each message whether it may be acknowledged.
 */
export class Inbox {
  readonly #parts: InboxParts
  readonly #lanes = new Map<string, Lane>()
  readonly #ready: Deferred<void> = defer()
  #handler: NotificationHandler | undefined

  constructor(parts: InboxParts) {
    this.#parts = parts
  }

  handleWith(handler: NotificationHandler): void {
    this.#handler = handler
    this.#ready.resolve()
  }

  /** Gives up on what waits for a handler, and resolves when no handler is at work. */
  async finish(): Promise<void> {
    this.#ready.resolve()
    await Promise.all([...this.#lanes.values()].map(({ serial }) => serial.idle()))
  }

  async receive(message: Buffer): Promise<boolean> {
    return this.#receive(parseNotification(message.toString('utf8')), this.#parts.redrain)
  }

  /** What has come on the topic of a channel; `retained`: the packet's RETAIN flag. */
  async receiveBroadcast(channel: string, message: Buffer, retained: boolean): Promise<boolean> {
    // how the broker says that it has nothing stored any more, when a channel is deleted
    if (message.length === 0) return true
    const notification = parseBroadcast(message.toString('utf8'), channel, retained)
    // nobody has asked for it, so nobody has to hear that it is unreadable
    if (!notification && !this.#parts.isJoined(channel)) return true
    return this.#receive(notification, this.#parts.rejoin)
  }

  async #receive(
    notification: Notification | undefined,
    askFor: InboxParts['redrain'],
  ): Promise<boolean> {
    if (!notification) return this.#unreadable()
    const origin = notification.channel ?? notification.topic
    const taken = await this.#inLane(originOf(notification), () => this.#takeOver(notification))
    if (taken) askFor.onTaken(origin)
    else askFor.onFailed(origin)
    return taken
  }

  async #inLane(origin: string, work: () => Promise<boolean>): Promise<boolean> {
    const lane = this.#lanes.get(origin) ?? { serial: new Serial(), waiting: 0 }
    if (lane.waiting >= MOST_WAITING) return false
    this.#lanes.set(origin, lane)
    lane.waiting++
    try {
      return await lane.serial.run(work)
    } finally {
      lane.waiting--
      if (lane.waiting === 0) this.#lanes.delete(origin)
    }
  }

  async #takeOver(notification: Notification): Promise<boolean> {
    const why = this.#dropCause(notification)
    if (why) return this.#drop(notification, why)
    await this.#ready.promise
    return this.#handler ? this.#handle(this.#handler, notification) : false
  }

  #dropCause(notification: Notification): DropCause | undefined {
    const { topic, channel } = notification
    if (channel === undefined && this.#parts.hasLeft(topic)) return 'unregistered'
    if (channel !== undefined && !this.#parts.isJoined(channel)) return 'left'
    const verdict = this.#parts.taken.verdict(notification)
    if (verdict === 'repeat') return 'repeat'
    return verdict === 'outdated' ? 'overtaken' : undefined
  }

  async #handle(handler: NotificationHandler, notification: Notification): Promise<boolean> {
    const { id, topic, channel } = notification
    try {
      await handler(notification)
    } catch (thrown) {
      const message = `the handler failed on notification ${id}, which will come again: ${messageOf(thrown)}`
      this.#parts.report(fault('HandlerFailed', message, { topic, channel, cause: thrown }))
      return false
    }
    return this.#remember(notification)
  }

  /** What is not remembered is not acknowledged either: rather a repeat than a surprise later. */
  async #remember(notification: Notification): Promise<boolean> {
    try {
      await this.#parts.taken.record(notification)
      return true
    } catch (thrown) {
      this.#parts.report(asFault(thrown))
      return false
    }
  }

  #drop({ id, topic, channel }: Notification, why: DropCause): true {
    this.#parts.log(`notification ${id} for ${topic} dropped: ${dropText[why]}`)
    this.#parts.dropped({ id, topic, ...(channel === undefined ? {} : { channel }), why })
    return true
  }

  /** Acknowledged anyway: it would not be any more readable the next time. */
  #unreadable(): true {
    this.#parts.report(
      fault('BadMessage', 'a notification from the service could not be read and was dropped'),
    )
    return true
  }
}
