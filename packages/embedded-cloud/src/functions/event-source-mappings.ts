import type { MappingSettings, RunningMapping } from './mapping.ts'
import { type QueueMappingHost, startQueueMapping } from './queue-mapping.ts'
import { type StreamMappingHost, startStreamMapping } from './stream-mapping.ts'

/** The event source mappings of all stacks; they start together once everything else exists. */
export class EventSourceMappings {
  readonly #host: QueueMappingHost & StreamMappingHost
  #settings: MappingSettings[] = []
  readonly #running = new Map<string, RunningMapping>()

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
    for (const { functionArn, name } of this.#settings)
      this.#host.functions.addSource(functionArn, name)
    for (const settings of this.#settings) {
      const begin = isQueue(settings.sourceArn) ? startQueueMapping : startStreamMapping
      this.#running.set(settings.name, begin(settings, this.#host))
    }
  }

  /** Ends one of them; waits for its invocations in progress. */
  async remove(name: string): Promise<void> {
    this.#settings = this.#settings.filter((settings) => settings.name !== name)
    await this.#running.get(name)?.stop()
    this.#running.delete(name)
  }

  /** Takes no more events; waits for the invocations in progress. */
  async stop(): Promise<void> {
    const running = [...this.#running.values()]
    this.#running.clear()
    await Promise.all(running.map((mapping) => mapping.stop()))
  }
}

function isQueue(arn: string): boolean {
  return arn.split(':')[2] === 'sqs'
}
