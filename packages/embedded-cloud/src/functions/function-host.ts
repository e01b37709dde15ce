import { randomUUID } from 'node:crypto'
import { availableParallelism, devNull } from 'node:os'
import {
  type AccessKey,
  type CloudIdentity,
  FunctionFault,
  type Functions,
  type InvokeOptions,
  type Log,
  type MakeEvent,
} from '../types.ts'
import type { AsyncEvent } from './async-event.ts'
import {
  type AsyncConfig,
  AsyncInvocations,
  type DeadLetterAttributes,
} from './async-invocations.ts'
import type { FunctionDefinition } from './definition.ts'
import { EnvironmentPool, type Payload } from './environment-pool.ts'
import { type OpenEnvironment, WorkerEnvironment } from './execution-environment.ts'
import { FunctionLogs } from './function-logs.ts'
import { KeptEvents } from './kept-events.ts'
import { LoopLoad } from './loop-load.ts'
import { StartLine } from './start-line.ts'

export interface FunctionHostOptions {
  readonly identity: CloudIdentity
  readonly log: Log
  /** Hears every line that a function prints. */
  readonly heard?: (name: string, line: string) => void
  /** File of the asynchronous events that are not finished; absent = memory only. */
  readonly eventsFile?: string
  /** Folder for one log file per function. */
  readonly logFolder: string
  /** PEM of the embedded cloud's CA, and the file that contains it. */
  readonly authority: string
  readonly authorityFile: string
  /** Where on `localhost` CloudFormation takes the answers of custom resources. */
  readonly answerPort: number
  /** The address of all services. */
  readonly endpointUrl: string
  /** The access key that represents a role at the endpoint. */
  accessKeyOf(role: string): AccessKey
  /** Execution environments per function at most. */
  readonly maxEnvironments: number
  /** As many start as soon as invocations wait; more only when they wait for long. */
  readonly readyEnvironments: number
  readonly initTimeoutMs: number
  /** What functions run in; if absent, worker threads. */
  readonly openEnvironment?: OpenEnvironment
  readonly asyncRetryDelaysMs: readonly number[]
  /** Whether this process is busy; if absent, this is measured. */
  readonly isLoaded?: () => boolean
  sendToQueue(queueArn: string, body: string, attributes: DeadLetterAttributes): Promise<void>
}

/** Milliseconds between two looks for environments that are not needed any more. */
const reapIntervalMs = 5000

/** Asynchronous events that run or wait, from which on there are enough of them. */
const enoughEvents = 12
/**
 * The same while this process is busy: each event calls services here. Someone may be waiting for
 * what these calls delay, but nobody waits for an event.
 */
const enoughUnderLoad = 2
/** Milliseconds after which one more goes ahead all the same: those before it may be stuck. */
const stuckMs = 100

/** The Lambda service of the embedded cloud: the functions of all stacks and their environments. */
export class FunctionHost implements Functions {
  readonly #options: FunctionHostOptions
  readonly #logs: FunctionLogs
  readonly #pools = new Map<string, EnvironmentPool>()
  /** One processor is left to warm functions. */
  readonly #starts = new StartLine(Math.max(1, availableParallelism() - 1))
  readonly #asyncConfigs = new Map<string, AsyncConfig>()
  readonly #kept: KeptEvents
  readonly #async: AsyncInvocations
  readonly #isLoaded: () => boolean
  #lastEventAt = Number.NEGATIVE_INFINITY
  readonly #reaping: NodeJS.Timeout

