import {
  belongTogether,
  type Credentials,
  certificateAge,
  commonName,
  makePrivateKey,
  makeRequest,
} from './certificate.ts'
import type { Clock } from './clock.ts'
import { fault, type HeliographDeviceError, messageOf } from './errors.ts'
import type { Activated, IdentityStore } from './identity.ts'
import { type JsonObject, textAt } from './json.ts'
import type { Send } from './registrar.ts'

export interface RenewalParts {
  readonly identity: IdentityStore
  readonly send: Send
  readonly clock: Clock
  /** Ends the connection and makes a new one at once. */
  reconnect(): void
  report(error: HeliographDeviceError): void
  log(line: string): void
}

const LOOK_EVERY_MS = 12 * 3600 * 1000
const ASK_AT_MOST_EVERY_MS = 3600 * 1000
/** Attempts with a new certificate before one with the old: a network fault is not a refusal. */
const TRIES_WITH_NEXT = 3

/**
 * Replaces the device's certificate before it expires. The old pair stays until a connection with
 * the new one has been accepted; the service keeps both valid until it is told that the new one is
 * in use.
 */
export class Renewal {
  readonly #parts: RenewalParts
  #stopLooking: () => void = () => {}
  #askedAt = Number.NEGATIVE_INFINITY
  #failuresWithNext = 0

  constructor(parts: RenewalParts) {
    this.#parts = parts
  }

  /** What to connect with: the new pair, and now and then the old one while the new one fails. */
  credentials(): Credentials {
    const { activated, next } = this.#parts.identity.current
    if (!activated) throw fault('NotActivated', 'this device has no certificate: activate it first')
    const { privateKey, certificate } = next ?? {}
    if (!privateKey || !certificate || this.#failuresWithNext >= TRIES_WITH_NEXT) return activated
    return { privateKey, certificate }
  }

  onFailed(used: Credentials): void {
    this.#failuresWithNext = this.#isNext(used) ? this.#failuresWithNext + 1 : 0
  }

  /** Settles which pair counts from now on, then looks whether a renewal is due. */
  async onConnected(used: Credentials): Promise<void> {
    await this.#settle(used)
    this.#look()
  }

  onDisconnected(): void {
    this.#stopLooking()
  }

  /** `heliograph/certificate` */
  async onCertificate(message: JsonObject): Promise<void> {
    const { activated, next } = this.#parts.identity.current
    const certificate = textAt(message, 'certificate')
    if (!activated || !next || !certificate) return
    if (!isFor(activated, { privateKey: next.privateKey, certificate })) {
      const text =
        'the service sent a certificate that is not for this device; the old one stays in use'
      return this.#parts.report(fault('BadMessage', text))
    }
    await this.#parts.identity.change((kept) => ({ ...kept, next: { ...next, certificate } }))
    this.#parts.log('a new certificate has come: connecting with it')
    this.#parts.reconnect()
  }

  #isNext(used: Credentials): boolean {
    return used.certificate === this.#parts.identity.current.next?.certificate
  }

  async #settle(used: Credentials): Promise<void> {
    this.#failuresWithNext = 0
    if (this.#parts.identity.current.next?.certificate === undefined) return
    const isNext = this.#isNext(used)
    await this.#parts.identity.change(({ next: _, activated, ...kept }) =>
      activated
        ? { ...kept, activated: isNext ? { ...activated, ...pairOf(used) } : activated }
        : kept,
    )
    this.#parts.log(isNext ? 'the new certificate is in use' : 'the new certificate was refused')
    if (isNext) await this.#parts.send('renew', { inUse: true })
  }

  #look(): void {
    const { clock } = this.#parts
    this.#stopLooking()
    this.#stopLooking = clock.after(LOOK_EVERY_MS, () => this.#look())
    const { activated } = this.#parts.identity.current
    if (!activated?.publish.renew) return
    if (certificateAge(activated.certificate, clock.now()) === 'fresh') return
    if (clock.now() - this.#askedAt < ASK_AT_MOST_EVERY_MS) return
    this.#askedAt = clock.now()
    this.#ask().catch((thrown) => this.#parts.log(`renewal not asked for: ${messageOf(thrown)}`))
  }

  /** The key is stored before the request is sent, and used again if the answer was lost. */
  async #ask(): Promise<void> {
    const privateKey = this.#parts.identity.current.next?.privateKey ?? makePrivateKey()
    await this.#parts.identity.change((kept) => ({ ...kept, next: { privateKey } }))
    await this.#parts.send('renew', { csr: await makeRequest(privateKey) })
    this.#parts.log('a new certificate has been asked for')
  }
}

function isFor({ deviceId }: Activated, pair: Credentials): boolean {
  return belongTogether(pair) && commonName(pair.certificate) === deviceId
}

function pairOf({ privateKey, certificate }: Credentials): Credentials {
  return { privateKey, certificate }
}
