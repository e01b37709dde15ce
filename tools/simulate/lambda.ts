import type { Clock, Ids } from '@heliograph/core/ports'
import type { Seq } from '@heliograph/protocol/identifiers'
import { monotonicFactory } from 'ulid'
import type { Fate, Faults } from './faults.ts'
import type { Invocation } from './invocation.ts'
import type { Ledger } from './ledger.ts'
import type { Access } from './ports/access.ts'
import type { Random } from './random.ts'
import type { Appointment, Scheduler } from './scheduler.ts'
import type { Trace } from './trace.ts'

/** What the parts of the simulated cloud share. */
export interface Cloud {
  readonly scheduler: Scheduler
  readonly random: Random
  readonly faults: Faults
  readonly ledger: Ledger
  readonly trace: Trace
  /** Clocks of execution environments are off by at most this, in milliseconds. */
  readonly skew: number
}

export type Result<Answer> = { readonly answer: Answer } | { readonly fault: string }

/** SDK clients try a call twice; the second comes this much later (milliseconds). */
const SDK_RETRY = { soonest: 50, latest: 4_000 }

/**
 * A process that runs one invocation after the other, with its own clock and memory. It ends by a
 * crash; what it had asked of the world may take effect all the same.
 */
export class Environment {
  readonly name: string
  readonly clock: Clock
  readonly ids: Ids
  isAlive = true
  invocation: Invocation | undefined
  readonly #cloud: Cloud
  #onCrash: () => void = () => {}
  #skew: number

  constructor(name: string, cloud: Cloud) {
    const { random, scheduler, skew } = cloud
    this.name = name
    this.#cloud = cloud
    this.#skew = random.between(-skew, skew)
    this.clock = { now: () => Math.floor(scheduler.now + this.#skew) }
    const ulid = monotonicFactory(() => random.next())
    this.ids = {
      uuid: () => uuid(random),
      bytes: (length) => random.bytes(length),
      seq: (nowMs) => ulid(nowMs) as Seq,
    }
  }

  /** The clock is set now and then, and may run backward. */
  setClock(): void {
    const { random, skew } = this.#cloud
    this.#skew = random.between(-skew, skew)
  }

  begin(invocation: Invocation, onCrash: () => void): void {
    this.invocation = invocation
    this.#onCrash = onCrash
  }

  crash(why: string): void {
    if (!this.isAlive) return
    this.isAlive = false
    this.#cloud.trace.note(() => `${this.invocation?.name ?? this.name} CRASHES ${why}`)
    this.#cloud.ledger.count('crash')
    this.#onCrash()
  }

  readonly access: Access = (operation, subject, effect) => {
    const { faults, ledger, scheduler } = this.#cloud
    const call = { operation: `${operation} ${subject}`, invocation: this.invocation, effect }
    const fate = faults.store(operation)
    if (fate.kind === 'repeated') ledger.repeated(operation, subject)
    return new Promise((resolve, reject) => {
      scheduler.after(fate.before, () => this.#carryOut(call, fate, resolve, reject))
    })
  }

  #carryOut<T>(
    call: Call<T>,
    fate: Fate,
    resolve: (value: T) => void,
    reject: (fault: Error) => void,
  ): void {
    const { scheduler, random, trace } = this.#cloud
    const { operation, invocation } = call
    const fail = (why: string) => {
      invocation?.troubles.set(operation, why)
      scheduler.after(fate.after, () => reject(new Error(`${operation}: ${why}`)))
    }
    if (fate.kind === 'crash-before') this.crash(`before ${operation}`)
    // what a dead process had sent before may still arrive
    if (!this.isAlive && random.chance(0.5)) return
    if (fate.kind === 'refused') {
      trace.note(() => `${invocation?.name} ${operation} refused`)
      fail('refused')
      return
    }
    const first = this.#perform(call)
    if (fate.kind === 'crash-after') this.crash(`after ${operation}`)
    else if ('fault' in first) reject(first.fault)
    else if (fate.kind === 'unanswered') fail('no answer')
    else if (fate.kind === 'repeated') this.#repeat(call, resolve, reject)
    else scheduler.after(fate.after, () => resolve(first.value))
  }

  #repeat<T>(call: Call<T>, resolve: (value: T) => void, reject: (fault: Error) => void): void {
    const { scheduler, random } = this.#cloud
    call.invocation?.troubles.set(call.operation, 'repeated by the SDK')
    scheduler.after(random.logBetween(SDK_RETRY.soonest, SDK_RETRY.latest), () => {
      if (!this.isAlive) return
      const second = this.#perform(call)
      if ('fault' in second) reject(second.fault)
      else resolve(second.value)
    })
  }

  #perform<T>({ operation, invocation, effect }: Call<T>): { value: T } | { fault: Error } {
    if (invocation) invocation.operation = operation
    const { trace } = this.#cloud
    acting = invocation
    try {
      const value = effect()
      trace.note(() => `${invocation?.name} ${operation}${shown(value)}`)
      return { value }
    } catch (fault) {
      trace.note(() => `${invocation?.name} ${operation} failed: ${fault}`)
      return { fault: fault as Error }
    } finally {
      acting = undefined
    }
  }
}

