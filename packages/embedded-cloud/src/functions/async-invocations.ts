import { randomUUID } from 'node:crypto'
import { messageOf } from '../cloud-start-error.ts'
import { FunctionFault, type Log } from '../types.ts'
import type { AsyncEvent } from './async-event.ts'
import type { FunctionDefinition } from './definition.ts'
import type { KeptEvents } from './kept-events.ts'

/** AWS::Lambda::EventInvokeConfig. */
export interface AsyncConfig {
  /** 0 to 2. */
  readonly retries: number
  readonly maximumAgeSeconds?: number
  /** ARN of an SQS queue or a function. */
  readonly onFailure?: string
  readonly onSuccess?: string
}

export interface AsyncOptions {
  /** Milliseconds before the first and the second retry; on AWS one and two minutes. */
  readonly retryDelaysMs: readonly number[]
  readonly log: Log
  /** Everything that is not finished: waiting, running, or waiting for its retry. */
  readonly kept: KeptEvents
  definition(name: string): FunctionDefinition
  config(name: string): AsyncConfig | undefined
  /** How many events of a function may run at the same time. */
  concurrency(name: string): number
  run(event: AsyncEvent): Promise<string>
  /** Delivers to an SQS queue or invokes a function. */
  deliver(destinationArn: string, body: string, attributes: DeadLetterAttributes): Promise<void>
}

export type DeadLetterAttributes = Readonly<
  Record<string, { DataType: string; StringValue: string }>
>

const lambdaRetries = 2

/**
 * Lambda's queue of asynchronous events: at least once, two retries, then the dead-letter queue or
 * the failure destination. See "Asynchronous invocation" in the AWS Lambda developer guide.
 */
export class AsyncInvocations {
  readonly #options: AsyncOptions
  readonly #waiting = new Map<string, AsyncEvent[]>()
  readonly #running = new Map<string, number>()
  readonly #timers = new Set<NodeJS.Timeout>()
  readonly #idle: (() => void)[] = []
  #paused = false

  constructor(options: AsyncOptions) {
    this.#options = options
  }

  /** Queues an event; `payload` is JSON. */
  add(functionName: string, payload: string, requestId: string = randomUUID()): void {
    const event = { functionName, payload, requestId, attempts: 0, queuedAt: Date.now() }
    this.#options.kept.keep(event)
    this.#enqueue(event)
  }

  /**
   * Resumes what an earlier run of the embedded cloud left; `isKnown` says which functions still
   * exist.
   */
  restore(isKnown: (functionName: string) => boolean): void {
    const { kept, log } = this.#options
    const [known, unknown] = partition(kept.all(), ({ functionName }) => isKnown(functionName))
    for (const event of unknown) kept.done(event)
    if (unknown.length > 0)
      log('functions', `${unknown.length} events of removed functions dropped`)
    for (const event of known) this.#enqueue(event)
  }

  /** Waits until nothing is left, at most this many milliseconds, then starts no more. */
  async close(drainMs: number): Promise<void> {
    await this.#drained(drainMs)
    this.#paused = true
    for (const timer of this.#timers) clearTimeout(timer)
  }

  /** How many events run, or wait for others; those that wait for their retry do not count. */
  get backlog(): number {
    const waiting = [...this.#waiting.values()].map(({ length }) => length)
    return [...waiting, ...this.#running.values()].reduce((sum, count) => sum + count, 0)
  }

  #enqueue(event: AsyncEvent): void {
    const waiting = this.#waiting.get(event.functionName) ?? []
    this.#waiting.set(event.functionName, waiting)
    waiting.push(event)
    this.#serve(event.functionName)
  }

  #serve(name: string): void {
    const waiting = this.#waiting.get(name) ?? []
    let running = this.#running.get(name) ?? 0
    while (!this.#paused && running < this.#options.concurrency(name)) {
      const event = waiting.shift()
      if (event === undefined) break
      running += 1
      void this.#attempt(event)
    }
    this.#running.set(name, running)
  }

  async #attempt(event: AsyncEvent): Promise<void> {
    const attempted = { ...event, attempts: event.attempts + 1 }
    try {
      await this.#succeeded(attempted, await this.#options.run(event))
    } catch (error) {
      await this.#failed(attempted, error)
    }
    const name = event.functionName
    this.#running.set(name, (this.#running.get(name) ?? 1) - 1)
    this.#serve(name)
  }

