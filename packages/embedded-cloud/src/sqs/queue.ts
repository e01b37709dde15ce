import { randomUUID } from 'node:crypto'
import type { Message } from './message.ts'
import { Tally } from './tally.ts'

/** Is told what happens to messages, always after it has happened. */
export interface QueueObserver {
  put(queue: Queue, message: Message): void
  gone(message: Message): void
  emptied(queue: Queue): void
}

/** A message that was received: in flight under its receipt handle. */
export interface Delivery {
  readonly receiptHandle: string
  readonly message: Message
}

interface Held {
  readonly message: Message
  /** Milliseconds since 1970. */
  until: number
}

/** SQS's defaults (sqs:API_SetQueueAttributes). */
const defaults: Readonly<Record<string, string>> = {
  VisibilityTimeout: '30',
  DelaySeconds: '0',
  MaximumMessageSize: '1048576',
  MessageRetentionPeriod: '345600',
  ReceiveMessageWaitTimeSeconds: '0',
}

export interface QueueName {
  readonly name: string
  readonly url: string
  readonly arn: string
}

/**
 * One queue: messages that wait, are delayed or in flight, and receivers that wait for them. In a FIFO
 * queue a message waits while one of its group is in flight, so a receive gives one of each group.
 */
export class Queue {
  readonly name: string
  readonly url: string
  readonly arn: string
  readonly tags = new Map<string, string>()
  readonly created = Date.now()
  attributes: Readonly<Record<string, string>>
  #modified = this.created
  /** Of the newest message of a FIFO queue. */
  #sequence = 0
  #ready: Message[] = []
  readonly #readyOf = new Tally()
  readonly #delayed = new Map<string, Held>()
  readonly #inFlight = new Map<string, Held>()
  readonly #inFlightOf = new Tally()
  readonly #busyGroups = new Set<string | undefined>()
  readonly #waiters = new Set<() => void>()
  readonly #observer: QueueObserver
  /** No held message is due before. */
  #nextDue = Number.POSITIVE_INFINITY
  #timer: NodeJS.Timeout | undefined
  #closed = false

  constructor(name: QueueName, attributes: Record<string, string>, observer: QueueObserver) {
    this.name = name.name
    this.url = name.url
    this.arn = name.arn
    this.attributes = { ...defaults, ...attributes }
    this.#observer = observer
  }

  get isFifo(): boolean {
    return this.attributes.FifoQueue === 'true'
  }

  /** Ends all receives at once, permanently. */
  get closed(): boolean {
    return this.#closed
  }

  get sequence(): number {
    return this.#sequence
  }

  get modified(): number {
    return this.#modified
  }

  depth(): { readonly visible: number; readonly inFlight: number; readonly delayed: number } {
    this.#bringBack()
    return {
      visible: this.#ready.length,
      inFlight: this.#inFlight.size,
      delayed: this.#delayed.size,
    }
  }

  setAttributes(attributes: Readonly<Record<string, string>>): void {
    this.attributes = { ...this.attributes, ...attributes }
    this.#modified = Date.now()
  }

