import { randomUUID } from 'node:crypto'
import { SqsError } from './error.ts'
import type { Json } from './json.ts'
import type { Message } from './message.ts'
import type { Queue } from './queue.ts'
import type { Queues } from './queues.ts'

/**
 * StartMessageMoveTask: takes messages out of a dead-letter queue, back to the queues they came from or to
 * one that is named. Here a task is over at once, so it can be listed but never canceled.
 */
export class MessageMoves {
  readonly #queues: Queues
  readonly #tasks: Json[] = []

  constructor(queues: Queues) {
    this.#queues = queues
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
    const queue = typeof arn === 'string' ? this.#queues.byArn(arn) : undefined
    if (queue !== undefined) return queue
    throw new SqsError('ResourceNotFoundException', `There is no queue ${arn}.`, 404)
  }

  #move(from: Queue, to: Queue | undefined): number {
    return from.moveOut((message) => {
      const target = to ?? this.#sourceOf(from, message)
      target?.enqueue(asNew(message))
      return target !== undefined
    })
  }

  #sourceOf(from: Queue, message: Message): Queue | undefined {
    if (message.sourceArn !== undefined) return this.#queues.byArn(message.sourceArn)
    // A message sent straight to the dead-letter queue goes to the only queue that redrives to it.
    const sources = this.#queues.feeding(from)
    return sources.length === 1 ? sources[0] : undefined
  }
}

function asNew({ sourceArn: _, ...message }: Message): Message {
  return { ...message, approximateReceiveCount: 0, delayUntil: undefined }
}
