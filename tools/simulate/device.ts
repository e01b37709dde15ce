import type { DeviceId, DeviceToken, Topic } from '@heliograph/protocol/identifiers'
import { type DownTopic, downTopics } from '@heliograph/protocol/mqtt-topic'
import { FIRST_REPEAT_MS } from '../../packages/device/src/repeats.ts'
import { TakenIndex } from '../../packages/device/src/taken.ts'
import type { Client, Connection, Iot } from './iot.ts'
import type { Cloud } from './lambda.ts'
import type { DeviceHabits } from './settings.ts'

/** What the device keeps of a topic, as the SDK does. */
interface Wish {
  readonly state: 'wanted' | 'leaving'
  token?: DeviceToken
}

/** One notification that an app has taken over. */
export interface TakenOver {
  readonly topic: Topic
  readonly uniqueId: string
  readonly stored: boolean
}

interface Message {
  readonly id: string
  readonly uniqueId: string
  readonly seq: string
  readonly topic: Topic
  readonly acceptedAt: number
  readonly stored: boolean
  readonly pending?: 'perCollapseId'
  readonly collapseId?: string
  readonly payload: unknown
}

/** The SDK asks for another drain when an app has failed (sdk/redrain). */
const REDRAIN_MS = 15_000

/**
 * A device with the SDK's rules: presents its tokens after every CONNACK, takes each notification
 * over once and in order of arrival, drops what is outdated, then acknowledges.
 */
export class Device implements Client {
  readonly deviceId: DeviceId
  readonly log: TakenOver[] = []
  /** Every token that it was ever given, with the true time. */
  readonly handed: { readonly topic: Topic; readonly token: DeviceToken; readonly at: number }[] =
    []
  isRevoked = false
  /** Apps fail to take over until then (true time). */
  failsUntil = 0
  readonly #cloud: Cloud
  readonly #iot: Iot
  readonly #habits: DeviceHabits
  readonly #taken = new TakenIndex()
  readonly #wishes = new Map<Topic, Wish>()
  /** When the app of a topic is free for the next notification. */
  readonly #freeAt = new Map<Topic, number>()
  #connection: Connection | undefined
  #isAsking = false
  #isUnanswered = false

  constructor(deviceId: DeviceId, cloud: Cloud, iot: Iot, habits: DeviceHabits) {
    this.deviceId = deviceId
    this.#cloud = cloud
    this.#iot = iot
    this.#habits = habits
  }

  get isConnected(): boolean {
    return this.#connection?.isOpen === true
  }

  get connection(): Connection | undefined {
    return this.#connection
  }

  token(topic: Topic): DeviceToken | undefined {
    return this.#wishes.get(topic)?.token
  }

  /** It has unregistered, and the broker has said that it knows. */
  hasLeft(topic: Topic): boolean {
    return !this.#wishes.has(topic)
  }

  wants(topic: Topic): boolean {
    return this.#wishes.get(topic)?.state === 'wanted'
  }