interface Call<T> {
  readonly operation: string
  readonly invocation: Invocation | undefined
  readonly effect: () => T
}

let acting: Invocation | undefined

/** Whose port call is having its effect right now; undefined where nobody's is. */
export function whoActs(): Invocation | undefined {
  return acting
}

/** What a port call gave, as far as it tells something. */
function shown(value: unknown): string {
  if (Array.isArray(value)) return ` -> [${value.map(shortly).join(' ')}]`
  if (typeof value !== 'object' || value === null) return value === undefined ? '' : ` -> ${value}`
  return ` -> ${shortly(value)}`
}

function shortly(value: object): string {
  if ('kept' in value) return value.kept ? 'kept' : 'newer is there'
  if ('registration' in value) return shortly(value.registration as object)
  if ('live' in value) return value.live ? 'live' : 'dead'
  return 'seq' in value ? `${value.seq}` : '...'
}

/** A version 4 UUID (RFC 9562 §5.4). */
function uuid(random: Random): string {
  const bytes = random.bytes(16)
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80
  const hex = Buffer.from(bytes).toString('hex')
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

export interface FunctionOptions<Event, Answer> {
  readonly name: string
  readonly timeoutMs: number
  /** Makes the handler of a new execution environment. */
  start(environment: Environment): (event: Event) => Promise<Answer>
}

/** A Lambda function: environments that are used again, one invocation at a time in each. */
export class LambdaFunction<Event, Answer> {
  readonly name: string
  readonly #options: FunctionOptions<Event, Answer>
  readonly #cloud: Cloud
  readonly #idle: { environment: Environment; handler: (event: Event) => Promise<Answer> }[] = []
  #environments = 0
  #invocations = 0

  constructor(options: FunctionOptions<Event, Answer>, cloud: Cloud) {
    this.name = options.name
    this.#options = options
    this.#cloud = cloud
  }

  /** `done` hears of the end exactly once: the answer, the error, the time-out or the crash. */
  invoke(event: Event, done: (result: Result<Answer>) => void): void {
    const { scheduler, ledger } = this.#cloud
    const worker = this.#worker()
    const { environment, handler } = worker
    const invocation = this.#invocation()
    let deadline: Appointment | undefined
    const end = (result: Result<Answer>, crashed: boolean) => {
      deadline?.cancel()
      ledger.ended(invocation, crashed)
      if (!crashed) this.#idle.push(worker)
      done(result)
    }
    environment.begin(invocation, () => end({ fault: 'crashed' }, true))
    deadline = scheduler.after(this.#options.timeoutMs, () => environment.crash('at its time-out'))
    handler(event).then(
      (answer) => environment.isAlive && end({ answer }, false),
      (fault) => environment.isAlive && end({ fault: String(fault) }, false),
    )
  }

  #invocation(): Invocation {
    this.#invocations += 1
    return {
      name: `${this.name}#${this.#invocations}`,
      startedAt: this.#cloud.scheduler.now,
      isOver: false,
      operation: '',
      sawInSlot: new Set(),
      debts: new Map(),
      unrecorded: new Set(),
      unsent: new Set(),
      troubles: new Map(),
    }
  }

  /** Mostly one that is at hand, sometimes a new one with another clock. */
  #worker() {
    const { random } = this.#cloud
    const isReused = this.#idle.length > 0 && !random.chance(0.1)
    const reused = isReused && this.#idle.splice(random.int(this.#idle.length), 1)[0]
    if (reused) {
      if (random.chance(0.02)) reused.environment.setClock()
      return reused
    }
    this.#environments += 1
    const environment = new Environment(`${this.name}/${this.#environments}`, this.#cloud)
    return { environment, handler: this.#options.start(environment) }
  }
}

/** Waits of Lambda before it tries an asynchronous event again (AWS: "Asynchronous invocation"). */
const ASYNC_RETRIES = [60_000, 120_000]

/** Invokes as Lambda's asynchronous invocation does: up to three times, then it gives up. */
export function invokeAsync<Event>(
  target: LambdaFunction<Event, unknown>,
  event: Event,
  cloud: Cloud,
  onGivenUp: () => void,
  onDone: () => void = () => {},
): void {
  const attempt = (retries: readonly number[]) =>
    target.invoke(event, (result) => {
      if ('answer' in result) return onDone()
      const [wait, ...rest] = retries
      cloud.trace.note(() => `${target.name} fails: ${result.fault}`)
      if (wait === undefined) onGivenUp()
      else cloud.scheduler.after(wait, () => attempt(rest))
    })
  attempt(ASYNC_RETRIES)
}