  /** The number of the next message of a FIFO queue. */
  nextSequenceNumber(): string {
    this.#sequence += 1
    return String(this.#sequence).padStart(20, '0')
  }

  enqueue(message: Message): void {
    this.#place(message)
    this.#observer.put(this, message)
  }

  /** Takes back what an earlier process held, in its order; nobody is told. */
  restore(messages: Iterable<Message>, sequence: number): void {
    this.#sequence = Math.max(this.#sequence, sequence)
    for (const message of messages) this.#place(message)
  }

  /** In flight first: those were received before the others. */
  *messages(): Iterable<Message> {
    for (const { message } of this.#inFlight.values()) yield message
    yield* this.#ready
    for (const { message } of this.#delayed.values()) yield message
  }

  /**
   * Up to `max` messages, invisible to others for this many seconds. A message that was received
   * too often goes to the dead-letter queue instead, if there is one.
   */
  receive(
    max: number,
    visibilitySeconds: number | undefined,
    findQueue: (arn: string) => Queue | undefined,
  ): Delivery[] {
    this.#bringBack()
    const seconds = visibilitySeconds ?? Number(this.attributes.VisibilityTimeout)
    const redrive = this.#redrive(findQueue)
    const deliveries: Delivery[] = []
    while (deliveries.length < max) {
      const message = this.#take()
      if (message === undefined) break
      countReceive(message)
      if (!redrive(message)) deliveries.push(this.#deliver(message, seconds))
    }
    return deliveries
  }

  /** False when no message is in flight under this handle. */
  delete(receiptHandle: string): boolean {
    const held = this.#land(receiptHandle)
    if (held === undefined) return false
    if (this.isFifo) this.#wakeIfReady()
    this.#observer.gone(held.message)
    return true
  }

  /** False when no message is in flight under this handle. */
  changeVisibility(receiptHandle: string, seconds: number): boolean {
    const held = this.#inFlight.get(receiptHandle)
    if (held === undefined) return false
    held.until = Date.now() + seconds * 1000
    this.#due(held.until)
    if (seconds === 0) this.#bringBack()
    return true
  }

  isInFlight(receiptHandle: string): boolean {
    return this.#inFlight.has(receiptHandle)
  }

  purge(): void {
    this.#ready = []
    this.#readyOf.reset()
    this.#delayed.clear()
    this.#inFlight.clear()
    this.#inFlightOf.reset()
    this.#busyGroups.clear()
    this.#observer.emptied(this)
  }

  /**
   * Removes the waiting messages that `move` has put elsewhere: one by one, so that at any moment
   * at most one is in two queues, and none is in neither. Returns how many.
   */
  moveOut(move: (message: Message) => boolean): number {
    this.#bringBack()
    const before = [...this.#ready]
    for (const message of before)
      if (move(message)) this.#ready.splice(this.#ready.indexOf(message), 1)
    this.#readyOf.reset(this.#ready)
    return before.length - this.#ready.length
  }

  /** SQS drops what waits longer than MessageRetentionPeriod. */
  dropOld(): void {
    const oldest = Date.now() - Number(this.attributes.MessageRetentionPeriod) * 1000
    if (!this.#ready.some(({ sentTimestamp }) => sentTimestamp < oldest)) return
    this.#ready = this.#ready.filter(({ sentTimestamp }) => sentTimestamp >= oldest)
    this.#readyOf.reset(this.#ready)
  }

  /** Resolves when there may be a message, after this many milliseconds, or through `wake`. */
  wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer)
        this.#waiters.delete(end)
        if (this.#waiters.size === 0) clearTimeout(this.#timer)
        resolve()
      }
      const timer = setTimeout(end, ms)
      this.#waiters.add(end)
      this.#setTimer()
    })
  }

  /** Ends every wait. */
  wake(): void {
    for (const end of [...this.#waiters]) end()
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
    this.wake()
  }

  #place(message: Message): void {
    const { messageId, delayUntil = 0 } = message
    if (delayUntil > Date.now()) this.#delay(messageId, { message, until: delayUntil })
    else this.#makeReady([message])
  }

  #delay(messageId: string, held: Held): void {
    this.#delayed.set(messageId, held)
    this.#due(held.until)
  }

  #makeReady(messages: readonly Message[]): void {
    this.#ready.push(...messages)
    for (const { messageGroupId } of messages) this.#readyOf.add(messageGroupId)
    // a message that comes back goes before those that were sent after it
    if (this.isFifo) this.#ready.sort(bySequence)
    this.#wakeIfReady()
  }

  #wakeIfReady(): void {
    if (this.#ready.length > 0) this.wake()
  }

  #take(): Message | undefined {
    const place = this.isFifo ? this.#nextInOrder() : this.#nextInFairness()
    const [message] = place < 0 ? [] : this.#ready.splice(place, 1)
    if (message) this.#readyOf.remove(message.messageGroupId)
    return message
  }

