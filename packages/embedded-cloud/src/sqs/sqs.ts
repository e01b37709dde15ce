import type { ServerResponse } from 'node:http'
import { AwsError, answerJson, answerJsonError, notAuthorized, parseInput } from '../answer.ts'
import type { CloudIdentity, Log, Service, ServiceRequest } from '../types.ts'
import { attributesOf, type QueueProperties } from './attributes.ts'
import { SqsError } from './error.ts'
import type { Json } from './json.ts'
import type { MessageAttributes } from './message.ts'
import { MessageJournal } from './message-journal.ts'
import { MessageMoves } from './message-move.ts'
import { queryCode } from './query-codes.ts'
import { Queue } from './queue.ts'
import { Queues } from './queues.ts'
import { receive } from './receive.ts'
import { type QueueRecord, queueRecord } from './records.ts'
import { act, type Requests, resourceOf } from './requests.ts'
import { sendMessage } from './send.ts'

export type { QueueProperties } from './attributes.ts'
export type { QueueRecord } from './records.ts'

export interface SqsOptions {
  readonly identity: CloudIdentity
  readonly log: Log
  /** The endpoint's address, `http://127.0.0.1:<port>`: queue URLs begin with it. */
  readonly baseUrl: string
  /** File of JSON lines that carries messages over a restart and a kill; absent = memory only. */
  readonly path?: string
}

export interface ReceiveOptions {
  /** 1 to 10; default 10. */
  readonly max?: number
  /** Seconds to wait for a first message; default 0. */
  readonly waitSeconds?: number
  /** Ends the wait early with no messages. */
  readonly signal?: AbortSignal
}

export interface QueueDepth {
  readonly visible: number
  readonly inFlight: number
  readonly delayed: number
}

export interface SendOptions {
  readonly delaySeconds?: number
  readonly groupId?: string
  readonly deduplicationId?: string
  readonly attributes?: MessageAttributes
}

/**
 * SQS as a service of the embedded cloud, with IAM, fair queues and redrive out of dead-letter queues.
 * `queue` is a queue's URL, ARN or name everywhere below; one that does not exist is an error.
 */
export interface Sqs {
  readonly service: Service
  /** Makes a queue, or brings the attributes of the one with that name up to date. */
  createQueue(properties: QueueProperties): { readonly url: string; readonly arn: string }
  deleteQueue(queue: string): void
  /** Returns the message id. */
  send(queue: string, body: string, options?: SendOptions): string
  /** Messages stay invisible for the queue's visibility timeout; those received too often are redriven. */
  receive(queue: string, options?: ReceiveOptions): Promise<QueueRecord[]>
  delete(queue: string, receiptHandle: string): void
  /** Nothing happens when the message is not in flight any more. */
  changeVisibility(queue: string, receiptHandle: string, seconds: number): void
  depth(queue: string): QueueDepth
  /** The queue's policy: who may send in addition to callers with their own policy, JSON. */
  setPolicy(queue: string, policy: string): void
  policy(queue: string): string | undefined
  /** Ends every waiting receive; what is undelivered stays in `path`. */
  close(): Promise<void>
}

const retentionSweepMs = 60_000

/** Starts SQS; rejects with `DamagedStateError` when the file of undelivered messages cannot be read. */
export async function startSqs(options: SqsOptions): Promise<Sqs> {
  return new EmbeddedSqs(options, new MessageJournal(options.path))
}

class EmbeddedSqs implements Sqs {
  readonly service: Service = {
    signingNames: ['sqs'],
    handle: (request, response) => handle(this.#requests, request, response),
  }
  readonly #options: SqsOptions
  readonly #queues = new Queues()
  readonly #journal: MessageJournal
  readonly #requests: Requests
  readonly #sweep: NodeJS.Timeout

  constructor(options: SqsOptions, journal: MessageJournal) {
    this.#options = options
    this.#journal = journal
    this.#requests = {
      queues: this.#queues,
      moves: new MessageMoves(this.#queues),
      identity: options.identity,
      create: (name, attributes) => this.#create(name, attributes),
      remove: (queue) => {
        this.#queues.remove(queue)
        journal.abandon(queue)
      },
    }
    this.#sweep = setInterval(() => this.#dropOld(), retentionSweepMs).unref()
  }

  createQueue(properties: QueueProperties): { url: string; arn: string } {
    const attributes = attributesOf(properties)
    const existing = this.#queues.byName(properties.QueueName)
    existing?.setAttributes(attributes)
    const { url, arn } = existing ?? this.#create(properties.QueueName, attributes)
    return { url, arn }
  }

  deleteQueue(queue: string): void {
    this.#requests.remove(this.#find(queue))
  }

  send(queue: string, body: string, options: SendOptions = {}): string {
    const { delaySeconds, groupId, deduplicationId, attributes } = options
    const output = sendMessage(this.#find(queue), {
      MessageBody: body,
      ...(attributes === undefined ? {} : { MessageAttributes: attributes }),
      ...(delaySeconds === undefined ? {} : { DelaySeconds: delaySeconds }),
      ...(groupId === undefined ? {} : { MessageGroupId: groupId }),
      ...(deduplicationId === undefined ? {} : { MessageDeduplicationId: deduplicationId }),
    })
    return String(output.MessageId)
  }

