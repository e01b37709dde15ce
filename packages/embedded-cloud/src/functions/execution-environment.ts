import { randomUUID } from 'node:crypto'
import { Worker } from 'node:worker_threads'
import { FunctionFault } from '../types.ts'
import type { FunctionDefinition } from './definition.ts'

export interface EnvironmentSettings {
  /** The complete environment of the thread: nothing of the developer's own leaks in. */
  readonly variables: Readonly<Record<string, string>>
  /** PEM of the embedded cloud's CA, which functions trust besides the public ones. */
  readonly authority: string
  /** Where on `localhost` CloudFormation takes the answers of custom resources. */
  readonly answerPort: number
  /** Milliseconds for loading the module. */
  readonly initTimeoutMs: number
  /** Text that the function wrote, in whole or part lines. */
  output(text: string): void
}

/** A fault as Lambda puts it into the answer of an invocation. */
export interface FaultPayload {
  readonly errorType: string
  readonly errorMessage: string
  readonly trace?: readonly string[]
}

type Message =
  | { readonly kind: 'ready' | 'output'; readonly text?: string; readonly output?: string }
  | { readonly kind: 'result'; readonly payload: string; readonly output: string }
  | {
      readonly kind: 'error' | 'failed' | 'fatal'
      readonly error: FaultPayload
      readonly output: string
    }

/** Garbage that a thread may pile up before it is collected; V8's own bound is 48 MB a thread. */
const youngGenerationMegabytes = 8

interface Pending {
  resolve(payload: string): void
  reject(fault: FunctionFault): void
}

/** Runs a function, one invocation at a time. */
export interface ExecutionEnvironment {
  /** Settles when the module is loaded; rejects with the fault of its initialization. */
  readonly ready: Promise<void>
  /**
   * Runs the handler once; JSON in, JSON out. One that has run in the background stays there,
   * because only root can raise a priority again. Rejects with a FunctionFault.
   */
  invoke(payload: string, requestId: string, isBackground?: boolean): Promise<string>
  /** Ends it at once; an invocation in progress fails as Lambda reports a lost runtime. */
  terminate(): Promise<void>
  /** Calls back once, as soon as the environment cannot take invocations any more. */
  onEnd(callback: () => void): void
}

export type OpenEnvironment = (
  definition: FunctionDefinition,
  settings: EnvironmentSettings,
) => ExecutionEnvironment

/**
 * One execution environment of a function: a worker thread that keeps its module state from one
 * invocation to the next and is gone after a time-out or a crash.
 */
export class WorkerEnvironment implements ExecutionEnvironment {
  readonly ready: Promise<void>
  /** Settles when the thread has ended, for whatever reason. */
  readonly ended: Promise<void>
  readonly #definition: FunctionDefinition
  readonly #settings: EnvironmentSettings
  readonly #worker: Worker
  #starting: { resolve(): void; reject(fault: FunctionFault): void } | undefined
  #pending: Pending | undefined
  #fault: FunctionFault | undefined
  #onEnd: (() => void) | undefined

  constructor(definition: FunctionDefinition, settings: EnvironmentSettings) {
    this.#definition = definition
    this.#settings = settings
    this.#worker = startWorker(definition, settings)
    this.ready = new Promise((resolve, reject) => {
      this.#starting = { resolve, reject }
    })
    this.ended = new Promise((resolve) => this.#worker.once('exit', () => resolve()))
    this.#worker.on('message', (message: Message) => this.#receive(message))
    this.#worker.on('error', (error) => this.#fail(crash(error)))
    this.#worker.on('exit', (code) => this.#fail(this.#fault ?? exited(code)))
    this.#limitInit()
  }

  invoke(payload: string, requestId: string, isBackground = false): Promise<string> {
    const timeoutMs = this.#definition.timeoutSeconds * 1000
    const timer = setTimeout(() => this.#fail(timedOut(requestId, timeoutMs)), timeoutMs)
    const done = new Promise<string>((resolve, reject) => {
      this.#pending = { resolve, reject }
    })
    this.#worker.postMessage({ payload, requestId, isBackground, deadline: Date.now() + timeoutMs })
    return done.finally(() => clearTimeout(timer))
  }

  async terminate(): Promise<void> {
    this.#fail(exited(137))
    await this.ended
  }

  onEnd(callback: () => void): void {
    this.#onEnd = callback
  }

  #receive(message: Message): void {
    const text = message.kind === 'output' ? message.text : message.output
    if (text) this.#settings.output(text)
    if ('error' in message) this.#settings.output(`ERROR ${JSON.stringify(message.error)}\n`)
    if (message.kind === 'ready') this.#started()
    else if (message.kind === 'result') this.#take()?.resolve(message.payload)
    else if (message.kind === 'error') this.#take()?.reject(faultOf(message.error))
    else if (message.kind === 'failed') this.#fail(faultOf(message.error))
    else if (message.kind === 'fatal') this.#fault = faultOf(message.error)
  }

  #started(): void {
    this.#starting?.resolve()
    this.#starting = undefined
  }

