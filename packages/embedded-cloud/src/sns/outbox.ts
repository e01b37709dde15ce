import { randomUUID } from 'node:crypto'
import { Agent, type ClientRequest, request as httpRequest } from 'node:http'
import { request as httpsRequest, Agent as SecureAgent } from 'node:https'
import { messageOf } from '../cloud-start-error.ts'
import type { Log } from '../types.ts'
import type { Message } from './message.ts'
import type { Delivery, Registry } from './registry.ts'
import { ANSWER_SECONDS, retryDelay } from './retry-policy.ts'
import type { Subscription } from './subscription.ts'

export interface OutboxOptions {
  readonly registry: Registry
  readonly log: Log
  /**
   * PEM of a CA that may sign the certificates of HTTPS endpoints, in addition to those that
   * Node.js trusts.
   */
  readonly ca: string
  /** How long a second of a retry policy is, in milliseconds. */
  readonly secondMs: number
  /** Type, id and body of what is posted. */
  write(delivery: Delivery, subscription: Subscription): Posted
  /** Receives messages that were given up. */
  giveUp(message: Message, subscription: Subscription, why: string): void
}

export interface Posted {
  readonly type: string
  readonly id: string
  readonly body: string
}

/** Of one endpoint at the same time: a page of retries must not take every socket of the machine. */
const SOCKETS = 10

/**
 * What HTTP endpoints are still to get. Server errors, 429 and silence are tried again as the subscription's
 * delivery policy says; any other answer but 2xx is final (sns:sns-message-delivery-retries).
 */
export class Outbox {
  readonly #options: OutboxOptions
  readonly #timers = new Set<NodeJS.Timeout>()
  readonly #requests = new Set<ClientRequest>()
  readonly #agents: { readonly http: Agent; readonly https: SecureAgent }
  /** Of an earlier run. */
  readonly #left: readonly Delivery[]
  #isClosed = false

  constructor(options: OutboxOptions) {
    this.#options = options
    this.#left = [...options.registry.deliveries.values()]
    const pool = { keepAlive: true, maxSockets: SOCKETS }
    this.#agents = { http: new Agent(pool), https: new SecureAgent({ ...pool, ca: options.ca }) }
  }

  add(subscription: Subscription, message: Delivery['message']): void {
    const { arn: subscriptionArn } = subscription.saved
    const delivery = { id: randomUUID(), subscriptionArn, message, attempts: 0 }
    this.#options.registry.keep(delivery)
    this.#attempt(delivery)
  }

  /** Takes up what an earlier run of the embedded cloud left. */
  restore(): void {
    const { deliveries } = this.#options.registry
    for (const delivery of this.#left) if (deliveries.has(delivery.id)) this.#attempt(delivery)
  }

  close(): void {
    this.#isClosed = true
    for (const timer of this.#timers) clearTimeout(timer)
    for (const request of this.#requests) request.destroy()
    this.#agents.http.destroy()
    this.#agents.https.destroy()
  }

  #attempt(delivery: Delivery): void {
    const { registry, write } = this.#options
    const subscription = registry.subscriptions.get(delivery.subscriptionArn)
    const isAsked = delivery.message === 'confirmation' && !subscription?.isPending
    if (subscription === undefined || isAsked) {
      registry.done(delivery)
      return
    }
    this.#post(subscription, write(delivery, subscription))
      .then((status) => this.#answered(delivery, subscription, status))
      .catch((error) => this.#failed(delivery, subscription, messageOf(error)))
  }

  #answered(delivery: Delivery, subscription: Subscription, status: number): void {
    const why = `its endpoint answered ${status}`
    if (status >= 200 && status < 300) this.#options.registry.done(delivery)
    else if (status >= 500 || status === 429) this.#failed(delivery, subscription, why)
    else this.#giveUp(delivery, subscription, why)
  }

  #failed(delivery: Delivery, subscription: Subscription, why: string): void {
    const again = { ...delivery, attempts: delivery.attempts + 1 }
    const seconds = retryDelay(subscription.retries, again.attempts)
    if (this.#isClosed) return
    if (seconds === undefined) this.#giveUp(delivery, subscription, why)
    else this.#later(again, seconds * this.#options.secondMs)
  }

  #later(delivery: Delivery, delayMs: number): void {
    this.#options.registry.keep(delivery)
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      this.#attempt(delivery)
    }, delayMs)
    this.#timers.add(timer)
  }

  #giveUp(delivery: Delivery, subscription: Subscription, why: string): void {
    if (this.#isClosed) return
    const { registry, giveUp, log } = this.#options
    if (delivery.message === 'confirmation')
      log('sns', `${subscription.saved.endpoint} could not be asked to confirm: ${why}`)
    else giveUp(delivery.message, subscription, why)
    registry.done(delivery)
  }

  /** The status of the answer. */
  #post({ saved, raw }: Subscription, { type, id, body }: Posted): Promise<number> {
    const url = new URL(saved.endpoint)
    const isPlain = url.protocol === 'http:'
    const headers = {
      'content-type': 'text/plain; charset=UTF-8',
      'content-length': Buffer.byteLength(body),
      'user-agent': 'Amazon Simple Notification Service Agent',
      'x-amz-sns-message-type': type,
      'x-amz-sns-message-id': id,
      'x-amz-sns-topic-arn': saved.topicArn,
      ...(type === 'Notification' && { 'x-amz-sns-subscription-arn': saved.arn }),
      ...(raw && type === 'Notification' && { 'x-amz-sns-rawdelivery': 'true' }),
    }
    const agent = isPlain ? this.#agents.http : this.#agents.https
    const timeout = ANSWER_SECONDS * 1000
    const ask = isPlain ? httpRequest : httpsRequest
    return new Promise((resolve, reject) => {
      const request = ask(url, { method: 'POST', agent, headers, timeout }, (response) => {
        response.resume()
        response.on('end', () => resolve(response.statusCode ?? 0))
        response.on('error', reject)
      })
      this.#requests.add(request)
      request.on('timeout', () => request.destroy(new Error('no answer in time')))
      request.on('error', reject)
      request.on('close', () => this.#requests.delete(request))
      request.end(body)
    })
  }
}