  connect(): void {
    this.#connection = this.#iot.connect(this)
    if (this.#connection) this.#present()
    for (const [topic, { state, token }] of this.#wishes) {
      if (state === 'leaving') this.#leave(topic)
      else if (!token) this.#register(topic)
    }
  }

  disconnect(): void {
    this.#iot.drop(this.deviceId)
  }

  register(topic: Topic): void {
    if (this.wants(topic)) return
    this.#wishes.set(topic, { state: 'wanted' })
    this.#register(topic)
  }

  unregister(topic: Topic): void {
    if (!this.wants(topic)) return
    this.#wishes.set(topic, { state: 'leaving' })
    this.#leave(topic)
  }

  closed(): void {
    this.#connection = undefined
  }

  receive(topic: DownTopic, text: string, acknowledge: () => void): void {
    const message = JSON.parse(text)
    if (topic === downTopics.notification) this.#queueUp(message, acknowledge)
    else acknowledge()
    if (topic === downTopics.token) this.#keep(message)
    if (topic === downTopics.connected) this.#onConnected(message)
  }

  /** Until it is answered, as the SDK does (sdk/repeats). */
  #present(): void {
    this.#isUnanswered = true
    this.#presentOnce()
    this.#again(() => {
      if (this.#isUnanswered) this.#presentOnce()
      return this.#isUnanswered
    })
  }

  #register(topic: Topic): void {
    this.#say('register', { topic })
    this.#again(() => {
      const wish = this.#wishes.get(topic)
      const isMissing = wish?.state === 'wanted' && !wish.token
      if (isMissing) this.#say('register', { topic })
      return isMissing
    })
  }

  /** With a growing pause, as long as it is needed and the connection is the same. */
  #again(repeat: () => boolean, pauseMs = FIRST_REPEAT_MS): void {
    const connection = this.#connection
    if (!connection) return
    this.#cloud.scheduler.after(pauseMs * this.#cloud.random.between(0.5, 1.5), () => {
      if (this.#connection === connection && repeat()) this.#again(repeat, pauseMs * 2)
    })
  }

  #presentOnce(): void {
    const tokens = [...this.#wishes.values()]
      .filter(({ state }) => state === 'wanted')
      .flatMap(({ token }) => token ?? [])
    this.#say('connect', { tokens })
  }

  #say(upstream: 'register' | 'connect' | 'unregister', body: object, done?: () => void): void {
    if (this.#connection?.isOpen) this.#iot.publish(this.#connection, upstream, body, done)
  }

  /** Told again at every connect until the broker has it. */
  #leave(topic: Topic): void {
    const wish = this.#wishes.get(topic)
    this.#say('unregister', { topic }, () => {
      if (this.#wishes.get(topic) === wish) this.#wishes.delete(topic)
    })
  }

  #keep({ topic, token }: { topic: Topic; token: DeviceToken }): void {
    const wish = this.#wishes.get(topic)
    if (wish?.state !== 'wanted') return
    wish.token = token
    this.handed.push({ topic, token, at: this.#cloud.scheduler.now })
  }

  #onConnected(message: {
    renewed: { topic: Topic; token: DeviceToken }[]
    rejected: { token: string; reason: string }[]
  }): void {
    this.#isUnanswered = false
    for (const renewed of message.renewed) this.#keep(renewed)
    for (const { token, reason } of message.rejected) {
      const topic = [...this.#wishes].find(([, wish]) => wish.token === token)?.[0]
      if (reason === 'NotYourToken')
        this.#cloud.ledger.violate('I2', `${this.deviceId} is said to hold another's token`)
      if (!topic || !this.wants(topic)) continue
      this.#wishes.set(topic, { state: 'wanted' })
      this.#register(topic)
    }
  }

  /** One topic's notifications one after the other, as they came. */
  #queueUp(message: Message, acknowledge: () => void): void {
    const { scheduler, faults, random } = this.#cloud
    this.#check(message)
    const mean = faults.isStormy ? this.#habits.handlerTime : 1
    const start = Math.max(scheduler.now, this.#freeAt.get(message.topic) ?? 0)
    const end = start + random.wait(mean)
    this.#freeAt.set(message.topic, end)
    scheduler.after(end - scheduler.now, () => {
      if (this.#takeOver(message)) acknowledge()
      else this.#askForDrain()
    })
  }

  #takeOver(message: Message): boolean {
    const { scheduler, trace, ledger } = this.#cloud
    const note = (what: string) => trace.note(() => `${this.deviceId} ${what} ${message.uniqueId}`)
    const life = ledger.byUniqueId.get(message.uniqueId)
    if (!this.wants(message.topic)) {
      note('has left the topic of')
      if (life) life.isDeclined = true
      return true
    }
    const verdict = this.#taken.verdict(message)
    if (verdict !== 'new') {
      note(`drops (${verdict})`)
      return true
    }
    if (scheduler.now < this.failsUntil) {
      note('fails to take over')
      return false
    }
    note('takes over')
    ledger.count('taken')
    this.#taken.add(message)
    this.log.push(message)
    if (life) life.takenAt = scheduler.now
    return true
  }

  /** I2: the device and topic inside the token, and the payload as it was sent. */
  #check({ uniqueId, topic, payload }: Message): void {
    const { ledger } = this.#cloud
    const accepted = ledger.byUniqueId.get(uniqueId)?.notification
    if (accepted?.deviceId !== this.deviceId || accepted.topic !== topic)
      ledger.violate('I2', `${uniqueId} reached ${this.deviceId} for ${topic}`)
    if (accepted?.payload !== JSON.stringify(payload))
      ledger.violate('I2', `${uniqueId} reached ${this.deviceId} with another payload`)
  }

  #askForDrain(): void {
    if (this.#isAsking) return
    this.#isAsking = true
    this.#cloud.scheduler.after(REDRAIN_MS * this.#cloud.random.between(0.5, 1.5), () => {
      this.#isAsking = false
      if (this.isConnected) this.#present()
    })
  }
}