  #fail(fault: FunctionFault): void {
    this.#onEnd?.()
    this.#onEnd = undefined
    this.#starting?.reject(fault)
    this.#starting = undefined
    this.#take()?.reject(fault)
    void this.#worker.terminate()
  }

  #take(): Pending | undefined {
    const pending = this.#pending
    this.#pending = undefined
    return pending
  }

  #limitInit(): void {
    const limit = this.#settings.initTimeoutMs
    const timer = setTimeout(() => {
      const seconds = (limit / 1000).toFixed(2)
      this.#fail(new FunctionFault('Sandbox.Timedout', `Init timed out after ${seconds} seconds`))
    }, limit)
    const stop = () => clearTimeout(timer)
    this.ready.then(stop, stop)
  }
}

function startWorker(definition: FunctionDefinition, settings: EnvironmentSettings): Worker {
  const logStream = logStreamName()
  const logGroup = `/aws/lambda/${definition.name}`
  return new Worker(new URL('./environment.mjs', import.meta.url), {
    name: definition.name,
    execArgv: [],
    env: {
      ...settings.variables,
      AWS_LAMBDA_LOG_GROUP_NAME: logGroup,
      AWS_LAMBDA_LOG_STREAM_NAME: logStream,
    },
    // a small nursery: two dozen environments with V8's own would hold 500 MB of garbage
    resourceLimits: {
      maxOldGenerationSizeMb: definition.memoryMegabytes,
      maxYoungGenerationSizeMb: youngGenerationMegabytes,
    },
    workerData: {
      codeFolder: definition.codeFolder,
      handler: definition.handler,
      functionName: definition.name,
      functionArn: definition.arn,
      memoryMegabytes: definition.memoryMegabytes,
      authority: settings.authority,
      answerPort: settings.answerPort,
      logGroup,
      logStream,
    },
  })
}

function logStreamName(): string {
  const day = new Date().toISOString().slice(0, 10).replaceAll('-', '/')
  return `${day}/[$LATEST]${randomUUID().replaceAll('-', '')}`
}

function faultOf(error: FaultPayload): FunctionFault {
  return new FunctionFault(error.errorType, error.errorMessage)
}

function timedOut(requestId: string, timeoutMs: number): FunctionFault {
  const seconds = (timeoutMs / 1000).toFixed(2)
  const time = new Date().toISOString()
  const message = `${time} ${requestId} Task timed out after ${seconds} seconds`
  return new FunctionFault('Sandbox.Timedout', message)
}

function exited(code: number): FunctionFault {
  return new FunctionFault('Runtime.ExitError', `Runtime exited with error: exit status ${code}`)
}

function crash(error: unknown): FunctionFault {
  const outOfMemory = (error as { code?: unknown }).code === 'ERR_WORKER_OUT_OF_MEMORY'
  if (outOfMemory) {
    return new FunctionFault('Runtime.OutOfMemory', 'Runtime exited: the heap reached MemorySize')
  }
  return new FunctionFault(
    'Runtime.ExitError',
    error instanceof Error ? error.message : String(error),
  )
}