  async receive(queue: string, options: ReceiveOptions = {}): Promise<QueueRecord[]> {
    const { max = 10, waitSeconds = 0, signal } = options
    const found = this.#find(queue)
    const reception = { max, waitMs: waitSeconds * 1000, signal }
    const received = await receive(this.#queues, found, reception)
    return received.map((one) => queueRecord(found, one, this.#options.identity.region))
  }

  delete(queue: string, receiptHandle: string): void {
    this.#find(queue).delete(receiptHandle)
  }

  changeVisibility(queue: string, receiptHandle: string, seconds: number): void {
    this.#find(queue).changeVisibility(receiptHandle, seconds)
  }

  depth(queue: string): QueueDepth {
    return this.#find(queue).depth()
  }

  setPolicy(queue: string, policy: string): void {
    this.#find(queue).setAttributes({ Policy: policy })
  }

  policy(queue: string): string | undefined {
    return this.#find(queue).attributes.Policy
  }

  async close(): Promise<void> {
    clearInterval(this.#sweep)
    for (const queue of this.#queues.list()) queue.close()
    this.#journal.close()
  }

  #create(name: string, given: Record<string, string>): Queue {
    const { identity, baseUrl } = this.#options
    const attributes = name.endsWith('.fifo') ? { ...given, FifoQueue: 'true' } : given
    const url = `${baseUrl}/${identity.accountId}/${name}`
    const arn = `arn:aws:sqs:${identity.region}:${identity.accountId}:${name}`
    const queue = new Queue({ name, url, arn }, attributes, this.#journal)
    this.#queues.add(queue)
    this.#journal.adopt(queue)
    return queue
  }

  #find(queue: string): Queue {
    const name = queue.slice(Math.max(queue.lastIndexOf('/'), queue.lastIndexOf(':')) + 1)
    const found = this.#queues.byName(name)
    if (found === undefined) throw new Error(`There is no queue ${queue}.`)
    return found
  }

  #dropOld(): void {
    for (const queue of this.#queues.list()) queue.dropOld()
  }
}

async function handle(
  requests: Requests,
  request: ServiceRequest,
  response: ServerResponse,
): Promise<void> {
  const target = String(request.headers['x-amz-target'])
  const action = target.slice(target.indexOf('.') + 1)
  try {
    const input = parseInput(request.body, '; the embedded SQS speaks the JSON protocol only')
    authorize(requests, action, input, request)
    answerJson(response, await act(requests, action, input))
  } catch (error) {
    answerFailure(response, error)
  }
}

function authorize(
  { identity }: Requests,
  action: string,
  input: Json,
  { caller }: ServiceRequest,
): void {
  // A batch needs what its entries need alone.
  const permission = `sqs:${action.replace(/Batch$/, '')}`
  const resource = resourceOf(identity, input)
  if (caller.may(permission, resource)) return
  const message = notAuthorized(caller.name, permission, resource)
  throw new AwsError('com.amazon.coral.service#AccessDeniedException', message, 403)
}

function answerFailure(response: ServerResponse, error: unknown): void {
  if (error instanceof AwsError) answerJsonError(response, error)
  else if (error instanceof SqsError) answerSqsError(response, error)
  else throw error
}

function answerSqsError(response: ServerResponse, { code, message, status }: SqsError): void {
  const aws = new AwsError(`com.amazonaws.sqs#${code}`, message, status)
  answerJsonError(response, aws, '1.0', { 'x-amzn-query-error': `${queryCode(code)};Sender` })
}
