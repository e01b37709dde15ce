import { randomUUID } from 'node:crypto'
import { messageOf } from '../cloud-start-error.ts'
import { FunctionFault } from '../types.ts'
import type { FunctionDefinition } from './definition.ts'
import { type EnvironmentSettings, ExecutionEnvironment } from './execution-environment.ts'

/**
 * Milliseconds that an invocation waits for a busy environment before another one is started: starting
 * one takes longer than most invocations, and memory.
 */
const growAfterMs = 20
/**
 * The same for one beyond those that are started readily. One that there is no processor for only
 * takes turns with the others, and is slow while its code is new; but the others may be stuck, waiting
 * for devices that do not answer.
 */
const growLaterAfterMs = 300
/** Milliseconds after which an environment that is not needed ends; one always stays. */
const idleAfterMs = 30_000

interface Waiter {
  readonly payload: string
  readonly requestId: string
  /** Milliseconds of `performance.now()`, as the next. */
  readonly since: number
  /** Whoever asked has left by then. */
  readonly until: number
  resolve(payload: string): void
  reject(fault: FunctionFault): void
}

interface Idle {
  readonly environment: ExecutionEnvironment
  readonly since: number
}

/** How many environments a function may have at most, and how many as soon as they are waited for. */
export interface PoolSize {
  readonly maximum: number
  readonly readily: number
}

/**
 * The execution environments of one function. Each runs one invocation at a time; more are started
 * while invocations wait, up to the cap, and beyond it invocations wait their turn in order.
 */
export class EnvironmentPool {
  readonly definition: FunctionDefinition
  readonly #settings: EnvironmentSettings
  readonly #cap: number
  readonly #readily: number
  readonly #live = new Set<ExecutionEnvironment>()
  /** The one that worked last is last, and works next. */
  readonly #idle: Idle[] = []
  readonly #waiting: Waiter[] = []
  #runs = 0
  #starting = false
  #growth: NodeJS.Timeout | undefined
  #closed = false

  /** A smaller reserved concurrency of the template wins over `maximum`. */
  constructor(
    definition: FunctionDefinition,
    settings: EnvironmentSettings,
    { maximum, readily }: PoolSize,
  ) {
    this.definition = definition
    this.#settings = settings
    this.#readily = readily
    this.#cap = Math.min(maximum, definition.reservedConcurrency ?? maximum)
  }

  /** How many invocations can run at the same time. */
  get cap(): number {
    return this.#cap
  }

  /** How many invocations find an environment, or one that starts at once. */
  get ready(): number {
    return Math.min(this.#cap, Math.max(this.#readily, this.#live.size))
  }

  /** How often the function was run so far. */
  get runs(): number {
    return this.#runs
  }

  /**
   * Runs the function with a JSON payload; rejects with a FunctionFault. One that has waited for
   * `patienceMs` is not run: AWS would have refused it at once, and the next would find it in the way.
   */
  invoke(
    payload: string,
    requestId: string = randomUUID(),
    patienceMs: number = Number.POSITIVE_INFINITY,
  ): Promise<string> {
    if (this.#closed) return Promise.reject(stopped(this.definition.name))
    if (this.#cap === 0) return Promise.reject(throttled())
    return new Promise((resolve, reject) => {
      const since = performance.now()
      this.#waiting.push({
        payload,
        requestId,
        since,
        until: since + patienceMs,
        resolve,
        reject,
      })
      this.#serve()
    })
  }

  /** Ends every thread now, in mid-invocation; later invocations get new ones. */
  async kill(): Promise<void> {
    await Promise.all([...this.#live].map((environment) => environment.terminate()))
  }

  /** Refuses what waits and ends every thread. */
  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#growth)
    for (const waiter of this.#waiting.splice(0)) waiter.reject(stopped(this.definition.name))
    await this.kill()
  }

  /** Ends environments that were not needed for a while. */
  reap(): void {
    const [first] = this.#idle
    if (first === undefined || this.#live.size < 2) return
    if (performance.now() - first.since > idleAfterMs) void first.environment.terminate()
  }

  /** Refuses those at the front whose caller has left. */
  #dismiss(): void {
    const now = performance.now()
    for (let first = this.#waiting[0]; first && first.until <= now; first = this.#waiting[0]) {
      this.#waiting.shift()
      first.reject(throttled())
    }
  }

  #serve(): void {
    this.#dismiss()
    while (this.#waiting.length > 0 && this.#idle.length > 0) {
      const idle = this.#idle.pop()
      const waiter = this.#waiting.shift()
      if (idle && waiter) void this.#run(idle.environment, waiter)
    }
    const full = this.#live.size >= this.#cap
    if (this.#waiting.length === 0 || this.#starting || full) return
    if (this.#live.size === 0) void this.#start()
    else this.#growth ??= setTimeout(() => this.#grow(), growAfterMs)
  }

  /** Starts one more environment if an invocation has waited for long. */
  #grow(): void {
    this.#growth = undefined
    const [first] = this.#waiting
    const waited = first === undefined ? 0 : performance.now() - first.since
    const late = waited >= (this.#live.size < this.#readily ? growAfterMs : growLaterAfterMs)
    // One at a time: what waits for the first environment may be done at once when it is there.
    if (late && !this.#starting && this.#live.size < this.#cap) void this.#start()
    else this.#serve()
  }

  async #run(environment: ExecutionEnvironment, waiter: Waiter): Promise<void> {
    this.#runs += 1
    try {
      waiter.resolve(await environment.invoke(waiter.payload, waiter.requestId))
    } catch (fault) {
      waiter.reject(asFault(fault))
    }
    this.#rest(environment)
    this.#serve()
  }

  async #start(): Promise<void> {
    this.#starting = true
    try {
      const environment = this.#open()
      await environment.ready
      this.#rest(environment)
    } catch (fault) {
      this.#refuse(asFault(fault))
    }
    this.#starting = false
    this.#serve()
  }

  /** An initialization failed: each invocation that waits would only meet the same. */
  #refuse(fault: FunctionFault): void {
    if (this.#live.size > 0) return
    for (const waiter of this.#waiting.splice(0)) waiter.reject(fault)
  }

  #rest(environment: ExecutionEnvironment): void {
    if (!this.#live.has(environment)) return
    this.#idle.push({ environment, since: performance.now() })
  }

  #open(): ExecutionEnvironment {
    const environment = new ExecutionEnvironment(this.definition, this.#settings)
    this.#live.add(environment)
    environment.onEnd(() => this.#forget(environment))
    return environment
  }

  #forget(environment: ExecutionEnvironment): void {
    this.#live.delete(environment)
    const index = this.#idle.findIndex((idle) => idle.environment === environment)
    if (index >= 0) this.#idle.splice(index, 1)
  }
}

function asFault(error: unknown): FunctionFault {
  return error instanceof FunctionFault
    ? error
    : new FunctionFault('Runtime.Unknown', messageOf(error))
}

function throttled(): FunctionFault {
  return new FunctionFault('TooManyRequestsException', 'Rate Exceeded.')
}

function stopped(name: string): FunctionFault {
  return new FunctionFault(
    'ServiceException',
    `The embedded cloud is stopping; ${name} was not run.`,
  )
}
