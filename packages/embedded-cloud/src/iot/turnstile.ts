/** Milliseconds between two checks whether it may continue. */
const pauseMs = 2
/** How much one key may have waiting: as many messages as a connection may have unacknowledged (IoT Core quotas). */
const mostWaiting = 100

/**
 * Lets one piece of work through in each turn of the event loop, and nothing while `isBusy`;
 * clients with work waiting take turns. A burst from one client then delays neither the others nor
 * the rest of this process.
 */
export class Turnstile<Key> {
  readonly #isBusy: () => boolean
  readonly #waiting = new Map<Key, (() => void)[]>()
  #isTurning = false

  constructor(isBusy: () => boolean) {
    this.#isBusy = isBusy
  }

  /**
   * Runs the work now if nobody waits, or in its turn; in order for each key. False: too much is
   * waiting, and it never runs.
   */
  pass(key: Key, work: () => void): boolean {
    const queue = this.#waiting.get(key)
    if (queue && queue.length >= mostWaiting) return false
    if (queue) queue.push(work)
    else this.#waiting.set(key, [work])
    if (!this.#isTurning) this.#turn()
    return true
  }

  #turn(): void {
    this.#isTurning = this.#waiting.size > 0
    if (!this.#isTurning) return
    if (this.#isBusy()) {
      setTimeout(() => this.#turn(), pauseMs)
      return
    }
    this.#next()
    setImmediate(() => this.#turn())
  }

  #next(): void {
    const [first] = this.#waiting
    if (!first) return
    const [key, queue] = first
    const work = queue.shift()
    // re-inserted behind the others
    this.#waiting.delete(key)
    if (queue.length > 0) this.#waiting.set(key, queue)
    work?.()
  }
}
