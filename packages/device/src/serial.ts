/** Runs tasks one after the other; a task that fails does not stop the next. */
export class Serial {
  #last: Promise<unknown> = Promise.resolve()

  run<Result>(task: () => Promise<Result>): Promise<Result> {
    const result = this.#last.then(task, task)
    this.#last = result.catch(() => {})
    return result
  }

  /** Resolves when all tasks given so far have ended. */
  async idle(): Promise<void> {
    await this.#last
  }
}
