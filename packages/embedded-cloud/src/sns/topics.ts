import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { messageOf } from '../cloud-start-error.ts'
import { allowsService } from '../resource-policy.ts'
import type { Pair } from '../tls.ts'
import type { CloudIdentity, Functions, Log, PolicyDocument, ServerTls } from '../types.ts'
import { type Door, openDoor } from './door.ts'
import { invalidParameter, snsError } from './error.ts'
import { type Content, type Message, makeMessage } from './message.ts'
import { Outbox, type Posted } from './outbox.ts'
import type { Delivery, Registry, Topic } from './registry.ts'
import { type Envelope, envelopeOf, type Signature, sign } from './signer.ts'
import { type Protocol, protocols, Subscription } from './subscription.ts'

export interface SnsOptions {
  readonly identity: CloudIdentity
  readonly log: Log
  readonly tls: ServerTls
  /** File of JSON lines. */
  readonly stateFile: string
  /** How long a second is, in milliseconds, of those between two attempts at an HTTP endpoint. */
  readonly retrySecondMs: number
  readonly functions: Pick<Functions, 'invokeAsync'>
  /** Whether a function's resource policy lets the topic invoke it (AWS::Lambda::Permission). */
  permits(functionArn: string, principal: 'sns.amazonaws.com', topicArn: string): boolean
  readonly queues: SnsQueues
}

/** SQS as SNS needs it; a queue is named by its ARN. */
export interface SnsQueues {
  /** The queue's policy, JSON; undefined if it has none. Throws if there is no such queue. */
  policy(queue: string): string | undefined
  send(queue: string, body: string, attributes: QueueAttributes): void
}

type QueueAttributes = Readonly<
  Record<string, { DataType: string; StringValue?: string; BinaryValue?: string }>
>

export interface NewSubscription {
  readonly topicArn: string
  readonly protocol: string
  readonly endpoint: string
  readonly attributes: Readonly<Record<string, string>>
}

const topicAttributes = ['DisplayName', 'SignatureVersion', 'Policy', 'TracingConfig']
const loopback = ['localhost', '127.0.0.1', '[::1]']

/** What the API and templates ask of topics. Refusals are `AwsError`s. */
export class Topics {
  readonly registry: Registry
  readonly identity: CloudIdentity
  readonly #options: SnsOptions
  readonly #signer: Pair
  readonly #certificatePath: string
  readonly #outbox: Outbox
  #door: Door | undefined

