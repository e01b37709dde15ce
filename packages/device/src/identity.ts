import { join } from 'node:path'
import { belongTogether, type Credentials, isCertificate } from './certificate.ts'
import { readState, writeAtomically } from './files.ts'
import { asObject, type JsonObject, numberAt, textAt } from './json.ts'
import { Serial } from './serial.ts'

/** Where the broker is and what its certificate is checked against (`ca`, PEM). */
export interface Broker {
  readonly host: string
  readonly port: number
  readonly ca: string
}

/** The MQTT topics this device publishes to. A service without renewal names no topic for it. */
export interface PublishTopics {
  readonly register: string
  readonly connect: string
  readonly unregister: string
  readonly renew?: string
}

/** What the service answers to an activation. */
export interface ActivationAnswer {
  readonly deviceId: string
  /** PEM. */
  readonly certificate: string
  readonly mqtt: Broker
  readonly publish: PublishTopics
}

/** The device as the service knows it. */
export interface Activated extends ActivationAnswer, Credentials {}

/**
 * A key for which a certificate was requested and perhaps received, but not yet used to connect.
 */
export interface NextCredentials {
  readonly privateKey: string
  readonly certificate?: string
}

/** All of the device's identity; one file, so that a key and its certificate change together. */
export interface Identity {
  /** The key of an activation whose answer has not been seen. */
  readonly freshKey?: string
  readonly activated?: Activated
  /** The key and certificate that are to replace those of `activated`. */
  readonly next?: NextCredentials
  /**
   * The address at which the service said it continues; replaces `activated.mqtt` once it has
   * answered there.
   */
  readonly move?: Broker
}

const FILE = 'identity.json'
const VERSION = 1
const REMEDY =
  'move it away and activate the device again with a new activation code (it becomes a new device)'

/** The identity on disk. Every change is durable before it is seen. */
export class IdentityStore {
  readonly #path: string
  readonly #writes = new Serial()
  #identity: Identity

  constructor(path: string, identity: Identity) {
    this.#path = path
    this.#identity = identity
  }

  static async open(directory: string): Promise<IdentityStore> {
    const path = join(directory, FILE)
    return new IdentityStore(path, (await readState(path, parseIdentity, REMEDY)) ?? {})
  }

  get current(): Identity {
    return this.#identity
  }

  /** Resolves when no change is being written. */
  idle(): Promise<void> {
    return this.#writes.idle()
  }

  change(edit: (identity: Identity) => Identity): Promise<void> {
    return this.#writes.run(async () => {
      const edited = edit(this.#identity)
      await writeAtomically(this.#path, `${JSON.stringify({ version: VERSION, ...edited })}\n`)
      this.#identity = edited
    })
  }
}

/** The answer to an activation, or undefined if it is not one. */
export function parseAnswer(object: JsonObject): ActivationAnswer | undefined {
  const deviceId = textAt(object, 'deviceId')
  const certificate = textAt(object, 'certificate')
  const mqtt = parseBroker(asObject(object.mqtt) ?? {})
  const publish = parsePublishTopics(asObject(object.publish) ?? {})
  if (!deviceId || !certificate || !mqtt || !publish) return undefined
  return { deviceId, certificate, mqtt, publish }
}

export function parseBroker(object: JsonObject): Broker | undefined {
  const host = textAt(object, 'host')
  const port = numberAt(object, 'port')
  const ca = textAt(object, 'ca')
  return host && port && ca && isCertificate(ca) ? { host, port, ca } : undefined
}

function parsePublishTopics(object: JsonObject): PublishTopics | undefined {
  const register = textAt(object, 'register')
  const connect = textAt(object, 'connect')
  const unregister = textAt(object, 'unregister')
  const renew = textAt(object, 'renew')
  if (!register || !connect || !unregister) return undefined
  return { register, connect, unregister, ...(renew ? { renew } : {}) }
}

function parseIdentity(object: JsonObject): Identity | undefined {
  const activated = parseActivated(object.activated)
  const next = parseNext(object.next)
  const move = parseBroker(asObject(object.move) ?? {})
  const freshKey = textAt(object, 'freshKey')
  const broken =
    object.version !== VERSION ||
    (object.activated !== undefined && !activated) ||
    (object.next !== undefined && !next) ||
    (object.move !== undefined && !move)
  if (broken) return undefined
  return {
    ...(freshKey ? { freshKey } : {}),
    ...(activated ? { activated } : {}),
    ...(next ? { next } : {}),
    ...(move ? { move } : {}),
  }
}

function parseActivated(value: unknown): Activated | undefined {
  const object = asObject(value)
  const answer = object && parseAnswer(object)
  const privateKey = object && textAt(object, 'privateKey')
  if (!answer || !privateKey) return undefined
  const activated = { ...answer, privateKey }
  return belongTogether(activated) ? activated : undefined
}

function parseNext(value: unknown): NextCredentials | undefined {
  const object = asObject(value)
  const privateKey = object && textAt(object, 'privateKey')
  if (!object || !privateKey) return undefined
  const certificate = textAt(object, 'certificate')
  return certificate ? { privateKey, certificate } : { privateKey }
}
