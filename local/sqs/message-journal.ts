import { type Journal, openJournal } from '../journal.ts'
import type { Message, Queue } from './engine.ts'

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

/** Lines after which the file is written anew: about 30 MB of notifications. */
const compactAfter = 20_000

/**
 * The messages of all queues on disk, so that what SQS has taken outlives a killed process, as it
 * would on AWS. How often a message was received survives an orderly end only.
 */
export class MessageJournal {
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

  /** Puts back what a queue held, and from now on writes down what becomes of its messages. */
  adopt(queue: Queue): void {
    this.#restore(queue)
    this.#queues.add(queue)
    if (this.#journal) follow(queue, this.#journal)
  }

  /** A queue is deleted with what it holds. */
  abandon(queue: Queue): void {
    this.#queues.delete(queue)
    this.#journal?.append({ emptied: queue.arn })
  }

  close(): void {
    this.#journal?.compact()
    this.#journal?.close()
  }

  #restore(queue: Queue): void {
    queue.sequenceCounter = Math.max(queue.sequenceCounter, this.#sequences.get(queue.arn) ?? 0)
    this.#sequences.delete(queue.arn)
    const oldest = Date.now() - Number(queue.attributes.MessageRetentionPeriod) * 1000
    for (const [id, { queue: arn, message }] of this.#unclaimed) {
      if (arn !== queue.arn) continue
      this.#unclaimed.delete(id)
      if (message.sentTimestamp >= oldest) queue.enqueue(message)
    }
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
      if (queue.sequenceCounter > 0) yield { queue: queue.arn, sequence: queue.sequenceCounter }
      for (const message of messagesOf(queue)) yield { queue: queue.arn, message }
    }
    for (const [queue, sequence] of this.#sequences) yield { queue, sequence }
    yield* this.#unclaimed.values()
  }
}

/** Messages in flight go first: they were received before the others. */
function messagesOf(queue: Queue): Message[] {
  const { ready, delayed, inflight } = queue.inspectMessages()
  return [...inflight.map(({ message }) => message), ...ready, ...delayed]
}

/**
 * The engine tells nobody of its changes, so the queue's own methods are wrapped. The change comes
 * before its line: a line may have the file written anew, from what the queues hold then.
 */
function follow(queue: Queue, journal: Journal<Entry>): void {
  const { enqueue, deleteMessage, purge } = queue
  queue.enqueue = (message) => {
    enqueue.call(queue, message)
    journal.append({ queue: queue.arn, message })
  }
  queue.deleteMessage = (handle) => {
    const held = queue.inflightMessages.get(handle)
    const deleted = deleteMessage.call(queue, handle)
    // one that comes again because this line was lost is what SQS may do anyway
    if (held) journal.appendSoon({ gone: held.message.messageId })
    return deleted
  }
  queue.purge = () => {
    purge.call(queue)
    journal.append({ emptied: queue.arn })
  }
}
