import { type Journal, openJournal } from '../journal.ts'
import { makeSigner, type Pair } from '../tls.ts'
import type { Message } from './message.ts'
import { type SavedSubscription, Subscription } from './subscription.ts'

export interface Topic {
  readonly arn: string
  readonly attributes: Readonly<Record<string, string>>
}

/** What an HTTP endpoint is still to get: a message, or the request to confirm its subscription. */
export interface Delivery {
  readonly id: string
  readonly subscriptionArn: string
  readonly message: Message | 'confirmation'
  /** Attempts that have failed. */
  readonly attempts: number
}

type Entry =
  | { readonly signer: Pair }
  | { readonly topic: Topic }
  | { readonly subscription: SavedSubscription }
  | { readonly confirmed: string }
  | { readonly delivery: Delivery }
  | { readonly gone: string }

/** Lines after which the file is rewritten. */
const compactAfter = 5_000

/**
 * Topics, subscriptions and what HTTP endpoints have not taken yet, on disk. What a template makes is made again
 * at every start and not written; of its subscriptions only that they were confirmed.
 */
export class Registry {
  readonly topics = new Map<string, Topic>()
  readonly subscriptions = new Map<string, Subscription>()
  readonly deliveries = new Map<string, Delivery>()
  readonly #confirmed = new Set<string>()
  readonly #ofTemplate = new Set<string>()
  readonly #journal: Journal<Entry>
  #signer: Pair | undefined

  /** @throws {DamagedStateError} */
  constructor(file: string) {
    this.#journal = openJournal<Entry>({
      file,
      compactAfter,
      replay: (entry) => this.#replay(entry),
      snapshot: () => this.#snapshot(),
    })
  }

  /** The key that messages are signed with; it is kept, so that a receiver may keep its certificate. */
  async signer(): Promise<Pair> {
    if (this.#signer) return this.#signer
    const signer = await makeSigner('sns.amazonaws.com')
    this.#signer = signer
    this.#journal.append({ signer })
    return signer
  }

  addTopic(topic: Topic, ofTemplate: boolean): void {
    this.topics.set(topic.arn, topic)
    if (ofTemplate) this.#ofTemplate.add(topic.arn)
    else this.#journal.append({ topic })
  }

  /** A topic goes with its subscriptions. */
  removeTopic(arn: string): void {
    for (const { saved } of this.of(arn)) this.removeSubscription(saved.arn)
    this.#forget(arn)
  }

  addSubscription(subscription: Subscription, ofTemplate: boolean): void {
    const { arn } = subscription.saved
    if (ofTemplate) this.#ofTemplate.add(arn)
    if (this.#confirmed.has(arn)) subscription.confirm()
    this.subscriptions.set(arn, subscription)
    this.save(subscription)
  }

  save({ saved }: Subscription): void {
    if (!this.#ofTemplate.has(saved.arn)) this.#journal.append({ subscription: saved })
  }

  confirm(subscription: Subscription): void {
    subscription.confirm()
    this.#confirmed.add(subscription.saved.arn)
    this.#journal.append({ confirmed: subscription.saved.arn })
    this.save(subscription)
  }

  removeSubscription(arn: string): void {
    for (const { id, subscriptionArn } of [...this.deliveries.values()])
      if (subscriptionArn === arn) this.deliveries.delete(id)
    this.#confirmed.delete(arn)
    this.#forget(arn)
  }

  /** The subscriptions of a topic. */
  of(topicArn: string): Subscription[] {
    return [...this.subscriptions.values()].filter(({ saved }) => saved.topicArn === topicArn)
  }

  keep(delivery: Delivery): void {
    this.deliveries.set(delivery.id, delivery)
    this.#journal.append({ delivery })
  }

  done({ id }: Delivery): void {
    this.deliveries.delete(id)
    this.#journal.appendSoon({ gone: id })
  }

  close(): void {
    this.#journal.close()
  }

  #forget(arn: string): void {
    this.topics.delete(arn)
    this.subscriptions.delete(arn)
    this.#ofTemplate.delete(arn)
    this.#journal.append({ gone: arn })
  }

  #replay(entry: Entry): void {
    if ('signer' in entry) this.#signer = entry.signer
    else if ('topic' in entry) this.topics.set(entry.topic.arn, entry.topic)
    else if ('subscription' in entry)
      this.subscriptions.set(entry.subscription.arn, new Subscription(entry.subscription))
    else if ('confirmed' in entry) this.#confirmed.add(entry.confirmed)
    else if ('delivery' in entry) this.deliveries.set(entry.delivery.id, entry.delivery)
    else this.#replayGone(entry.gone)
  }

  #replayGone(what: string): void {
    for (const { id, subscriptionArn } of [...this.deliveries.values()])
      if (subscriptionArn === what) this.deliveries.delete(id)
    for (const held of [this.topics, this.subscriptions, this.deliveries]) held.delete(what)
    this.#confirmed.delete(what)
  }

  *#snapshot(): Iterable<Entry> {
    if (this.#signer) yield { signer: this.#signer }
    for (const topic of this.topics.values()) if (!this.#ofTemplate.has(topic.arn)) yield { topic }
    for (const { saved } of this.subscriptions.values())
      if (!this.#ofTemplate.has(saved.arn)) yield { subscription: saved }
    for (const confirmed of this.#confirmed) yield { confirmed }
    for (const delivery of this.deliveries.values()) yield { delivery }
  }
}
