import type { UpMessage } from '@heliograph/protocol/messages'
import type { Upstream } from '@heliograph/protocol/mqtt-topic'
import { connectReasons } from '@heliograph/protocol/reasons'
import type { Clock } from './clock.ts'
import type { Deferred } from './deferred.ts'
import { fault, HeliographDeviceError } from './errors.ts'
import type { Events } from './events.ts'
import { asObject, type JsonObject, listAt, textAt } from './json.ts'
import type { Edit, RegisteredTopic, RegistrationStore } from './registrations.ts'
import { Repeats } from './repeats.ts'
import { awaitAs, take } from './waits.ts'

/** Publishes a request to the service; rejects while there is no connection. */
export type Send = <Name extends Upstream>(request: Name, body: UpMessage<Name>) => Promise<void>

export interface RegistrarParts {
  readonly store: RegistrationStore
  readonly send: Send
  readonly events: Events
  readonly clock: Clock
  readonly random: () => number
  readonly timeLimitMs: number
}

/** Among the topics that are repeated; no topic has a space. */
const PRESENT = 'the tokens'

/** Reasons of the service for which a new registration gives a new, good token. */
const CURABLE: ReadonlySet<string> = new Set(connectReasons)

/** Keeps the device's topics and the service's view of them the same. */
export class Registrar {
  readonly #parts: RegistrarParts
  readonly #waiting = new Map<string, Deferred<string>>()
  readonly #leaving = new Map<string, Deferred<void>>()
  /** The newest wish of this run to leave a topic; an older one that is told late is not it. */
  readonly #farewells = new Map<string, RegisteredTopic>()
  /** Topics unregistered in this run: late notifications for them are dropped. */
  readonly #left = new Set<string>()
  /** Topics registered again after a refusal and not accepted since. */
  readonly #retried = new Set<string>()

  readonly #repeats: Repeats

  constructor(parts: RegistrarParts) {
    this.#parts = parts
    this.#repeats = new Repeats(parts.clock, parts.random)
  }

