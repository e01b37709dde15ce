import type { IncomingMessage, ServerResponse } from 'node:http'

/**
 * What the parts of the embedded cloud ask of each other. The embedded cloud runs a CDK assembly on
 * one machine; nothing here knows what the application does.
 */

/** The account and region every ARN of the embedded cloud carries (LocalStack's account). */
export interface CloudIdentity {
  readonly accountId: string
  readonly region: string
}

/** What an AWS client signs with. */
export interface AccessKey {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

/** One IAM or IoT policy document, as a template contains it. */
export interface PolicyDocument {
  readonly Version?: string
  readonly Statement: PolicyStatement | readonly PolicyStatement[]
}

export interface PolicyStatement {
  readonly Effect: 'Allow' | 'Deny'
  readonly Action?: string | readonly string[]
  readonly NotAction?: string | readonly string[]
  readonly Resource?: string | readonly string[]
  readonly NotResource?: string | readonly string[]
  readonly Condition?: Readonly<
    Record<string, Readonly<Record<string, string | readonly string[]>>>
  >
}

/**
 * Who signed a request: a function's role, or the operator, who may do everything.
 * `may` answers as IAM would (identity policies only): default deny, an explicit Deny wins.
 */
export interface Caller {
  readonly name: string
  may(action: string, resourceArn: string, context?: Readonly<Record<string, string>>): boolean
}

/** A request to an AWS service of the embedded cloud; the body has been read whole. */
export interface ServiceRequest {
  readonly raw: IncomingMessage
  readonly method: string
  /** Path and query as they came, still percent-encoded. */
  readonly url: string
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
  readonly caller: Caller
}

/** An AWS service behind the one endpoint; it is found by the SigV4 service name of a request. */
export interface Service {
  /** SigV4 service names, for example `dynamodb` or `iotdata`. */
  readonly signingNames: readonly string[]
  handle(request: ServiceRequest, response: ServerResponse): Promise<void>
}

/** Invokes a function of the assembly; the ARN or the plain function name finds it. */
export interface Functions {
  /**
   * Waits for the answer; a thrown error of the handler is a `FunctionFault`. An event that is a function is
   * a `MakeEvent`, called for the event itself when an execution environment takes it.
   */
  invoke(functionArn: string, event: unknown, options?: InvokeOptions): Promise<unknown>
  /** Queues as Lambda's asynchronous invocation: retried twice, then the dead-letter queue. */
  invokeAsync(functionArn: string, event: unknown): void
}

export interface InvokeOptions {
  /**
   * If no execution environment is free within this many milliseconds, the function does not run.
   */
  readonly patienceMs?: number
  /**
   * Called when its turn has come; if nobody wants the answer any more, the function does not run.
   */
  readonly isWanted?: () => boolean
  /**
   * Called when an execution environment takes the event. `elapsedMs` of the event's time are over by then:
   * what an environment took to start counts, as on AWS, and a wait for one that others kept busy does not.
   */
  readonly onStart?: (elapsedMs: number) => void
  /** The event source mapping that invokes, by its name. */
  readonly source?: string
  /** Nobody waits for the answer: it gives way to what someone waits for. */
  readonly isBackground?: boolean
}

/** Makes an event when its turn has come; `elapsedMs` as for `onStart`. */
export type MakeEvent = (elapsedMs: number) => unknown

/** The event of an invocation that begins now, for who runs functions without a line of waiters. */
export function beginEvent(event: unknown, { onStart }: InvokeOptions = {}): unknown {
  onStart?.(0)
  return typeof event === 'function' ? (event as MakeEvent)(0) : event
}

/** An error that a function's handler threw, or its time-out, as Lambda reports it. */
export class FunctionFault extends Error {
  readonly errorType: string
  constructor(errorType: string, message: string) {
    super(message)
    this.name = 'FunctionFault'
    this.errorType = errorType
  }
}

/** A server certificate for this machine, signed by the embedded cloud's own CA. All PEM. */
export interface ServerTls {
  readonly cert: string
  readonly key: string
  readonly ca: string
}

/** Lines for a developer to read; `part` is a module name such as `iot` or a function name. */
export type Log = (part: string, line: string) => void
