import type { Service } from '../types.ts'
import { Registry } from './registry.ts'
import { handle } from './requests.ts'
import { type NewSubscription, type SnsOptions, Topics } from './topics.ts'

/**
 * Standard topics of SNS as a service of the embedded cloud: subscriptions of queues, functions and
 * HTTP endpoints on loopback, filter policies, signed messages, retries and redrive. Emails are
 * never sent.
 */
export interface Sns {
  readonly service: Service
  /** Where the links in messages lead, the signing certificate too: `https://localhost:<port>`. */
  readonly url: string
  /** Makes the topic of a template; the same name is the same topic. Returns its ARN. */
  createTopic(name: string, attributes: Readonly<Record<string, string>>): string
  deleteTopic(arn: string): void
  /** Makes the subscription of a template, which `stableId` finds again. Returns its ARN. */
  subscribe(stableId: string, subscription: NewSubscription): string
  unsubscribe(arn: string): void
  /** Resumes what an earlier run left undelivered, now that all subscriptions exist. */
  restore(): void
  close(): Promise<void>
}

/** Starts SNS; rejects with `DamagedStateError` when its file cannot be read. */
export async function startSns(options: SnsOptions): Promise<Sns> {
  const registry = new Registry(options.stateFile)
  const topics = new Topics(options, registry, await registry.signer())
  await topics.open()
  return {
    service: {
      signingNames: ['sns'],
      handle: (request, response) => handle(topics, request, response),
    },
    url: topics.url,
    createTopic: (name, attributes) => topics.createTopic(name, attributes, true).arn,
    deleteTopic: (arn) => registry.removeTopic(arn),
    subscribe: (stableId, subscription) => topics.subscribeOfTemplate(stableId, subscription),
    unsubscribe: (arn) => registry.removeSubscription(arn),
    restore: () => topics.restore(),
    close: () => topics.close(),
  }
}