  #nextInOrder(): number {
    return this.#ready.findIndex(({ messageGroupId }) => !this.#busyGroups.has(messageGroupId))
  }

  /**
   * The message that has waited longest in the group with the fewest messages in flight. SQS does
   * this once a group has a tenth of the messages in flight, or of the consumers' time
   * (sqs-fair-queues-detailed).
   */
  #nextInFairness(): number {
    let [next, fewest] = [-1, Number.POSITIVE_INFINITY]
    const seen = new Set<string | undefined>()
    for (const [place, { messageGroupId: group }] of this.#ready.entries()) {
      if (seen.has(group)) continue
      seen.add(group)
      const flying = group === undefined ? 0 : this.#inFlightOf.count(group)
      if (flying < fewest) [next, fewest] = [place, flying]
      if (fewest === 0 || seen.size === this.#readyOf.size) break
    }
    return next
  }

  #deliver(message: Message, seconds: number): Delivery {
    const receiptHandle = randomUUID()
    const until = Date.now() + seconds * 1000
    this.#inFlight.set(receiptHandle, { message, until })
    this.#inFlightOf.add(message.messageGroupId)
    if (this.isFifo) this.#busyGroups.add(message.messageGroupId)
    this.#due(until)
    return { receiptHandle, message }
  }

  /** Ends the flight of a message. */
  #land(receiptHandle: string): Held | undefined {
    const held = this.#inFlight.get(receiptHandle)
    if (!held) return undefined
    this.#inFlight.delete(receiptHandle)
    this.#inFlightOf.remove(held.message.messageGroupId)
    this.#busyGroups.delete(held.message.messageGroupId)
    return held
  }

  #redrive(findQueue: (arn: string) => Queue | undefined): (message: Message) => boolean {
    const { RedrivePolicy } = this.attributes
    if (RedrivePolicy === undefined) return () => false
    const { deadLetterTargetArn, maxReceiveCount } = JSON.parse(RedrivePolicy)
    const target = findQueue(deadLetterTargetArn)
    return (message) => {
      if (target === undefined || message.approximateReceiveCount <= Number(maxReceiveCount))
        return false
      message.sourceArn = this.arn
      target.enqueue(message)
      return true
    }
  }

  /** Makes messages visible whose hiding time is over. */
  #bringBack(): void {
    const now = Date.now()
    if (now < this.#nextDue) return
    const landed = dueKeys(this.#inFlight, now).map((handle) => this.#land(handle)?.message)
    const delayed = dueKeys(this.#delayed, now).map((id) => {
      const held = this.#delayed.get(id)
      this.#delayed.delete(id)
      return held?.message
    })
    this.#nextDue = Math.min(earliest(this.#inFlight), earliest(this.#delayed))
    this.#makeReady([...landed, ...delayed].filter((message) => message !== undefined))
  }

  /** A message is held until then. */
  #due(until: number): void {
    if (until >= this.#nextDue) return
    this.#nextDue = until
    this.#setTimer()
  }

  /** Only while someone waits: a new caller looks for itself. */
  #setTimer(): void {
    clearTimeout(this.#timer)
    if (this.#closed || this.#waiters.size === 0 || !Number.isFinite(this.#nextDue)) return
    const look = () => {
      this.#bringBack()
      this.#setTimer()
    }
    this.#timer = setTimeout(look, Math.max(1, this.#nextDue - Date.now()))
  }
}

function countReceive(message: Message): void {
  message.approximateReceiveCount += 1
  message.approximateFirstReceiveTimestamp ??= Date.now()
}

function bySequence(a: Message, b: Message): number {
  return Number(a.sequenceNumber ?? 0) - Number(b.sequenceNumber ?? 0)
}

function dueKeys(held: ReadonlyMap<string, Held>, now: number): string[] {
  return [...held].filter(([, { until }]) => until <= now).map(([key]) => key)
}

function earliest(held: ReadonlyMap<string, Held>): number {
  let first = Number.POSITIVE_INFINITY
  for (const { until } of held.values()) first = Math.min(first, until)
  return first
}
