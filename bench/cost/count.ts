import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { prepareDemo } from '../../bin/demo.ts'
import { synthesize } from '../../bin/embedded.ts'
import { type Cloud, startCloud } from '../../packages/embedded-cloud/src/cloud.ts'
import type { ServiceCall } from '../../packages/embedded-cloud/src/endpoint.ts'
import { type FleetDevice, inParallel, makeFleet, reconnect } from '../fleet.ts'
import { Arrivals } from '../load.ts'
import { openProvider, send, sendToMany } from '../provider.ts'
import type { Counted } from './counted.ts'
import { itemBytes } from './item-size.ts'
import { assumed } from './model.ts'

/** Bytes of every payload; the queue message and the slot are about 400 bytes larger. */
export const PAYLOAD_BYTES = 1_000
const DEVICES = 64
/** Devices of one request to many. */
const CROWD = 500
/** Longer than accept believes a registration: in a campaign no device comes twice. */
const FORGOTTEN_MS = 5_500

/** Every scenario of a stage that keeps, tells and counts nothing; then those that each setting changes. */
export async function countScenarios(say: (line: string) => void): Promise<Counted[]> {
  const counted = await countWith({}, () => true, say)
  for (const { name, settings, changes } of variants) {
    const some = await countWith(settings, (scenario) => changes.includes(scenario), say)
    counted.push(...some.map((one) => ({ ...one, scenario: `${one.scenario}, ${name}` })))
  }
  return counted
}

export const ONLINE = 'online, 32 in flight'
export const OFFLINE = 'offline, ten sends each: coalesced'
const OWN_ID = 'online, with an apns-id of the provider'
const TOGETHER = `online, ${CROWD} in a request`
const withReceipts: readonly string[] = [ONLINE, OWN_ID, OFFLINE]
const ends: readonly string[] = [ONLINE, OFFLINE]

/** Settings of a stage, as `-c name=value` gives them. */
type Settings = Readonly<Record<string, string>>

interface Variant {
  /** Follows the scenario's name. */
  readonly name: string
  readonly settings: Settings
  /** The scenarios whose price they change. */
  readonly changes: readonly string[]
}

export const COUNTED = 'topic counted'

const variants: readonly Variant[] = [
  { name: 'receipts exceptions', settings: { receipts: 'exceptions' }, changes: withReceipts },
  { name: 'receipts all', settings: { receipts: 'all' }, changes: withReceipts },
  { name: 'events tokens', settings: { events: 'tokens' }, changes: ends },
  { name: 'events all', settings: { events: 'all' }, changes: ends },
  { name: COUNTED, settings: { countedTopics: 'com.example.app' }, changes: ends },
]

/** Runs scenarios on an embedded cloud in this process, where each call of AWS can be seen. */
async function countWith(
  settings: Settings,
  isWanted: (scenario: string) => boolean,
  say: (line: string) => void,
): Promise<Counted[]> {
  const state = mkdtempSync(join(tmpdir(), 'heliograph-cost-'))
  const meter = new Meter()
  try {
    const assembly = join(state, 'cdk.out')
    await synthesize(assembly, { receipts: 'off', events: 'off', ...settings })
    const cloud = await startCloud({
      assembly,
      state: join(state, 'cloud'),
      log: (part, line) => meter.log(part, line),
      beforeService: (call) => meter.call(call),
      // as many batches at a time as Lambda's pollers begin with
      tuning: { readyEnvironments: 5, maxEnvironments: 5 },
    })
    meter.cloud = cloud
    try {
      return await run(cloud, join(state, 'cloud'), { meter, isWanted, say })
    } finally {
      await cloud.close()
    }
  } finally {
    rmSync(state, { recursive: true, force: true })
  }
}

/** What is sent when all is done that a notification waits for, by the queue that it goes to. */
function afterwardOf(body: Buffer): string | undefined {
  if (body.includes('OutcomesQueue')) return 'SendOutcomes'
  return body.includes('AnnouncementsQueue') ? 'SendEvents' : undefined
}

/** Adds up what goes on between two looks. */
class Meter {
  cloud: Cloud | undefined
  #calls: Record<string, number> = {}
  #logBytes = 0
  #writeUnits = 0
  #readUnits = 0
  #queueUnits = 0
  #before: Readonly<Record<string, number>> = {}
  /** Write units of the item last put into a table: deleting it costs the same. */
  readonly #lastPut = new Map<string, number>()

  log(part: string, line: string): void {
    // CloudWatch adds 26 bytes to every event
    if (part.startsWith('heliograph-')) this.#logBytes += Buffer.byteLength(line) + 26
  }

