import { randomUUID } from 'node:crypto'
import type { Engine, Json, Message, Queue } from './engine.ts'

/**
 * StartMessageMoveTask: takes messages out of a dead-letter queue, back to the queues they came from or to
 * one that is named. Here a task is over at once, so it can be listed but never cancelled.
 */
export class MessageMoves {
  readonly #engine: Engine
  readonly #tasks: Json[] = []

  constructor(engine: Engine) {
    this.#engine = engine
  }

  start(input: Json): Json {
    const { SourceArn, DestinationArn } = input
    const from = this.#find(SourceArn)
    const to = DestinationArn === undefined ? undefined : this.#find(DestinationArn)
    const moved = this.#move(from, to)
    this.#tasks.unshift({
      Status: 'COMPLETED',
      SourceArn,
      ...(DestinationArn === undefined ? {} : { DestinationArn }),
      ApproximateNumberOfMessagesMoved: moved,
      ApproximateNumberOfMessagesToMove: moved,
      StartedTimestamp: Date.now(),
    })
    return { TaskHandle: randomUUID() }
  }

  list({ SourceArn, MaxResults }: Json): Json {
    const tasks = this.#tasks.filter((task) => task.SourceArn === SourceArn)
    return { Results: tasks.slice(0, typeof MaxResults === 'number' ? MaxResults : 1) }
  }

  #find(arn: unknown): Queue {
    const queue = typeof arn === 'string' ? this.#engine.store.getQueueByArn(arn) : undefined
    if (queue !== undefined) return queue
    throw new this.#engine.SqsError('ResourceNotFoundException', `There is no queue ${arn}.`, 404)
  }

  /** One by one, so that at no moment more than one message is in two queues, and none is in neither. */
  #move(from: Queue, to: Queue | undefined): number {
    const before = [...from.messages]
    let moved = 0
    for (const message of before) {
      const target = to ?? this.#sourceOf(from, message)
      if (target === undefined) continue
      target.enqueue(asNew(message))
      from.messages.splice(from.messages.indexOf(message), 1)
      moved += 1
    }
    return moved
  }

  #sourceOf(from: Queue, message: Message): Queue | undefined {
    const { store } = this.#engine
    if (message.sourceArn !== undefined) return store.getQueueByArn(message.sourceArn)
    // A message sent straight to the dead-letter queue goes to the only queue that redrives to it.
    const sources = deadLetterSources(store.listQueues(), from)
    return sources.length === 1 ? sources[0] : undefined
  }
}

function asNew({ sourceArn: _, ...message }: Message): Message {
  return { ...message, approximateReceiveCount: 0, delayUntil: undefined }
}

/** The queues whose redrive policy names `queue`. */
export function deadLetterSources(queues: readonly Queue[], queue: Queue): Queue[] {
  return queues.filter(({ attributes }) => {
    if (attributes.RedrivePolicy === undefined) return false
    return JSON.parse(attributes.RedrivePolicy).deadLetterTargetArn === queue.arn
  })
}
