import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ChannelId } from '@heliograph/protocol/identifiers'
import { Driver } from './driver.ts'
import type { OpenCommand } from './driver-protocol.ts'
import { CODE, Service } from './service/service.ts'
import type { Push, Session } from './service/session.ts'
import { until } from './until.ts'

export const TOPIC = 'com.example.app'
export const OTHER_TOPIC = 'com.example.other'

export type OpenOptions = Partial<Omit<OpenCommand, 'do'>>

/** The runs of one implementation in one case, and the folders that they have. */
export class Runs {
  readonly #command: string
  readonly #folder = mkdtempSync(join(tmpdir(), 'heliograph-device-'))
  readonly drivers: Driver[] = []
  /** What the implementation says that it lacks. */
  lacks: readonly string[] = []

  constructor(command: string) {
    this.#command = command
  }

  /** A state directory by name; it is there, and empty at first. */
  directory(name = 'device'): string {
    const path = join(this.#folder, name)
    mkdirSync(path, { recursive: true, mode: 0o700 })
    return path
  }

  /** A driver that has been started, and opened with these options. */
  async open(options: OpenOptions & { readonly directory: string }): Promise<Driver> {
    const driver = await this.start()
    await driver.do({ do: 'open', ...options })
    return driver
  }

  async start(): Promise<Driver> {
    const driver = new Driver(this.#command)
    this.drivers.push(driver)
    const { lacks = [] } = await driver.ready()
    this.lacks = lacks
    return driver
  }

  async end(): Promise<void> {
    await Promise.all(this.drivers.map((driver) => driver.kill()))
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** A scripted service and one device that is to be judged. */
export class World {
  readonly service: Service
  readonly runs: Runs

  constructor(service: Service, runs: Runs) {
    this.service = service
    this.runs = runs
  }

  static async make(command: string): Promise<World> {
    return new World(await Service.start(), new Runs(command))
  }

  /** A run of the device, opened. */
  open(options: OpenOptions = {}): Promise<Driver> {
    const { endpoint, keys } = this.service
    const activation = { url: endpoint.url, code: CODE, ca: keys.authority.certificate }
    return this.runs.open({ directory: this.runs.directory(), activation, ...options })
  }

  /** A run that has a handler and is connected. */
  async connected(options: OpenOptions = {}): Promise<Driver> {
    const driver = await this.open(options)
    await driver.do({ do: 'handler', mode: 'take' })
    await driver.do({ do: 'connect' })
    return driver
  }

  /** One that is also registered for `TOPIC`. */
  async registered(options: OpenOptions = {}): Promise<Driver> {
    const driver = await this.connected(options)
    await driver.do({ do: 'register', topic: TOPIC })
    return driver
  }

  /** The `number`-th connection that was accepted, from 1; waits for it, and for its first request. */
  session(number = 1): Promise<Session> {
    const found = () => {
      const session = this.service.broker.accepted[number - 1]
      return session && session.said.length > 0 ? session : undefined
    }
    return until(found, `connection ${number}`)
  }

  /** The newest connection, which is open. */
  get now(): Session {
    const { session } = this.service.broker
    if (session) return session
    throw new Error('the device is not connected')
  }

  /** Cuts the connection and waits for the next one. */
  async reconnected(): Promise<Session> {
    const number = this.service.broker.accepted.length
    this.service.broker.cut()
    return this.session(number + 1)
  }

  /** Sends a message on the newest connection, and waits until it is acknowledged. */
  async deliver(message: string | Buffer, push: Push = {}): Promise<void> {
    await acknowledged(this.now, this.now.push(message, push))
  }

  async end(): Promise<void> {
    await this.runs.end()
    await this.service.close()
  }
}

export async function acknowledged(session: Session, messageId: number): Promise<void> {
  const what = `PUBACK of message ${messageId}`
  await until(() => session.hasAcknowledged(messageId), what)
}

let made = 0

/** A notification of the service, the payload last and as it is written; made later = newer. */
export function note(
  fields: Readonly<Record<string, unknown>> = {},
  payload = '{"aps":{"alert":"hi"}}',
): Note {
  made += 1
  const id = `00000000-0000-4000-8000-${String(made).padStart(12, '0')}`
  const head = {
    id,
    uniqueId: id,
    topic: TOPIC,
    seq: seqOf(made),
    acceptedAt: 1_764_000_000_000 + made,
    stored: false,
    expiration: Math.floor(Date.now() / 1000) + 86_400,
    priority: 10,
    pushType: 'alert',
    ...fields,
  }
  return {
    id: head.id,
    text: `${JSON.stringify(head).slice(0, -1)},"payload":${payload}}`,
    as: (changed) => note({ ...head, ...changed }, payload),
  }
}

export interface Note {
  readonly id: string
  /** The message. */
  readonly text: string
  /** The same with other fields. */
  as(changed: Readonly<Record<string, unknown>>): Note
}

/** Ids of channels, by number. */
export const channelNo = (number: number) =>
  `Channel${String(number).padStart(17, '0')}` as ChannelId

export const CHANNEL = channelNo(1)
export const OTHER_CHANNEL = channelNo(2)

/** A broadcast: its fields are those of a notification, with the channel and without what it has no use for. */
export function broadcast(
  fields: Readonly<Record<string, unknown>> = {},
  payload?: string,
  channel = CHANNEL,
): Note {
  const none = { stored: undefined, collapseId: undefined }
  return note({ channel, pushType: 'liveactivity', ...none, ...fields }, payload)
}

/** The service's order: a ULID. */
export function seqOf(order: number): string {
  return `01KB${String(order).padStart(22, '0')}`
}