  call({ service, action, request }: ServiceCall): undefined {
    const who = functionOf(request.caller.name)
    const what = action.startsWith('POST /connections') ? 'SendDirectMessage' : action
    const afterward = what === 'SendMessage' ? afterwardOf(request.body) : undefined
    const key = `${who} ${service} ${afterward ?? what}`
    this.#calls[key] = (this.#calls[key] ?? 0) + 1
    if (service === 'dynamodb') this.#database(action, request.body)
    // about the size of the messages in it
    if (action.startsWith('SendMessage') && !afterward)
      this.#queueUnits += Math.ceil(request.body.length / 65_536)
  }

  reset(): void {
    this.#calls = {}
    this.#logBytes = 0
    this.#writeUnits = 0
    this.#readUnits = 0
    this.#queueUnits = 0
    this.#before = this.cloud?.invocations() ?? {}
  }

  read(scenario: string, events: number, requests: number): Counted {
    const after = Object.entries(this.cloud?.invocations() ?? {})
    const invocations = after
      .map(([name, count]) => [shortName(name), count - (this.#before[name] ?? 0)] as const)
      .filter(([, count]) => count > 0)
    return {
      scenario,
      events,
      requests,
      calls: this.#calls,
      invocations: Object.fromEntries(invocations),
      logBytes: this.#logBytes,
      writeUnits: this.#writeUnits,
      readUnits: this.#readUnits,
      queueUnits: this.#queueUnits,
    }
  }

  #database(action: string, body: Buffer): void {
    const input = JSON.parse(body.toString()) as {
      TableName: string
      Item?: object
      RequestItems?: Record<string, { Keys: object[] }>
    }
    // consistent reads of items below 4 kB
    if (['GetItem', 'Query', 'Scan'].includes(action)) this.#readUnits += 1
    else if (action === 'BatchGetItem')
      this.#readUnits += Object.values(input.RequestItems ?? {}).flatMap(({ Keys }) => Keys).length
    else if (action === 'PutItem') {
      const units = Math.ceil(itemBytes(input.Item ?? {}) / 1024)
      this.#lastPut.set(input.TableName, units)
      this.#writeUnits += units
    } else this.#writeUnits += this.#lastPut.get(input.TableName) ?? 1
  }
}

/** `…-AcceptRole…` is the role of accept. */
function functionOf(role: string): string {
  return (/(\w+?)Role\w*-\w+$/.exec(role)?.[1] ?? 'operator').toLowerCase()
}

function shortName(functionName: string): string {
  return functionName.replace(/^heliograph-\w+-/, '')
}

interface Counting {
  readonly meter: Meter
  isWanted(scenario: string): boolean
  say(line: string): void
}

/** Receipts are written this long after what they are about. */
const RECEIPTS_MS = 4_000

async function run(
  cloud: Cloud,
  state: string,
  { meter, isWanted, say }: Counting,
): Promise<Counted[]> {
  const local = await prepareDemo(cloud, state)
  const arrivals = new Arrivals()
  const onArrival = (alert: string, stored: boolean) => arrivals.note(alert, stored)
  // how long a batch takes decides how many messages wait for the next one
  const fleet = await makeFleet(local, DEVICES, onArrival, assumed.directMessageMs)
  const session = openProvider(local)
  const { topic } = local.provider
  const post = (token: string, alert: string, headers = {}) =>
    send(session, { path: `/3/device/${token}`, topic, alert, headers, bytes: PAYLOAD_BYTES })
  const many = isWanted(TOGETHER) ? CROWD : 0
  const crowd = await makeFleet(local, many, onArrival, assumed.directMessageMs)
  const tokens = crowd.map(({ token }) => token)
  const postToMany = (alert: string, headers = {}) =>
    sendToMany(session, tokens, { topic, alert, headers, bytes: PAYLOAD_BYTES })
  const scenes = new Scenes(fleet, arrivals, post, postToMany)
  const counted: Counted[] = []
  const [warmUp, ...all] = scenes.all()
  await warmUp?.[1]()
  for (const [scenario, play] of all.filter(([name]) => isWanted(name))) {
    await wait(RECEIPTS_MS)
    meter.reset()
    const { events, requests } = await play()
    await wait(RECEIPTS_MS)
    counted.push(meter.read(scenario, events, requests))
    say(scenario)
  }
  session.close()
  await Promise.all([...fleet, ...crowd].map(({ client }) => client.endAsync(true)))
  return counted
}

interface Played {
  readonly events: number
  readonly requests: number
}

type Post = (token: string, alert: string, headers?: Record<string, string>) => Promise<number>
type PostToMany = (alert: string, headers?: Record<string, string>) => Promise<number[]>

/** The scenarios, in an order in which each leaves what the next one needs. */
class Scenes {
  readonly #fleet: readonly FleetDevice[]
  readonly #arrivals: Arrivals
  readonly #post: Post
  readonly #postToMany: PostToMany
  #number = 0

  constructor(
    fleet: readonly FleetDevice[],
    arrivals: Arrivals,
    post: Post,
    postToMany: PostToMany,
  ) {
    this.#fleet = fleet
    this.#arrivals = arrivals
    this.#post = post
    this.#postToMany = postToMany
  }

  all(): [string, () => Promise<Played>][] {
    const newId = () => ({ 'apns-id': randomUUID() })
    return [
      ['warm-up', () => this.#online(800, 32)],
      [ONLINE, () => this.#online(2_000, 32)],
      ['online, one at a time', () => this.#online(100, 1)],
      [OWN_ID, () => this.#online(1_000, 32, newId)],
      [TOGETHER, () => this.#together(6)],
      [`${TOGETHER}, with an apns-id`, () => this.#together(4, newId)],
      [OFFLINE, () => this.#offline(10)],
      ['drained: back, one pending each', () => this.#comeBack()],
      ['connect, nothing pending', () => this.#again()],
      [
        'refused: no token of ours',
        () => this.#refused(() => randomBytes(32).toString('hex'), 400),
      ],
      ['refused: unregistered', () => this.#unregistered()],
    ]
  }

  async #online(count: number, width: number, headers = () => ({})): Promise<Played> {
    const alerts = this.#alerts(count)
    await inParallel(count, width, async (n) => {
      await this.#expect(200, this.#token(n), alerts[n] ?? '', headers())
      if (width === 1) await this.#arrivals.missing([alerts[n] ?? ''])
    })
    const missing = await this.#arrivals.missing(alerts)
    if (missing.length > 0) throw new Error(`${missing.length} of ${count} did not arrive`)
    return { events: count, requests: count }
  }

  async #together(count: number, headers = () => ({})): Promise<Played> {
    for (const alert of this.#alerts(count)) {
      const before = this.#arrivals.heard
      const statuses = await this.#postToMany(alert, headers())
      const refused = statuses.find((status) => status !== 200)
      if (refused) throw new Error(`the service answered ${refused} to one of many`)
      await wait(FORGOTTEN_MS)
      const came = () => this.#arrivals.heard - before
      for (let seconds = 0; seconds < 30 && came() < CROWD; seconds += 1) await wait(1_000)
      if (came() < CROWD) throw new Error(`${CROWD - came()} of ${CROWD} did not arrive`)
    }
    return { events: count * CROWD, requests: count }
  }

  async #offline(times: number): Promise<Played> {
    await Promise.all(this.#fleet.map(({ client }) => client.endAsync(false)))
    const count = times * this.#fleet.length
    const alerts = this.#alerts(count)
    await inParallel(count, 32, (n) => this.#expect(200, this.#token(n), alerts[n] ?? ''))
    await wait(3_000)
    return { events: count, requests: count }
  }

  async #comeBack(): Promise<Played> {
    const before = this.#arrivals.stored
    await reconnect(this.#fleet)
    await wait(3_000)
    return { events: this.#arrivals.stored - before, requests: 0 }
  }

  async #again(): Promise<Played> {
    await Promise.all(this.#fleet.map(({ client }) => client.endAsync(false)))
    await reconnect(this.#fleet)
    await wait(3_000)
    return { events: this.#fleet.length, requests: 0 }
  }

  async #refused(token: () => string, status: number): Promise<Played> {
    const count = 200
    await inParallel(count, 32, () => this.#expect(status, token(), 'refused'))
    return { events: count, requests: count }
  }

  async #unregistered(): Promise<Played> {
    const [device] = this.#fleet
    if (!device) throw new Error('no device')
    const request = JSON.stringify({ topic: 'com.example.app' })
    await device.client.publishAsync(device.unregisterTopic, request, { qos: 1 })
    // the positive answer is believed for as long as the stage says
    const deadline = Date.now() + 120_000
    while ((await this.#post(device.token, 'gone?')) !== 410 && Date.now() < deadline)
      await wait(1_000)
    return this.#refused(() => device.token, 410)
  }

  async #expect(status: number, token: string, alert: string, headers = {}): Promise<void> {
    const got = await this.#post(token, alert, headers)
    if (got !== status) throw new Error(`the service answered ${got} instead of ${status}`)
  }

  #token(n: number): string {
    return this.#fleet[n % this.#fleet.length]?.token ?? ''
  }

  #alerts(count: number): string[] {
    this.#number += 1
    return Array.from({ length: count }, (_, n) => `scene ${this.#number} number ${n}`)
  }
}
