import { setTimeout } from 'node:timers/promises'
import { Failure } from '../failure.ts'

/** How long a campaign tries, and how it waits; milliseconds. */
export interface Patience {
  /** Before the second attempt; it doubles from there. */
  readonly firstWaitMs: number
  readonly longestWaitMs: number
  /** Time without a request that was answered with results, before the campaign ends. */
  readonly giveUpAfterMs: number
  /** Attempts for the same recipients without a single acceptance, before others come first. */
  readonly idleAttempts: number
  /**
   * How long a request whose answer was lost may be repeated: the service knows an id for ten minutes, and
   * some of those pass in its queue.
   */
  readonly repeatWithinMs: number
}

export const patience: Patience = {
  firstWaitMs: 500,
  longestWaitMs: 30_000,
  giveUpAfterMs: 5 * 60_000,
  idleAttempts: 8,
  repeatWithinMs: 8 * 60_000,
}

/** Ends a wait early because the user wants the command to end. */
export class Interrupted extends Error {}

export interface PaceParts {
  readonly patience: Patience
  readonly stop: AbortSignal
  now(): number
  /** Waits; rejects when the signal fires. */
  wait?(ms: number, stop: AbortSignal): Promise<void>
}

/** When the next request may go: all of them wait while the service asks for it or is away. */
export class Pace {
  readonly #parts: PaceParts
  #failures = 0
  #notBefore = 0
  #lastGood: number

  constructor(parts: PaceParts) {
    this.#parts = parts
    this.#lastGood = parts.now()
  }

  /** Resolves when it is time. */
  async turn(): Promise<void> {
    const { now, stop } = this.#parts
    for (;;) {
      if (stop.aborted) throw new Interrupted()
      const ms = this.#notBefore - now()
      if (ms <= 0) return
      await this.pause(ms)
    }
  }

  /** The service answered. */
  good(): void {
    this.#failures = 0
    this.#lastGood = this.#parts.now()
  }

  /**
   * It did not answer, or wants no more for now.
   *
   * @throws Failure if this has lasted for too long.
   */
  bad(why: string, retryAfterMs?: number): void {
    const { now, patience: limits } = this.#parts
    const since = now() - this.#lastGood
    if (since > limits.giveUpAfterMs)
      throw new Failure('unreachable', `${why}, for ${Math.round(since / 60_000)} min`)
    this.#failures += 1
    const ms = Math.max(
      this.backOff(this.#failures),
      Math.min(retryAfterMs ?? 0, limits.giveUpAfterMs),
    )
    this.#notBefore = Math.max(this.#notBefore, now() + ms)
  }

  /**
   * Milliseconds to wait after this many failures in a row; random, so that not all come at once.
   */
  backOff(failures: number): number {
    const { firstWaitMs, longestWaitMs } = this.#parts.patience
    const most = Math.min(longestWaitMs, firstWaitMs * 2 ** (failures - 1))
    return most * (0.5 + Math.random() / 2)
  }

  async pause(ms: number): Promise<void> {
    const { stop, wait = waitFor } = this.#parts
    try {
      await wait(ms, stop)
    } catch {
      throw new Interrupted()
    }
  }
}

async function waitFor(ms: number, signal: AbortSignal): Promise<void> {
  await setTimeout(ms, undefined, { signal })
}