  /** The token of every registered topic. */
  tokens(): ReadonlyMap<string, string> {
    const tokens = new Map<string, string>()
    for (const [topic, { state, token }] of this.#parts.store.topics)
      if (state === 'wanted' && token !== undefined) tokens.set(topic, token)
    return tokens
  }

  /** Whether there is a token for every topic that is wanted. */
  hasEveryToken(): boolean {
    const all = [...this.#parts.store.topics.values()]
    return all.every(({ state, token }) => state !== 'wanted' || token !== undefined)
  }

  hasLeft(topic: string): boolean {
    return this.#left.has(topic) || this.#parts.store.topics.get(topic)?.state === 'leaving'
  }

  /**
   * Asks for the token of a topic, now or as soon as there is a connection. An `unregister` that waits
   * is over with that.
   */
  register(topic: string): Promise<string> {
    const asked = this.#waiting.get(topic)
    if (asked) return asked.promise
    const answer = this.#await(this.#waiting, topic, 'register')
    this.#left.delete(topic)
    take(this.#leaving, topic)?.resolve()
    const want: Edit = (before) => (before?.state === 'wanted' ? before : { state: 'wanted' })
    this.#parts.store
      .change(topic, want)
      .then(() => this.#sendRegister(topic))
      .catch(answer.reject)
    return answer.promise
  }

  /** Makes the token of a topic dead. The wish is on disk first, so it survives being offline. */
  unregister(topic: string): Promise<void> {
    const asked = this.#leaving.get(topic)
    if (asked) return asked.promise
    const answer = this.#await(this.#leaving, topic, 'unregister')
    const wish: RegisteredTopic = { state: 'leaving' }
    this.#left.add(topic)
    this.#repeats.stop(topic)
    this.#farewells.set(topic, wish)
    take(this.#waiting, topic)?.reject(fault('Closed', `${topic} was unregistered`, { topic }))
    this.#parts.store
      .change(topic, () => wish)
      .then(() => this.#leave(topic, wish))
      .catch((error) => {
        this.#stay(topic)
        answer.reject(error)
      })
    return answer.promise
  }

  /** A topic that is registered still, as the wish to leave it could not be written: what comes for it counts. */
  #stay(topic: string): void {
    if (this.#parts.store.topics.get(topic)?.state === 'wanted') this.#left.delete(topic)
  }

  /** After every CONNACK: presents the tokens, then repeats unanswered requests. */
  onConnected(): void {
    this.present()
    for (const [topic, known] of this.#parts.store.topics) {
      if (known.state === 'leaving') this.#leave(topic, known)
      else if (known.token === undefined || this.#waiting.has(topic)) this.#sendRegister(topic)
    }
  }

  /** Shows the service which tokens this device holds; it answers, and drains what is pending. */
  present(): void {
    const tokens = [...this.tokens().values()]
    this.#parts.send('connect', { tokens }).catch(() => {}) // presented again after the next CONNACK
    this.#repeats.start(PRESENT, () => this.#presentAgain())
  }

  #presentAgain(): void {
    const tokens = [...this.tokens().values()]
    this.#parts.send('connect', { tokens }).catch(() => {})
  }

  /** What was not answered is asked for again after the next CONNACK. */
  onDisconnected(): void {
    this.#repeats.stopAll()
  }

  /** `heliograph/token` */
  async onToken(message: JsonObject): Promise<void> {
    const topic = textAt(message, 'topic')
    const token = textAt(message, 'token')
    if (topic && token) await this.#keep(topic, token)
  }

  /** `heliograph/connected` */
  async onAccount(message: JsonObject): Promise<void> {
    this.#repeats.stop(PRESENT)
    const accepted = listAt(message, 'accepted', asText)
    for (const topic of accepted) this.#retried.delete(topic)
    if (accepted.length > 0) this.#parts.events.emit('accepted', { topics: accepted })
    for (const renewed of listAt(message, 'renewed', asObject)) await this.onToken(renewed)
    for (const rejected of listAt(message, 'rejected', asObject)) await this.#onRejected(rejected)
  }

  /**
   * `heliograph/error`: rejects the registration that it is about, or is emitted if nobody is
   * waiting for it.
   */
  async onError(message: JsonObject): Promise<void> {
    const reason = textAt(message, 'reason') ?? 'unknown'
    const refused = asRefused(message.request)
    // The topic is not registered: that is what unregister wanted.
    if (refused.kind === 'unregister' && reason === 'UnknownTopic') return
    if (refused.kind === 'register') await this.#onRegisterRefused(reason, refused.topic)
    else this.#parts.events.emit('error', refusal(reason, refused))
  }

  /** Ends every wait. */
  close(): void {
    this.#repeats.stopAll()
    const closed = fault('Closed', 'the device was closed before the service answered')
    for (const waiting of [...this.#waiting.values(), ...this.#leaving.values()])
      waiting.reject(closed)
  }

  async #keep(topic: string, token: string): Promise<void> {
    this.#repeats.stop(topic)
    const known = this.#parts.store.topics.get(topic)
    if (known?.state !== 'wanted') return
    await this.#parts.store.change(topic, (before) =>
      before?.state !== 'wanted' || before.token === token ? before : { state: 'wanted', token },
    )
    this.#waiting.get(topic)?.resolve(token)
    if (known.token !== token) this.#parts.events.emit('token', { topic, token })
  }

  async #onRejected(rejected: JsonObject): Promise<void> {
    const token = textAt(rejected, 'token') ?? ''
    const reason = textAt(rejected, 'reason') ?? 'unknown'
    const topic = [...this.tokens()].find(([, held]) => held === token)?.[0]
    this.#parts.events.emit('rejected', { topic, token, reason })
    if (topic === undefined) return
    if (CURABLE.has(reason) && !this.#retried.has(topic)) return this.#registerAgain(topic)
    const message = `the service refuses the token for ${topic}: ${reason}`
    this.#parts.events.emit('error', new HeliographDeviceError(reason, message, { topic }))
  }

  async #registerAgain(topic: string): Promise<void> {
    this.#retried.add(topic)
    await this.#parts.store.change(topic, (before) =>
      before?.state === 'wanted' ? { state: 'wanted' } : before,
    )
    this.#sendRegister(topic)
  }

  /** A topic that is not a topic is not echoed: then it is the one that is waited for. */
  async #onRegisterRefused(reason: string, echoed: string | undefined): Promise<void> {
    const [first, ...others] = this.#waiting.keys()
    const topic = echoed ?? (others.length === 0 ? first : undefined)
    const waiting = topic === undefined ? undefined : this.#waiting.get(topic)
    const error = refusal(reason, { kind: 'register', topic })
    if (topic !== undefined) this.#repeats.stop(topic)
    if (topic !== undefined) await this.#forgetUnanswered(topic)
    if (waiting) waiting.reject(error)
    else this.#parts.events.emit('error', error)
  }

  /** A topic that never had a token is not asked for again at the next connect. */
  async #forgetUnanswered(topic: string): Promise<void> {
    await this.#parts.store.change(topic, (before) =>
      before?.state === 'wanted' && before.token === undefined ? undefined : before,
    )
  }

  #leave(topic: string, wish: RegisteredTopic): void {
    this.#parts
      .send('unregister', { topic })
      .then(() => this.#onLeft(topic, wish))
      .catch(() => {}) // sent again after the next CONNACK
  }

  /** Only the wish that was told is done with: the program may have changed its mind twice since. */
  async #onLeft(topic: string, wish: RegisteredTopic): Promise<void> {
    await this.#parts.store.change(topic, (before) => (before === wish ? undefined : before))
    if (this.#farewells.get(topic) === wish) take(this.#leaving, topic)?.resolve()
  }

  #sendRegister(topic: string): void {
    this.#parts.send('register', { topic }).then(
      () =>
        this.#isAsked(topic) && this.#repeats.start(topic, () => this.#registerUnanswered(topic)),
      () => {}, // sent again after the next CONNACK
    )
  }

  /** What has been answered, or given up, while the PUBACK of the request came is not asked for again. */
  #registerUnanswered(topic: string): void {
    if (this.#isAsked(topic)) this.#parts.send('register', { topic }).catch(() => {})
    else this.#repeats.stop(topic)
  }

  /**
   * No answer has come yet, or it is still being written: the PUBACK of the request and the answer can come in any
   * order.
   */
  #isAsked(topic: string): boolean {
    const known = this.#parts.store.topics.get(topic)
    return known?.state === 'wanted' && (known.token === undefined || this.#waiting.has(topic))
  }

  /** A wait that ends by an answer, by the time limit or by close(). */
  #await<Answer>(
    waits: Map<string, Deferred<Answer>>,
    topic: string,
    what: 'register' | 'unregister',
  ): Deferred<Answer> {
    const { clock, timeLimitMs: limitMs } = this.#parts
    const message = `no answer to ${what} ${topic} within ${limitMs / 1000} s: it is repeated when the device connects`
    return awaitAs(waits, topic, { clock, limitMs, late: fault('Timeout', message, { topic }) })
  }
}

interface Refused {
  readonly kind: string
  readonly topic: string | undefined
}

/** What an error says of the request it is about. */
function asRefused(request: unknown): Refused {
  const object = asObject(request) ?? {}
  return { kind: textAt(object, 'kind') ?? 'unknown', topic: textAt(object, 'topic') }
}

function refusal(reason: string, { kind, topic }: Refused): HeliographDeviceError {
  const what = topic === undefined ? `a ${kind} request` : `the ${kind} request for ${topic}`
  const about = topic === undefined ? {} : { topic }
  return new HeliographDeviceError(reason, `the service refused ${what}: ${reason}`, about)
}

function asText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
