import { type Journal, openJournal } from '../journal.ts'
import type { Message } from './message.ts'
import type { Queue, QueueObserver } from './queue.ts'

/** A message is where its last line says, until it is gone. */
type Entry =
  | { readonly queue: string; readonly message: Message }
  | { readonly queue: string; readonly sequence: number }
  | { readonly gone: string }
  | { readonly emptied: string }

interface Place {
  readonly queue: string
  readonly message: Message
}

/** Lines after which the file is rewritten: about 30 MB of notifications. */
const compactAfter = 20_000

/**
 * The messages of all queues on disk, so that what SQS has taken outlives a killed process, as it
 * would on AWS. How often a message was received survives an orderly end only.
 */
export class MessageJournal implements QueueObserver {
  readonly #journal: Journal<Entry> | undefined
  readonly #queues = new Set<Queue>()
  /** By message id, of queues that are not made yet. */
  readonly #unclaimed = new Map<string, Place>()
  /** Of FIFO queues that are not made yet, by ARN. */
  readonly #sequences = new Map<string, number>()

  /** Without a file nothing is kept. Throws a `DamagedStateError`. */
  constructor(file: string | undefined) {
    if (file === undefined) return
    this.#journal = openJournal<Entry>({
      file,
      compactAfter,
      replay: (entry) => this.#replay(entry),
      snapshot: () => this.#snapshot(),
    })
  }

  /** Puts back what a queue of this ARN held. */
  adopt(queue: Queue): void {
    queue.restore(this.#claim(queue), this.#sequences.get(queue.arn) ?? 0)
    this.#sequences.delete(queue.arn)
    this.#queues.add(queue)
  }

  /** A queue is deleted with its messages. */
  abandon(queue: Queue): void {
    this.#queues.delete(queue)
    this.emptied(queue)
  }

  put(queue: Queue, message: Message): void {
    this.#journal?.append({ queue: queue.arn, message })
  }

  /** A message that comes again because its line was lost is what SQS may do anyway. */
  gone({ messageId }: Message): void {
    this.#journal?.appendSoon({ gone: messageId })
  }

  emptied(queue: Queue): void {
    this.#journal?.append({ emptied: queue.arn })
  }

  close(): void {
    this.#journal?.compact()
    this.#journal?.close()
  }

  /** The messages that this queue held, apart from those that SQS would have dropped since. */
  #claim(queue: Queue): Message[] {
    const held = [...this.#unclaimed].filter(([, place]) => place.queue === queue.arn)
    for (const [id] of held) this.#unclaimed.delete(id)
    const oldest = Date.now() - Number(queue.attributes.MessageRetentionPeriod) * 1000
    return held.flatMap(([, { message }]) => (message.sentTimestamp >= oldest ? [message] : []))
  }

  #replay(entry: Entry): void {
    if ('gone' in entry) this.#unclaimed.delete(entry.gone)
    else if ('emptied' in entry) this.#empty(entry.emptied)
    else if ('sequence' in entry) this.#sequences.set(entry.queue, entry.sequence)
    else this.#put(entry)
  }

  #put(place: Place): void {
    const { queue, message } = place
    if (typeof queue !== 'string' || typeof message?.messageId !== 'string')
      throw new Error('it does not hold a message')
    // a message that has moved goes to the end of its new queue
    this.#unclaimed.delete(message.messageId)
    this.#unclaimed.set(message.messageId, place)
    const sequence = Number(message.sequenceNumber ?? 0)
    if (sequence > (this.#sequences.get(queue) ?? 0)) this.#sequences.set(queue, sequence)
  }

  #empty(arn: string): void {
    for (const [id, { queue }] of this.#unclaimed) if (queue === arn) this.#unclaimed.delete(id)
  }

  *#snapshot(): Iterable<Entry> {
    for (const queue of this.#queues) {
      if (queue.sequence > 0) yield { queue: queue.arn, sequence: queue.sequence }
      for (const message of queue.messages()) yield { queue: queue.arn, message }
    }
    for (const [queue, sequence] of this.#sequences) yield { queue, sequence }
    yield* this.#unclaimed.values()
  }
}
