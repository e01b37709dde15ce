import { MAX_BROKER_CA_CHARACTERS, MAX_HOST_CHARACTERS } from '@heliograph/protocol/limits'
import type { Clock } from './clock.ts'
import { fault, type HeliographDeviceError } from './errors.ts'
import type { Events } from './events.ts'
import { type Broker, type IdentityStore, parseBroker } from './identity.ts'
import { asObject, type JsonObject } from './json.ts'

export interface MoveParts {
  readonly identity: IdentityStore
  readonly clock: Clock
  readonly random: () => number
  readonly events: Events
  /** Ends the connection and makes a new one at once. */
  reconnect(): void
  /** Whether the service has a token for every topic that the program wants. */
  hasEveryToken(): boolean
  /** The program's own word on where its device may go. */
  mayMoveTo(address: { readonly host: string; readonly port: number }): boolean
  report(error: HeliographDeviceError): void
  log(line: string): void
}

/** Attempts at the new place before one at the old. */
const TRIES = 3
/** How long the new place has to answer for every token, from its CONNACK on. */
const PROOF_MS = 60_000
/** The first rest at the old place; each is twice the one before, and half to one and a half of it. */
const FIRST_REST_MS = 60_000
const LAST_REST_MS = 3600_000

/** A name or an address, and nothing that a log or a certificate's check could misread. */
const HOST = /^[A-Za-z0-9._:-]+$/

/**
 * Follows the service to another place. The old one stays on disk until the new one has let the device in and answered
 * for its tokens; while it does not, the device goes back, rests there, and tries again.
 */
export class Move {
  readonly #parts: MoveParts
  /** Attempts in a row that came to nothing at the new place. */
  #failures = 0
  #rests = 0
  #restUntil = Number.NEGATIVE_INFINITY
  /** Where the open connection leads. */
  #at: 'old' | 'new' | undefined
  #isAnswered = false
  #stop: () => void = () => {}

  constructor(parts: MoveParts) {
    this.#parts = parts
  }

  /** Where to connect now. */
  broker(): Broker {
    const { activated, move } = this.#parts.identity.current
    if (!activated) throw fault('NotActivated', 'this device has no certificate: activate it first')
    return move && this.#failures < TRIES && !this.#isResting() ? move : activated.mqtt
  }

  onOpened(used: Broker): void {
    this.#at = this.#isNew(used) ? 'new' : 'old'
    this.#isAnswered = false
    if (this.#at === 'new') this.#after(PROOF_MS, () => this.#giveUp())
    else if (this.#parts.identity.current.move) this.#rest()
  }

  /** An attempt ended before its CONNACK. */
  onFailed(used: Broker): void {
    // nobody at the old place either: no reason to prefer it
    if (this.#isNew(used)) this.#failures += 1
    else this.#tryAgain()
  }

  onDisconnected(): void {
    this.#stop()
    if (this.#at === 'new') this.#failures += 1
    this.#at = undefined
  }

  /** `heliograph/move` */
  async onMove(message: JsonObject): Promise<void> {
    if (message.mqtt === undefined) return this.#stay()
    const move = readMove(message)
    if (!move) {
      const text = 'the service named a place to go to that cannot be one; the device stays'
      return this.#parts.report(fault('BadMessage', text))
    }
    const { activated, move: known } = this.#parts.identity.current
    if (!activated || isSame(move, known)) return
    if (isSame(move, activated.mqtt)) return this.#stay()
    if (!this.#parts.mayMoveTo({ host: move.host, port: move.port })) {
      const text = `the service goes to ${nameOf(move)}, where this program lets its device not go`
      return this.#parts.report(fault('MoveRefused', text))
    }
    await this.#begin(move)
  }

  /** The service has said what happened to the tokens. */
  onAccount(): void {
    this.#isAnswered = true
  }

  /** To be called after every answer: the one that was missing may have come. */
  async settle(): Promise<void> {
    const { move } = this.#parts.identity.current
    if (this.#at !== 'new' || !move || !this.#isAnswered || !this.#parts.hasEveryToken()) return
    this.#stop()
    this.#at = 'old'
    await this.#parts.identity.change(({ move: followed, activated, ...kept }) =>
      activated && followed ? { ...kept, activated: { ...activated, mqtt: followed } } : kept,
    )
    this.#tryAgain()
    // two services that send a device to each other do not make it hurry
    this.#restUntil = this.#parts.clock.now() + this.#restMs()
    this.#parts.log(`the device has moved to ${nameOf(move)}`)
    this.#parts.events.emit('moved', { host: move.host, port: move.port })
  }

  async #begin(move: Broker): Promise<void> {
    // what is said from here on proves nothing of a place that has not been dialed yet
    if (this.#at === 'new') this.#at = 'old'
    await this.#parts.identity.change((kept) => ({ ...kept, move }))
    this.#parts.log(`the service goes to ${nameOf(move)}: following`)
    this.#failures = 0
    this.#rests = 0
    this.#after(Math.max(0, this.#restUntil - this.#parts.clock.now()), () => this.#go())
  }

  /** What the place that is being tried says of it changes nothing. */
  async #stay(): Promise<void> {
    if (this.#at === 'new' || !this.#parts.identity.current.move) return
    this.#stop()
    await this.#parts.identity.change(({ move: _, ...kept }) => kept)
    this.#parts.log('the service stays where it is')
  }

  #go(): void {
    this.#tryAgain()
    this.#parts.reconnect()
  }

  #tryAgain(): void {
    this.#failures = 0
    this.#restUntil = Number.NEGATIVE_INFINITY
  }

  /** The new place let the device in and does not serve it. */
  #giveUp(): void {
    this.#parts.log('the new place does not answer: back to the old one')
    this.#failures = TRIES
    this.#parts.reconnect()
  }

  /** At the old place; a connection that ends meanwhile makes the rest no longer. */
  #rest(): void {
    const now = this.#parts.clock.now()
    if (!this.#isResting()) {
      this.#restUntil = now + this.#restMs()
      this.#rests += 1
    }
    this.#after(this.#restUntil - now, () => this.#go())
  }

  #restMs(): number {
    const middle = Math.min(FIRST_REST_MS * 2 ** Math.min(this.#rests, 20), LAST_REST_MS)
    return Math.round(middle * (0.5 + this.#parts.random()))
  }

  #isResting(): boolean {
    return this.#parts.clock.now() < this.#restUntil
  }

  #isNew(used: Broker): boolean {
    return isSame(used, this.#parts.identity.current.move)
  }

  #after(ms: number, action: () => void): void {
    this.#stop()
    this.#stop = this.#parts.clock.after(ms, action)
  }
}

function readMove(message: JsonObject): Broker | undefined {
  const broker = parseBroker(asObject(message.mqtt) ?? {})
  if (!broker) return undefined
  const { host, port, ca } = broker
  const isPlace = HOST.test(host) && host.length <= MAX_HOST_CHARACTERS
  const isPort = Number.isInteger(port) && port >= 1 && port <= 65_535
  return isPlace && isPort && ca.length <= MAX_BROKER_CA_CHARACTERS ? broker : undefined
}

function isSame(one: Broker, other: Broker | undefined): boolean {
  return one.host === other?.host && one.port === other.port && one.ca === other.ca
}

const nameOf = ({ host, port }: Broker) => `${host}:${port}`
