import type { MappingSettings, RunningMapping } from './mapping.ts'
import { type QueueMappingHost, startQueueMapping } from './queue-mapping.ts'
import { type StreamMappingHost, startStreamMapping } from './stream-mapping.ts'

/** The event source mappings of all stacks; they start together when everything else is there. */
export class EventSourceMappings {
  readonly #host: QueueMappingHost & StreamMappingHost
  readonly #settings: MappingSettings[] = []
  #running: RunningMapping[] = []

  constructor(host: QueueMappingHost & StreamMappingHost) {
    this.#host = host
  }

  add(settings: MappingSettings): void {
    this.#settings.push(settings)
  }

  /** ARNs of the queues that feed a function. */
  get queueArns(): string[] {
    return this.#settings.map(({ sourceArn }) => sourceArn).filter(isQueue)
  }

  start(): void {
    this.#running = this.#settings.map((settings) =>
      isQueue(settings.sourceArn)
        ? startQueueMapping(settings, this.#host)
        : startStreamMapping(settings, this.#host),
    )
  }

  /** Takes no more events; waits for the invocations in progress. */
  async stop(): Promise<void> {
    await Promise.all(this.#running.splice(0).map((mapping) => mapping.stop()))
  }
}

function isQueue(arn: string): boolean {
  return arn.split(':')[2] === 'sqs'
}