  async #succeeded(event: AsyncEvent, response: string): Promise<void> {
    const destination = this.#options.config(event.functionName)?.onSuccess
    if (destination) await this.#send(destination, event, 'Success', response)
    this.#finish(event)
  }

  async #failed(event: AsyncEvent, error: unknown): Promise<void> {
    if (this.#paused) return
    const { log } = this.#options
    const name = event.functionName
    log(name, `asynchronous event failed (attempt ${event.attempts}): ${messageOf(error)}`)
    if (event.attempts <= this.#retries(name) && !this.#tooOld(event)) this.#retry(event)
    else await this.#giveUp(event, error)
  }

  #retries(name: string): number {
    return this.#options.config(name)?.retries ?? lambdaRetries
  }

  #tooOld(event: AsyncEvent): boolean {
    const limit = this.#options.config(event.functionName)?.maximumAgeSeconds
    return limit !== undefined && Date.now() - event.queuedAt > limit * 1000
  }

  #retry(event: AsyncEvent): void {
    this.#options.kept.keep(event)
    const delays = this.#options.retryDelaysMs
    const delay = delays[event.attempts - 1] ?? delays.at(-1) ?? 0
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      this.#enqueue(event)
    }, delay)
    this.#timers.add(timer)
  }

  async #giveUp(event: AsyncEvent, error: unknown): Promise<void> {
    const destination = this.#options.config(event.functionName)?.onFailure
    const deadLetters = this.#options.definition(event.functionName).deadLetterArn
    const fault = faultPayload(error)
    if (destination) await this.#send(destination, event, 'RetriesExhausted', fault)
    if (deadLetters) await this.#deadLetter(deadLetters, event, error)
    if (!destination && !deadLetters) {
      this.#options.log(event.functionName, `event dropped, no dead-letter queue: ${event.payload}`)
    }
    this.#finish(event)
  }

  async #send(arn: string, event: AsyncEvent, condition: string, response: string): Promise<void> {
    const { arn: functionArn } = this.#options.definition(event.functionName)
    await this.#deliver(arn, destinationRecord(event, functionArn, condition, response), {})
  }

  async #deadLetter(arn: string, event: AsyncEvent, error: unknown): Promise<void> {
    await this.#deliver(arn, event.payload, {
      RequestID: { DataType: 'String', StringValue: event.requestId },
      ErrorCode: { DataType: 'Number', StringValue: '200' },
      ErrorMessage: {
        DataType: 'String',
        StringValue: messageOf(error).slice(0, 1024) || 'Unknown',
      },
    })
  }

  async #deliver(arn: string, body: string, attributes: DeadLetterAttributes): Promise<void> {
    try {
      await this.#options.deliver(arn, body, attributes)
    } catch (error) {
      this.#options.log('functions', `an event could not be sent to ${arn}: ${messageOf(error)}`)
    }
  }

  #finish(event: AsyncEvent): void {
    const { kept } = this.#options
    kept.done(event)
    if (kept.isEmpty) for (const resolve of this.#idle.splice(0)) resolve()
  }

  async #drained(limitMs: number): Promise<void> {
    if (this.#options.kept.isEmpty) return
    let timer: NodeJS.Timeout | undefined
    await new Promise<void>((resolve) => {
      this.#idle.push(resolve)
      timer = setTimeout(resolve, limitMs)
    })
    clearTimeout(timer)
  }
}

function partition<T>(all: readonly T[], fits: (one: T) => boolean): [T[], T[]] {
  return [all.filter(fits), all.filter((one) => !fits(one))]
}

/** The record that an OnSuccess or OnFailure destination gets. */
function destinationRecord(
  event: AsyncEvent,
  functionArn: string,
  condition: string,
  response: string,
): string {
  const failed = condition !== 'Success'
  return JSON.stringify({
    version: '1.0',
    timestamp: new Date().toISOString(),
    requestContext: {
      requestId: event.requestId,
      functionArn: `${functionArn}:$LATEST`,
      condition,
      approximateInvokeCount: event.attempts,
    },
    requestPayload: JSON.parse(event.payload),
    responseContext: {
      statusCode: 200,
      executedVersion: '$LATEST',
      ...(failed && { functionError: 'Unhandled' }),
    },
    responsePayload: JSON.parse(response),
  })
}

function faultPayload(error: unknown): string {
  const errorType = error instanceof FunctionFault ? error.errorType : 'Error'
  return JSON.stringify({ errorType, errorMessage: messageOf(error) })
}
