import { randomUUID } from 'node:crypto'
import { messageOf } from '../cloud-start-error.ts'
import { FunctionFault, type InvokeOptions } from '../types.ts'
import type { FunctionDefinition } from './definition.ts'
import type {
  EnvironmentSettings,
  ExecutionEnvironment,
  OpenEnvironment,
} from './execution-environment.ts'
import type { StartLine } from './start-line.ts'

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
/**
 * The same while this process is busy: then the environments wait for it and not for devices, and one
 * more would only make everybody slower.
 */
const growBusyAfterMs = 2_000
/** Share of the time in which the event loop of this process works, above which it counts as busy. */
const busyLoop = 0.8
/** Milliseconds after which an environment that is not needed ends; one for each event source always stays. */
const idleAfterMs = 30_000

interface Waiter extends Omit<InvokeOptions, 'patienceMs'> {
  readonly payload: Payload
  readonly requestId: string
  /** Milliseconds of `performance.now()`, as the next. */
  readonly since: number
  /** The caller has left by then. */
  readonly until: number
  resolve(payload: string): void
  reject(fault: FunctionFault): void
}

/**
 * A JSON text, or a function that makes it when its turn has come; `elapsedMs` as in
 * `InvokeOptions`.
 */
export type Payload = string | ((elapsedMs: number) => string)

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
  readonly #openEnvironment: OpenEnvironment
  readonly #line: StartLine
  readonly #maximum: number
  readonly #readily: number
  readonly #live = new Set<ExecutionEnvironment>()
  /** When the environments that have not run anything yet began to start. */
  readonly #startedAt = new Map<ExecutionEnvironment, number>()
  /** The one that ran last is at the end, and runs next. */
  readonly #idle: Idle[] = []
  readonly #waiting: Waiter[] = []
  #runs = 0
  #starting = false
  #growth: NodeJS.Timeout | undefined
  /** Event sources that keep environments busy independently of each other: how many each does. */
  readonly #sources = new Map<string, number>()
  #loop = performance.eventLoopUtilization()
  #closed = false

  /** A smaller reserved concurrency of the template wins over `maximum`. */
  constructor(
    definition: FunctionDefinition,
    settings: EnvironmentSettings,
    { maximum, readily }: PoolSize,
    openEnvironment: OpenEnvironment,
    line: StartLine,
  ) {
    this.definition = definition
    this.#settings = settings
    this.#openEnvironment = openEnvironment
    this.#line = line
    this.#readily = readily
    this.#maximum = maximum
  }

  /** How many invocations of one source can run at the same time. */
  get cap(): number {
    return Math.min(this.#maximum, this.#reserved)
  }

  /** How many invocations of one source find an environment, or one that starts at once. */
  get ready(): number {
    return Math.min(this.cap, Math.max(this.#readily, Math.floor(this.#live.size / this.#shares)))
  }

  /**
   * On AWS, each event source mapping has its own concurrency: one of them does not use up the
   * other's, unless the function's reserved concurrency is less than both.
   */
  addSource(source: string): void {
    this.#sources.set(source, 0)
  }

  get #shares(): number {
    return Math.max(1, this.#sources.size)
  }

  get #reserved(): number {
    return this.definition.reservedConcurrency ?? Number.POSITIVE_INFINITY
  }

  /** How many environments there may be for all sources together. */
  get #limit(): number {
    return Math.min(this.#maximum * this.#shares, this.#reserved)
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
    payload: Payload,
    requestId: string = randomUUID(),
    { patienceMs = Number.POSITIVE_INFINITY, ...options }: InvokeOptions = {},
  ): Promise<string> {
    if (this.#closed) return Promise.reject(stopped(this.definition.name))
    if (this.cap === 0) return Promise.reject(throttled())
    return new Promise((resolve, reject) => {
      const since = performance.now()
      this.#waiting.push({
        payload,
        requestId,
        since,
        until: since + patienceMs,
        ...options,
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
    if (first === undefined || this.#live.size <= this.#shares) return
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
    for (let next = this.#nextWaiter(); next; next = this.#nextWaiter()) {
      if (next.isWanted?.() === false) {
        next.reject(throttled())
        continue
      }
      const idle = this.#idle.pop()
      if (idle) void this.#run(idle.environment, next)
    }
    const full = this.#live.size >= this.#limit
    if (this.#waiting.length === 0 || this.#starting || full) return
    if (this.#live.size === 0) void this.#start()
    else if (this.#growth === undefined) {
      const [first] = this.#waiting
      if (first && performance.now() - first.since < growAfterMs)
        this.#loop = performance.eventLoopUtilization()
      this.#growth = setTimeout(() => this.#grow(), growAfterMs)
    }
  }

  /** The first that may have an environment now. */
  #nextWaiter(): Waiter | undefined {
    if (this.#idle.length === 0) return undefined
    const place = this.#waiting.findIndex(({ source }) => this.#idle.length > this.#kept(source))
    return place < 0 ? undefined : this.#waiting.splice(place, 1)[0]
  }

  /**
   * How many idle environments are kept for others: one for each other source that has none, so that a source
   * whose batches take long does not take the environment that another one needs next.
   */
  #kept(source: string | undefined): number {
    if (source === undefined || this.#live.size < this.#shares) return 0
    return [...this.#sources].filter(([name, busy]) => name !== source && busy === 0).length
  }

  /** Starts one more environment if an invocation has waited for long. */
  #grow(): void {
    this.#growth = undefined
    const [first] = this.#waiting
    const waited = first === undefined ? 0 : performance.now() - first.since
    // One at a time: what waits for the first environment may be done as soon as that is ready.
    if (waited >= this.#patienceMs() && !this.#starting && this.#live.size < this.#limit)
      void this.#start()
    else this.#serve()
  }

  /** Milliseconds that an invocation waits until one more environment starts for it. */
  #patienceMs(): number {
    if (this.#live.size < this.#readily * this.#shares) return growAfterMs
    const { utilization } = performance.eventLoopUtilization(this.#loop)
    return utilization > busyLoop ? growBusyAfterMs : growLaterAfterMs
  }

  async #run(environment: ExecutionEnvironment, waiter: Waiter): Promise<void> {
    this.#runs += 1
    this.#count(waiter.source, 1)
    const { payload, requestId, isBackground = false } = waiter
    try {
      const elapsedMs = this.#coldStartMs(environment, waiter)
      waiter.onStart?.(elapsedMs)
      const text = typeof payload === 'string' ? payload : payload(elapsedMs)
      waiter.resolve(await environment.invoke(text, requestId, isBackground))
    } catch (fault) {
      waiter.reject(asFault(fault))
    }
    this.#count(waiter.source, -1)
    this.#rest(environment)
    this.#serve()
  }

  /** How much of a waiter's time went into starting the environment; 0 if it has run before. */
  #coldStartMs(environment: ExecutionEnvironment, { since }: Waiter): number {
    const startedAt = this.#startedAt.get(environment)
    this.#startedAt.delete(environment)
    return startedAt === undefined ? 0 : performance.now() - Math.max(startedAt, since)
  }

  #count(source: string | undefined, change: 1 | -1): void {
    const busy = source === undefined ? undefined : this.#sources.get(source)
    if (source !== undefined && busy !== undefined) this.#sources.set(source, busy + change)
  }

  async #start(): Promise<void> {
    this.#starting = true
    try {
      await this.#line.pass(() => this.#load())
    } catch (fault) {
      this.#refuse(asFault(fault))
    }
    this.#starting = false
    this.#serve()
    this.#provide()
  }

  async #load(): Promise<void> {
    if (this.#closed) return
    const environment = this.#open()
    await environment.ready
    // behind those that have run before: their sockets are open and their code is warm
    if (this.#live.has(environment)) this.#idle.unshift(idleNow(environment))
  }

  /** No event source should wait for a cold start because another one has the only environment. */
  #provide(): void {
    const wanted = Math.min(this.#shares, this.#limit)
    const isShort = this.#live.size > 0 && this.#live.size < wanted
    if (isShort && !this.#starting && !this.#closed) void this.#start()
  }

  /** An initialization failed: each invocation that waits would only meet the same. */
  #refuse(fault: FunctionFault): void {
    if (this.#live.size > 0) return
    for (const waiter of this.#waiting.splice(0)) waiter.reject(fault)
  }

  #rest(environment: ExecutionEnvironment): void {
    if (!this.#live.has(environment)) return
    this.#idle.push(idleNow(environment))
  }

  #open(): ExecutionEnvironment {
    const environment = this.#openEnvironment(this.definition, this.#settings)
    this.#live.add(environment)
    this.#startedAt.set(environment, performance.now())
    environment.onEnd(() => this.#forget(environment))
    return environment
  }

  #forget(environment: ExecutionEnvironment): void {
    this.#live.delete(environment)
    this.#startedAt.delete(environment)
    const index = this.#idle.findIndex((idle) => idle.environment === environment)
    if (index >= 0) this.#idle.splice(index, 1)
  }
}

function idleNow(environment: ExecutionEnvironment): Idle {
  return { environment, since: performance.now() }
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