  constructor(options: FunctionHostOptions) {
    this.#options = options
    const load = new LoopLoad()
    this.#isLoaded = options.isLoaded ?? (() => load.isHigh)
    this.#kept = new KeptEvents(options.eventsFile)
    this.#logs = new FunctionLogs(options.logFolder, (name, line) => {
      options.log(name, line)
      options.heard?.(name, line)
    })
    this.#async = new AsyncInvocations({
      retryDelaysMs: options.asyncRetryDelaysMs,
      log: options.log,
      kept: this.#kept,
      definition: (name) => this.#pool(name).definition,
      config: (name) => this.#asyncConfigs.get(name),
      concurrency: (name) => this.#pool(name).cap,
      run: (event) => this.#runAsync(event),
      deliver: (arn, body, attributes) => this.#deliver(arn, body, attributes),
    })
    this.#reaping = setInterval(() => this.#reap(), reapIntervalMs).unref()
  }

  /**
   * Whether senders of asynchronous events should wait. Lambda would run hundreds at the same time;
   * here they would only queue up behind the sender of most events.
   */
  get isBusy(): boolean {
    const { backlog } = this.#async
    if (backlog >= enoughEvents) return true
    const isStuck = performance.now() - this.#lastEventAt >= stuckMs
    return backlog >= enoughUnderLoad && !isStuck && this.#isLoaded()
  }

  /** Makes a function known; its first execution environment starts with its first invocation. */
  define(definition: FunctionDefinition): void {
    const settings = {
      variables: this.#variables(definition),
      authority: this.#options.authority,
      answerPort: this.#options.answerPort,
      initTimeoutMs: this.#options.initTimeoutMs,
      output: (text: string) => this.#logs.write(definition.name, text),
    }
    const { maxEnvironments: maximum, readyEnvironments: readily } = this.#options
    const pool = new EnvironmentPool(
      definition,
      settings,
      { maximum, readily },
      this.#options.openEnvironment ?? openWorker,
      this.#starts,
    )
    this.#pools.set(definition.name, pool)
  }

  /** Ends a function and what it is doing. */
  async remove(name: string): Promise<void> {
    const pool = this.#pools.get(name)
    this.#pools.delete(name)
    this.#asyncConfigs.delete(name)
    await pool?.close()
  }

  /** Deletes what a function has logged. */
  async removeLog(name: string): Promise<void> {
    await this.#logs.remove(name)
  }

  /** Sets the retries and destinations of a function's asynchronous events. */
  configureAsync(functionArn: string, config: AsyncConfig): void {
    this.#asyncConfigs.set(this.#pool(functionArn).definition.name, config)
  }

  /** What is known of a function; undefined when no stack makes it. */
  find(functionArn: string): FunctionDefinition | undefined {
    return this.#pools.get(functionName(functionArn))?.definition
  }

  /** Every function that is defined, by name. */
  get definitions(): readonly FunctionDefinition[] {
    const all = [...this.#pools.values()].map(({ definition }) => definition)
    return all.sort((one, other) => (one.name < other.name ? -1 : 1))
  }

  /** How many invocations of a function can run at the same time, for each of its event sources. */
  concurrencyOf(functionArn: string): number {
    return this.#pool(functionArn).cap
  }

  /** Registers an event source that feeds the function, with its own concurrency. */
  addSource(functionArn: string, source: string): void {
    this.#pool(functionArn).addSource(source)
  }

  /** How often each function was run so far, by its name. */
  get invocations(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#pools].map(([name, pool]) => [name, pool.runs]))
  }

  /** How many of them would run at once, without waiting for another execution environment. */
  readyConcurrencyOf(functionArn: string): number {
    return this.#pool(functionArn).ready
  }

  async invoke(functionArn: string, event: unknown, options?: InvokeOptions): Promise<unknown> {
    const payload =
      typeof event === 'function'
        ? (elapsedMs: number) => textOf((event as MakeEvent)(elapsedMs))
        : textOf(event)
    return JSON.parse(await this.invokeJson(functionArn, payload, options))
  }

  /** As `invoke`, with JSON texts on both sides. */
  async invokeJson(
    functionArn: string,
    payload: Payload,
    options?: InvokeOptions,
  ): Promise<string> {
    const pool = this.#pool(functionArn)
    const requestId = randomUUID()
    try {
      return await pool.invoke(payload, requestId, options)
    } catch (fault) {
      this.#logFault(pool.definition.name, requestId, fault)
      throw fault
    }
  }

  invokeAsync(functionArn: string, event: unknown): void {
    this.invokeAsyncJson(functionArn, textOf(event))
  }

  /** As `invokeAsync`, with a JSON text. Throws when there is no such function. */
  invokeAsyncJson(functionArn: string, payload: string): void {
    this.#async.add(this.#pool(functionArn).definition.name, payload)
    this.#lastEventAt = performance.now()
  }

  /** Queues asynchronous events that an earlier run left; those of functions that are gone are dropped. */
  restore(): void {
    this.#async.restore((name) => this.#pools.has(name))
  }

  /** Ends threads in mid-invocation, as a fault of Lambda would; all functions without a name. */
  async killWorkers(name?: string): Promise<void> {
    const pools = name === undefined ? [...this.#pools.values()] : [this.#pool(name)]
    await Promise.all(pools.map((pool) => pool.kill()))
  }

  /** Stops all functions; asynchronous events that are not finished after `drainMs` stay in their file. */
  async close(drainMs: number): Promise<void> {
    clearInterval(this.#reaping)
    await this.#async.close(drainMs)
    await Promise.all([...this.#pools.values()].map((pool) => pool.close()))
    this.#kept.close()
    await this.#logs.close()
  }

  #reap(): void {
    for (const pool of this.#pools.values()) pool.reap()
  }

  #pool(functionArn: string): EnvironmentPool {
    const pool = this.#pools.get(functionName(functionArn))
    if (pool) return pool
    throw new FunctionFault('ResourceNotFoundException', `Function not found: ${functionArn}`)
  }

  async #runAsync(event: AsyncEvent): Promise<string> {
    const pool = this.#pool(event.functionName)
    return await pool.invoke(event.payload, event.requestId, { isBackground: true })
  }

  async #deliver(arn: string, body: string, attributes: DeadLetterAttributes): Promise<void> {
    if (arn.includes(':lambda:')) this.invokeAsyncJson(arn, body)
    else await this.#options.sendToQueue(arn, body, attributes)
  }

  /** A handler's own errors are in the log already; these are the ones it could not report. */
  #logFault(name: string, requestId: string, fault: unknown): void {
    if (!(fault instanceof FunctionFault) || !/^(Sandbox|Runtime)\./.test(fault.errorType)) return
    this.#logs.write(name, `${requestId} ${fault.errorType}: ${fault.message}\n`)
  }

  #variables(definition: FunctionDefinition): Record<string, string> {
    const { identity, endpointUrl, authorityFile } = this.#options
    const { accessKeyId, secretAccessKey, sessionToken } = this.#options.accessKeyOf(
      definition.role,
    )
    return {
      PATH: process.env.PATH ?? '/usr/bin:/bin',
      LANG: 'en_US.UTF-8',
      TZ: ':UTC',
      // The developer's own AWS profile must not reach a function.
      AWS_CONFIG_FILE: devNull,
      AWS_SHARED_CREDENTIALS_FILE: devNull,
      // The machine may run an older Node.js than the template's runtime.
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
      AWS_ENDPOINT_URL: endpointUrl,
      AWS_CA_BUNDLE: authorityFile,
      AWS_REGION: identity.region,
      AWS_DEFAULT_REGION: identity.region,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      ...(sessionToken && { AWS_SESSION_TOKEN: sessionToken }),
      AWS_EXECUTION_ENV: `AWS_Lambda_${definition.runtime}`,
      AWS_LAMBDA_FUNCTION_NAME: definition.name,
      AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(definition.memoryMegabytes),
      AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
      LAMBDA_TASK_ROOT: definition.codeFolder,
      _HANDLER: definition.handler,
      ...definition.variables,
    }
  }
}

function textOf(event: unknown): string {
  return JSON.stringify(event) ?? 'null'
}

const openWorker: OpenEnvironment = (definition, settings) =>
  new WorkerEnvironment(definition, settings)

/** The plain name in `name`, `name:qualifier`, `arn:…:function:name` and `arn:…:function:name:qualifier`. */
export function functionName(reference: string): string {
  const parts = reference.split(':')
  return (parts[0] === 'arn' ? parts[6] : parts[0]) ?? reference
}
