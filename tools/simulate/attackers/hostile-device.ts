import { openToken } from '@heliograph/core/token/token'
import type { DeviceId, DeviceToken, Topic } from '@heliograph/protocol/identifiers'
import { type DownTopic, downTopics } from '@heliograph/protocol/mqtt-topic'
import type { Device } from '../device.ts'
import type { Client, Connection, Upstream } from '../iot.ts'
import type { World } from '../world.ts'

/** How many tokens of others it presents in each connect. */
const FOREIGN = 3
const MOST_AT_ONCE = 30

/**
 * A device with a certificate of its own that does everything it can: floods of requests of every kind, in order
 * and malformed, with the tokens of all others; and it acknowledges nothing. It must hear nothing that
 * is another's, and the others must not notice it.
 */
export class HostileDevice implements Client {
  readonly deviceId: DeviceId
  isRevoked = false
  readonly #world: World
  readonly #others: readonly Device[]
  readonly #topics: readonly Topic[]
  readonly #own = new Set<string>()
  #connection: Connection | undefined

  constructor(
    deviceId: DeviceId,
    world: World,
    { devices, topics }: { readonly devices: readonly Device[]; readonly topics: readonly Topic[] },
  ) {
    this.deviceId = deviceId
    this.#world = world
    this.#others = devices
    this.#topics = topics
  }

  act(): void {
    const { iot, cloud } = this.#world
    if (!this.#connection?.isOpen || cloud.random.chance(0.1)) this.#connection = iot.connect(this)
    const count = 1 + cloud.random.int(MOST_AT_ONCE)
    for (let n = 0; n < count; n += 1) this.#shout()
  }

  /** Once it is revoked, nothing that it had said before makes it registered again. */
  check(): void {
    const { registrations, cloud } = this.#world
    if (!this.isRevoked || cloud.ledger.givenUp.has(`revoke ${this.deviceId}`)) return
    for (const topic of this.#topics)
      if (registrations.find(this.deviceId, topic)?.live)
        cloud.ledger.violate('I4', `the hostile device was revoked and is registered for ${topic}`)
  }

  closed(): void {
    this.#connection = undefined
  }

  receive(topic: DownTopic, text: string): void {
    const message = JSON.parse(text)
    if (topic === downTopics.notification) this.#mustBeMine(message.uniqueId)
    if (topic === downTopics.token) this.#keep(message.token)
    if (topic !== downTopics.connected) return
    for (const { token } of message.renewed) this.#keep(token)
    const refused = message.rejected.filter(({ token }: { token: string }) => !this.#own.has(token))
    const { ledger } = this.#world.cloud
    ledger.count('hostile connect')
    if (refused.length !== FOREIGN)
      ledger.violate('I2', `${FOREIGN - refused.length} tokens of others were not refused`)
  }

  #shout(): void {
    const { random } = this.#world.cloud
    const topic = random.pick(this.#topics)
    const [upstream, body] = random.pick<readonly [Upstream, object]>([
      ['register', { topic }],
      ['unregister', { topic }],
      ['connect', { tokens: [...this.#foreign(), ...this.#own] }],
      ['register', { topic: 'com.example.nobody' }],
      ['register', {}],
      ['connect', []],
      ['unregister', { topic: 7 }],
    ])
    if (this.#connection?.isOpen) this.#world.iot.publish(this.#connection, upstream, body)
  }

  /** Those that were ever handed out, and made up ones where there are too few. */
  #foreign(): string[] {
    const { random } = this.#world.cloud
    const handed = this.#others.flatMap(({ handed: all }) =>
      all.map(({ token }) => token as string),
    )
    const known = random.shuffle([...new Set(handed)]).slice(0, FOREIGN)
    const madeUp = () => Buffer.from(random.bytes(32)).toString('hex')
    return [...known, ...Array.from({ length: FOREIGN - known.length }, madeUp)]
  }

  #keep(token: DeviceToken): void {
    const opened = openToken(this.#world.tokenKeys.all(), token)
    if (opened?.deviceId === this.deviceId) this.#own.add(token)
    else this.#world.cloud.ledger.violate('I2', `a token of another was handed to ${this.deviceId}`)
  }

  #mustBeMine(uniqueId: string): void {
    const { ledger } = this.#world.cloud
    if (ledger.byUniqueId.get(uniqueId)?.notification.deviceId !== this.deviceId)
      ledger.violate('I2', `${uniqueId} reached the hostile ${this.deviceId}`)
  }
}
