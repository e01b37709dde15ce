import type { KeyObject } from 'node:crypto'
import { deviceIdFromBytes } from '@heliograph/core/device-id'
import { Forger } from './attackers/forger.ts'
import { HostileDevice } from './attackers/hostile-device.ts'
import type { Certificates } from './certificates.ts'
import { topics as allTopics } from './certificates.ts'
import { Device } from './device.ts'
import { checkAtRest, checkAtTheEnd } from './invariants.ts'
import type { Violation } from './ledger.ts'
import { Operator } from './operator.ts'
import { Provider } from './provider.ts'
import { FeedbackReader } from './reader.ts'
import { type Settings, settingsOf } from './settings.ts'
import { type Actors, Storm } from './storm.ts'
import { World } from './world.ts'

export interface RunOptions {
  readonly seed: number
  /** How many notifications are accepted, fewer where all devices have left. */
  readonly notifications: number
  /** Keeps what a person reads to follow the run. */
  readonly traced?: boolean
}

export interface RunReport {
  readonly seed: number
  readonly accepted: number
  readonly counts: Readonly<Record<string, number>>
  readonly violations: readonly Violation[]
  readonly trace: readonly string[]
}

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE

/** Simulates what the seed says and checks the invariants; the same seed gives the same run. */
export async function run(options: RunOptions, certificates: Certificates): Promise<RunReport> {
  const { seed, notifications, traced = false } = options
  const settings = settingsOf(seed, notifications)
  const world = new World(seed, settings, certificates, traced)
  const { ledger, trace, scheduler } = world.cloud
  trace.note(() => `settings ${JSON.stringify(settings, undefined, 1)}`)
  try {
    const actors = await setUp(world, settings)
    for (let storm = 0; storm < settings.storms; storm += 1) await weather(world, settings, actors)
    await goHome(world, actors)
    await scheduler.runUntil(scheduler.now + 40 * DAY)
    await scheduler.runUntilIdle()
    await readAll(world, actors)
    checkAtTheEnd(world, actors.readers)
  } catch (fault) {
    ledger.violate('rest', `the simulation broke: ${fault instanceof Error ? fault.stack : fault}`)
  }
  const { counts, violations } = ledger
  return { seed, accepted: ledger.lives.size, counts, violations, trace: trace.lines }
}

async function setUp(world: World, settings: Settings): Promise<Actors> {
  const { cloud, iot, certificates } = world
  const operator = new Operator(world)
  operator.rotate()
  await cloud.scheduler.runUntilIdle()
  const topics = allTopics.slice(0, settings.topics)
  // one for a single topic, and one for all of them
  for (const named of [topics.slice(0, 1), topics]) operator.createKey(named)
  const devices = Array.from({ length: settings.devices }, (_, index) => {
    const deviceId = deviceIdFromBytes(cloud.random.bytes(10))
    cloud.trace.name(deviceId, `d${index + 1}`)
    return new Device(deviceId, cloud, iot, settings.device)
  })
  for (const device of devices) {
    device.connect()
    for (const topic of topics) device.register(topic)
  }
  await cloud.scheduler.runUntilIdle()
  const provider = new Provider({
    cloud,
    accept: world.functions.accept,
    habits: settings.provider,
    tokenKeys: world.tokenKeys,
    pending: settings.pending,
    certificates: certificates.good,
    foreign: certificates.foreign,
    foreignKey: strangerOf(certificates),
    keys: operator.keys,
    revokedAt: (certificate) => operator.revokedAt(certificate),
    shutOutAt: (device) => operator.shutOutAt(device),
  })
  const [reading] = certificates.good
  const readers = reading ? topics.map((topic) => new FeedbackReader(topic, reading, world)) : []
  const hostileId = deviceIdFromBytes(new Uint8Array(10).fill(0x66))
  cloud.trace.name(hostileId, 'hostile')
  const hostile = new HostileDevice(hostileId, world, { devices, topics })
  return { devices, topics, provider, operator, readers, forger: new Forger(world), hostile }
}

function strangerOf({ keyPairs }: Certificates): KeyObject {
  const last = keyPairs.at(-1)
  if (!last) throw new Error('the simulation has no key pairs')
  return last.privateKey
}

/** A storm, then the calm in which everything must come to rest, then some time of silence. */
async function weather(world: World, settings: Settings, actors: Actors): Promise<void> {
  const { scheduler, random } = world.cloud
  await new Storm(world, settings, actors, settings.notifications / settings.storms).rage()
  await scheduler.runUntilIdle()
  checkAtRest(world, actors.devices, actors.topics)
  actors.hostile.check()
  world.cloud.trace.note(() => '--- silence')
  await scheduler.runUntil(scheduler.now + random.logBetween(1, 60 * MINUTE))
}

/** Most devices come back and stay; some never do. */
async function goHome(world: World, { devices, topics }: Actors): Promise<void> {
  const { scheduler, random, trace, ledger } = world.cloud
  trace.note(() => '--- home')
  for (const device of devices) {
    if (device.isRevoked || device.isConnected || !random.chance(0.7)) continue
    ledger.givenUp.delete(`connect ${device.deviceId}`)
    device.connect()
  }
  await scheduler.runUntilIdle()
  checkAtRest(world, devices, topics)
}

/** Until a page has nothing new; the last entries have settled by then. */
async function readAll(world: World, { readers }: Actors): Promise<void> {
  const { scheduler } = world.cloud
  for (const reader of readers)
    for (let before = -1; before !== reader.read.length; ) {
      before = reader.read.length
      reader.next()
      await scheduler.runUntilIdle()
    }
}
