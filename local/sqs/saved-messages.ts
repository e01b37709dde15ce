import { rm } from 'node:fs/promises'
import { readJsonFile, writeJsonFile } from '../persist.ts'
import type { Message, Queue } from './engine.ts'

/** Messages of all queues over a clean restart: written at the end, read at the start. */
export class SavedMessages {
  readonly #file: string | undefined
  readonly #byArn = new Map<string, SavedQueue>()

  constructor(file: string | undefined) {
    this.#file = file
  }

  async load(): Promise<void> {
    if (this.#file === undefined) return
    const saved = await readJsonFile(this.#file, asSavedQueues)
    for (const queue of saved ?? []) this.#byArn.set(queue.arn, queue)
  }

  /** Puts back what a queue held; for a queue that was in use when its messages were written. */
  restore(queue: Queue): void {
    const saved = this.#byArn.get(queue.arn)
    if (saved === undefined) return
    this.#byArn.delete(queue.arn)
    queue.sequenceCounter = saved.sequenceCounter
    const oldest = Date.now() - Number(queue.attributes.MessageRetentionPeriod) * 1000
    for (const message of saved.messages) {
      if (message.sentTimestamp >= oldest) queue.enqueue(message)
    }
  }

  /** Writes what is undelivered, and what belongs to queues that were not made this time. */
  async save(queues: readonly Queue[]): Promise<void> {
    if (this.#file === undefined) return
    const all = [...queues.map(savedQueue), ...this.#byArn.values()]
    const held = all.filter(
      ({ messages, sequenceCounter }) => messages.length + sequenceCounter > 0,
    )
    if (held.length === 0) await rm(this.#file, { force: true })
    else await writeJsonFile(this.#file, held)
  }
}

interface SavedQueue {
  readonly arn: string
  readonly sequenceCounter: number
  readonly messages: readonly Message[]
}

/** Messages in flight go first: they were received before the others. */
function savedQueue(queue: Queue): SavedQueue {
  const { ready, delayed, inflight } = queue.inspectMessages()
  const messages = [...inflight.map(({ message }) => message), ...ready, ...delayed]
  return { arn: queue.arn, sequenceCounter: queue.sequenceCounter, messages }
}

function asSavedQueues(value: unknown): SavedQueue[] {
  const good = Array.isArray(value) && value.every(isSavedQueue)
  if (!good) throw new Error('it does not hold queues')
  return value
}

function isSavedQueue(value: unknown): value is SavedQueue {
  const { arn, messages } = value as Partial<SavedQueue>
  return typeof arn === 'string' && Array.isArray(messages)
}