  constructor(options: SnsOptions, registry: Registry, signer: Pair) {
    this.#options = options
    this.identity = options.identity
    this.registry = registry
    this.#signer = signer
    const name = createHash('sha256').update(signer.cert).digest('hex').slice(0, 32)
    this.#certificatePath = `/SimpleNotificationService-${name}.pem`
    this.#outbox = new Outbox({
      registry,
      log: options.log,
      ca: options.tls.ca,
      secondMs: options.retrySecondMs,
      write: (delivery, subscription) => this.#write(delivery, subscription),
      giveUp: (message, subscription, why) => this.#redrive(message, subscription, why),
    })
  }

  async open(): Promise<void> {
    this.#door = await openDoor({
      tls: this.#options.tls,
      certificatePath: this.#certificatePath,
      certificate: () => this.#signer.cert,
      act: (action, parameters) => this.#follow(action, parameters),
    })
  }

  /** Where the links in messages lead, `https://localhost:<port>`. */
  get url(): string {
    return this.#door?.url ?? ''
  }

  restore(): void {
    this.#outbox.restore()
  }

  async close(): Promise<void> {
    this.#outbox.close()
    await this.#door?.close()
    this.registry.close()
  }

  createTopic(name: string, attributes: Topic['attributes'], ofTemplate = false): Topic {
    if (!/^[\w-]{1,256}$/.test(name)) throw invalidParameter('Topic Name')
    const unknown = Object.keys(attributes).find((one) => !topicAttributes.includes(one))
    if (unknown !== undefined)
      throw invalidParameter(`the embedded SNS has no topics with ${unknown}`)
    const { region, accountId } = this.identity
    const arn = `arn:aws:sns:${region}:${accountId}:${name}`
    const topic = {
      arn,
      attributes: { ...this.registry.topics.get(arn)?.attributes, ...attributes },
    }
    this.registry.addTopic(topic, ofTemplate)
    return topic
  }

  find(arn: string): Topic {
    const topic = this.registry.topics.get(arn)
    if (topic === undefined) throw snsError('NotFound', 'Topic does not exist', 404)
    return topic
  }

  subscription(arn: string): Subscription {
    const found = this.registry.subscriptions.get(arn)
    if (found === undefined) throw snsError('NotFound', 'Subscription does not exist', 404)
    return found
  }

  /** The same endpoint is subscribed once; with other attributes it is refused, as SNS does. */
  subscribe(wanted: NewSubscription): Subscription {
    const protocol = this.#check(wanted)
    const { topicArn, endpoint, attributes } = wanted
    const existing = this.registry
      .of(topicArn)
      .find(({ saved }) => saved.protocol === protocol && saved.endpoint === endpoint)
    if (existing) return this.#repeat(existing, attributes)
    return this.#add({ ...wanted, protocol }, `${topicArn}:${randomUUID()}`, false)
  }

  subscribeOfTemplate(stableId: string, wanted: NewSubscription): string {
    const protocol = this.#check(wanted)
    const digest = createHash('sha256').update(stableId).digest('hex')
    const id = digest.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5')
    return this.#add({ ...wanted, protocol }, `${wanted.topicArn}:${id}`, true).saved.arn
  }

  confirm(topicArn: string, token: string): Subscription {
    const found = this.registry.of(topicArn).find(({ saved }) => saved.token === token)
    if (found === undefined) throw invalidParameter('Token')
    this.registry.confirm(found)
    return found
  }

  /** Resolves what `content` is called when every queue and function has it; HTTP endpoints get it by and by. */
  publish(topicArn: string, content: Content): Message {
    const topic = this.find(topicArn)
    const message = makeMessage(topicArn, content)
    // signing takes a millisecond, and is the same for all
    let signed: (Envelope & Signature) | undefined
    const envelope = () => {
      signed ??= this.#signed(envelopeOf(message), topic)
      return signed
    }
    for (const subscription of this.registry.of(topicArn))
      if (!subscription.isPending && subscription.passes(content))
        this.#deliver(message, subscription, envelope)
    return message
  }

  #check({ topicArn, protocol, endpoint }: NewSubscription): Protocol {
    this.find(topicArn)
    const known = protocols.find((one) => one === protocol)
    if (known === undefined)
      throw invalidParameter(
        `the embedded SNS has no protocol ${protocol}: use ${protocols.join(', ')}`,
      )
    if (known !== 'http' && known !== 'https') return known
    if (!URL.canParse(endpoint) || !loopback.includes(new URL(endpoint).hostname))
      throw invalidParameter('Endpoint: the embedded SNS posts to this machine only')
    if (new URL(endpoint).protocol !== `${known}:`)
      throw invalidParameter('Endpoint must match the specified protocol')
    return known
  }

  #add(
    { topicArn, protocol, endpoint, attributes }: NewSubscription & { protocol: Protocol },
    arn: string,
    ofTemplate: boolean,
  ): Subscription {
    const asks = protocol === 'http' || protocol === 'https' || protocol === 'email'
    const token = asks ? { token: randomBytes(32).toString('hex') } : {}
    const saved = { arn, topicArn, protocol, endpoint, attributes, ...token }
    const subscription = new Subscription(saved)
    this.registry.addSubscription(subscription, ofTemplate)
    if (subscription.isPending && protocol !== 'email')
      this.#outbox.add(subscription, 'confirmation')
    return subscription
  }

  #repeat(existing: Subscription, attributes: NewSubscription['attributes']): Subscription {
    const differs = Object.entries(attributes).some(
      ([name, value]) => existing.saved.attributes[name] !== value,
    )
    if (differs)
      throw invalidParameter('Attributes: Subscription already exists with different attributes')
    if (existing.isPending && existing.saved.protocol !== 'email')
      this.#outbox.add(existing, 'confirmation')
    return existing
  }

  #deliver(
    message: Message,
    subscription: Subscription,
    envelope: () => Envelope & Signature,
  ): void {
    const { protocol, endpoint } = subscription.saved
    try {
      if (protocol === 'http' || protocol === 'https') this.#outbox.add(subscription, message)
      else if (protocol === 'sqs') this.#toQueue(message, subscription, envelope)
      else if (protocol === 'lambda') this.#toFunction(endpoint, subscription, envelope)
    } catch (error) {
      // a queue or function that is gone, or lets nobody in, is no better the next time
      this.#redrive(message, subscription, messageOf(error))
    }
  }

  #toQueue(
    message: Message,
    { raw, saved }: Subscription,
    envelope: () => Envelope & Signature,
  ): void {
    const { endpoint, topicArn, arn } = saved
    this.#demandQueue(endpoint, topicArn)
    const { queues } = this.#options
    if (raw) queues.send(endpoint, message.message, queueAttributes(message))
    else
      queues.send(endpoint, JSON.stringify({ ...envelope(), UnsubscribeURL: this.#leave(arn) }), {})
  }

  #toFunction(
    functionArn: string,
    { saved }: Subscription,
    envelope: () => Envelope & Signature,
  ): void {
    const { functions, permits } = this.#options
    if (!permits(functionArn, 'sns.amazonaws.com', saved.topicArn))
      throw new Error(
        `${functionArn} has no permission for sns.amazonaws.com and ${saved.topicArn}`,
      )
    const { SigningCertURL: SigningCertUrl, MessageAttributes = {}, ...rest } = envelope()
    const Sns = { Subject: null, ...rest, SigningCertUrl, UnsubscribeUrl: this.#leave(saved.arn) }
    functions.invokeAsync(functionArn, {
      Records: [
        {
          EventSource: 'aws:sns',
          EventVersion: '1.0',
          EventSubscriptionArn: saved.arn,
          Sns: { ...Sns, MessageAttributes },
        },
      ],
    })
  }

  /** To the dead-letter queue, as SNS would have delivered it; without one the message is dropped. */
  #redrive(message: Message, subscription: Subscription, why: string): void {
    const { deadLetters, saved, raw } = subscription
    const { log, queues } = this.#options
    log('sns', `${saved.arn} did not get message ${message.messageId}: ${why}`)
    if (deadLetters === undefined) return
    const envelope = { ...envelopeOf(message), UnsubscribeURL: this.#leave(saved.arn) }
    const signed = this.#signed(envelope, this.registry.topics.get(saved.topicArn))
    try {
      this.#demandQueue(deadLetters, saved.topicArn)
      if (raw) queues.send(deadLetters, message.message, queueAttributes(message))
      else queues.send(deadLetters, JSON.stringify(signed), {})
    } catch (error) {
      log('sns', `message ${message.messageId} is lost: ${messageOf(error)}`)
    }
  }

  #demandQueue(queue: string, topicArn: string): void {
    const policy = this.#options.queues.policy(queue)
    const isAllowed =
      policy !== undefined &&
      allowsService(JSON.parse(policy) as PolicyDocument, {
        service: 'sns.amazonaws.com',
        action: 'sqs:SendMessage',
        resource: queue,
        sourceArn: topicArn,
        accountId: this.identity.accountId,
      })
    if (!isAllowed) throw new Error(`the policy of ${queue} does not allow ${topicArn} to send`)
  }

  #write({ id, message }: Delivery, { saved, raw }: Subscription): Posted {
    const topic = this.registry.topics.get(saved.topicArn)
    if (message === 'confirmation') {
      const envelope = this.#signed(this.#confirmation(id, saved), topic)
      return { type: envelope.Type, id, body: JSON.stringify(envelope) }
    }
    const type = 'Notification'
    if (raw) return { type, id: message.messageId, body: message.message }
    const envelope = this.#signed(envelopeOf(message), topic)
    const body = JSON.stringify({ ...envelope, UnsubscribeURL: this.#leave(saved.arn) })
    return { type, id: message.messageId, body }
  }

  #confirmation(MessageId: string, { topicArn, token = '' }: Subscription['saved']): Envelope {
    const query = new URLSearchParams({
      Action: 'ConfirmSubscription',
      TopicArn: topicArn,
      Token: token,
    })
    return {
      Type: 'SubscriptionConfirmation',
      MessageId,
      Token: token,
      TopicArn: topicArn,
      Message: `You have chosen to subscribe to the topic ${topicArn}.\nTo confirm the subscription, visit the SubscribeURL included in this message.`,
      SubscribeURL: `${this.url}/?${query}`,
      Timestamp: new Date().toISOString(),
    }
  }

  #signed<E extends Envelope>(envelope: E, topic: Topic | undefined): E & Signature {
    const version = topic?.attributes.SignatureVersion === '2' ? '2' : '1'
    const url = `${this.url}${this.#certificatePath}`
    return { ...envelope, ...sign(envelope, version, this.#signer, url) }
  }

  #leave(SubscriptionArn: string): string {
    const query = new URLSearchParams({ Action: 'Unsubscribe', SubscriptionArn })
    return `${this.url}/?${query}`
  }

  #follow(action: string, parameters: URLSearchParams): number {
    try {
      if (action === 'ConfirmSubscription')
        this.confirm(parameters.get('TopicArn') ?? '', parameters.get('Token') ?? '')
      else if (action === 'Unsubscribe')
        this.registry.removeSubscription(
          this.subscription(parameters.get('SubscriptionArn') ?? '').saved.arn,
        )
      else return 400
      return 200
    } catch {
      return 400
    }
  }
}

function queueAttributes({ attributes }: Message): QueueAttributes {
  return Object.fromEntries(
    Object.entries(attributes).map(([name, { type: DataType, value }]) => [
      name,
      DataType.startsWith('Binary')
        ? { DataType, BinaryValue: value }
        : { DataType, StringValue: value },
    ]),
  )
}
