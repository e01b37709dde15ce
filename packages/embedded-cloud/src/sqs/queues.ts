import type { Queue } from './queue.ts'

/** All queues, in the order in which they were made. */
export class Queues {
  readonly #byName = new Map<string, Queue>()

  add(queue: Queue): void {
    this.#byName.set(queue.name, queue)
  }

  remove(queue: Queue): void {
    this.#byName.delete(queue.name)
    queue.close()
  }

  byName(name: string): Queue | undefined {
    return this.#byName.get(name)
  }

  byArn(arn: string): Queue | undefined {
    const queue = this.#byName.get(arn.slice(arn.lastIndexOf(':') + 1))
    return queue?.arn === arn ? queue : undefined
  }

  list(): Queue[] {
    return [...this.#byName.values()]
  }

  /** The queues whose redrive policy names `queue`. */
  feeding(queue: Queue): Queue[] {
    return this.list().filter(({ attributes }) => {
      if (attributes.RedrivePolicy === undefined) return false
      return JSON.parse(attributes.RedrivePolicy).deadLetterTargetArn === queue.arn
    })
  }
}
