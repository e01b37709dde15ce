import { messageOf } from './cloud-start-error.ts'
import type { Log } from './types.ts'

/** What has to be undone, in the opposite order of its doing. */
export class Cleanup {
  readonly #log: Log
  readonly #tasks: (() => unknown)[] = []
  #running: Promise<void> | undefined

  constructor(log: Log) {
    this.#log = log
  }

  add(task: () => unknown): void {
    this.#tasks.push(task)
  }

  /** Does every task once, also when one fails: failures are logged. More calls wait for the first. */
  run(): Promise<void> {
    this.#running ??= this.#run()
    return this.#running
  }

  async #run(): Promise<void> {
    for (let task = this.#tasks.pop(); task; task = this.#tasks.pop()) {
      try {
        await task()
      } catch (error) {
        this.#log('cloud', `while stopping: ${messageOf(error)}`)
      }
    }
  }
}
