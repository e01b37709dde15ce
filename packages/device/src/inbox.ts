import { type Deferred, defer } from './deferred.ts'
import { asFault, fault, type HeliographDeviceError, messageOf } from './errors.ts'
import type { DeviceEvents, DropCause } from './events.ts'
import { type Notification, parseNotification } from './notification.ts'
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
  /**
   * Is told for every notification whether it was taken over, so that a failed one is requested
   * again.
   */
  readonly redrain: Pick<Redrain, 'onFailed' | 'onTaken'>
  report(error: HeliographDeviceError): void
  log(line: string): void
  dropped(event: DeviceEvents['dropped']): void
}

const dropText: Readonly<Record<DropCause, string>> = {
  repeat: 'it was taken before',
  overtaken: 'a newer one was taken before',
  unregistered: 'its topic is unregistered',
}

/** Waiting notifications per topic; IoT Core leaves at most 100 unacknowledged on a connection. */
const MOST_WAITING = 100

interface Lane {
  readonly serial: Serial
  waiting: number
}

/**
 * Brings each notification to the handler once, those of one topic in the order they came, those of
 * different topics side by side. Says for each message whether it may be acknowledged.
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
    const notification = parseNotification(message.toString('utf8'))
    if (!notification) return this.#unreadable()
    const { topic } = notification
    const taken = await this.#inLane(topic, () => this.#takeOver(notification))
    if (taken) this.#parts.redrain.onTaken(topic)
    else this.#parts.redrain.onFailed(topic)
    return taken
  }

  async #inLane(topic: string, work: () => Promise<boolean>): Promise<boolean> {
    const lane = this.#lanes.get(topic) ?? { serial: new Serial(), waiting: 0 }
    if (lane.waiting >= MOST_WAITING) return false
    this.#lanes.set(topic, lane)
    lane.waiting++
    try {
      return await lane.serial.run(work)
    } finally {
      lane.waiting--
      if (lane.waiting === 0) this.#lanes.delete(topic)
    }
  }

  async #takeOver(notification: Notification): Promise<boolean> {
    if (this.#parts.hasLeft(notification.topic)) return this.#drop(notification, 'unregistered')
    const verdict = this.#parts.taken.verdict(notification)
    if (verdict === 'repeat') return this.#drop(notification, 'repeat')
    if (verdict === 'outdated') return this.#drop(notification, 'overtaken')
    await this.#ready.promise
    return this.#handler ? this.#handle(this.#handler, notification) : false
  }

  async #handle(handler: NotificationHandler, notification: Notification): Promise<boolean> {
    const { id, topic } = notification
    try {
      await handler(notification)
    } catch (thrown) {
      const message = `the handler failed on notification ${id}, which will come again: ${messageOf(thrown)}`
      this.#parts.report(fault('HandlerFailed', message, { topic, cause: thrown }))
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

  #drop({ id, topic }: Notification, why: DropCause): true {
    this.#parts.log(`notification ${id} for ${topic} dropped: ${dropText[why]}`)
    this.#parts.dropped({ id, topic, why })
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
