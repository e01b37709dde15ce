import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type { ChannelId } from '@heliograph/protocol/identifiers'
import { channelTopic } from '@heliograph/protocol/mqtt-topic'
import apn from '@parse/node-apn'
import { Listener, spyingFilters } from '../../tools/conformance/listener.ts'
import {
  type ChannelApn,
  type Managed,
  nodeApnOfChannels,
} from '../../tools/conformance/node-apn.ts'
import type { Driver } from '../../tools/device-conformance/driver.ts'
import type { LiveService } from '../../tools/device-conformance/service/live-service.ts'
import { settle } from '../../tools/device-conformance/until.ts'
import { Runs } from '../../tools/device-conformance/world.ts'

/** An SDK that has been built. */
export interface Built {
  readonly name: string
  /** Starts its driver. */
  readonly command: string
}

/** Broadcasts of a channel that stores are a second apart: IoT Core takes no more. */
const soon = () => settle(1_100)

/** Apple's `message-storage-policy` of a channel that keeps its latest broadcast. */
const STORES = 1

/** A score in a game, published by the unmodified node-apn. */
class Game {
  readonly #provider: ChannelApn
  readonly #topic: string

  constructor(service: LiveService) {
    this.#provider = nodeApnOfChannels(service)
    this.#topic = service.topic
  }

  async create(): Promise<ChannelId> {
    const payload = { 'message-storage-policy': STORES }
    const channelId = sentOf(await this.#manage('create', { payload }))['apns-channel-id']
    assert.ok(channelId, 'create names the channel')
    const read = sentOf(await this.#manage('read', { channelId }))
    assert.equal(read['message-storage-policy'], STORES)
    assert.ok((await this.all()).includes(channelId), 'readAll has the channel')
    return channelId
  }

  async all(): Promise<readonly ChannelId[]> {
    return sentOf(await this.#manage('readAll')).channels as readonly ChannelId[]
  }

  /** Returns the broadcast's `apns-id`. */
  async publish(channelId: ChannelId, score: number): Promise<string> {
    const answer = await this.#broadcast(channelId, score)
    return String(sentOf(answer)['apns-id'])
  }

  /** After that, it cannot be published to. */
  async delete(channelId: ChannelId): Promise<void> {
    sentOf(await this.#manage('delete', { channelId }))
    assert.ok(!(await this.all()).includes(channelId), 'readAll after delete')
    const { failed } = await this.#broadcast(channelId, 0)
    assert.deepEqual(
      failed.map(({ response }) => response?.reason),
      ['ChannelNotRegistered'],
    )
  }

  end(): Promise<void> {
    return this.#provider.shutdown()
  }

  #broadcast(channelId: ChannelId, score: number): Promise<Managed> {
    const expiry = Math.floor(Date.now() / 1_000) + 3_600
    const about = { channelId, id: randomUUID(), expiry, pushType: 'liveactivity' }
    const what = { event: 'update', contentState: { score }, timestamp: 1_700_000_000 }
    return this.#provider.broadcast(note({ ...about, ...what }), this.#topic)
  }

  #manage(action: string, fields: object = {}): Promise<Managed> {
    return this.#provider.manageChannels(note(fields), this.#topic, action)
  }
}

/** A new one for each call: node-apn compiles one only once. */
const note = (fields: object) => Object.assign(new apn.Notification(), fields)

function sentOf({ sent, failed }: Managed): Managed['sent'][number] {
  assert.deepEqual(failed, [])
  assert.ok(sent[0], 'node-apn was answered')
  return sent[0]
}

/** Devices of one SDK: one that joins first, and one that joins later. */
class Pair {
  readonly name: string
  readonly #service: LiveService
  readonly #runs: Runs

  constructor(service: LiveService, { name, command }: Built) {
    this.name = name
    this.#service = service
    this.#runs = new Runs(command)
  }

  get first(): Driver {
    return this.#at(0)
  }

  get later(): Driver {
    return this.#at(1)
  }

  /** A device of its own that has joined. */
  async join(channel: ChannelId): Promise<void> {
    const { activation } = this.#service
    const directory = this.#runs.directory(`device${this.#runs.drivers.length}`)
    const driver = await this.#runs.open({ directory, activation })
    await driver.do({ do: 'handler', mode: 'take' })
    await driver.do({ do: 'connect' })
    await driver.do({ do: 'join', channel })
  }

  end(): Promise<void> {
    return this.#runs.end()
  }

  #at(index: number): Driver {
    const driver = this.#runs.drivers[index]
    if (driver) return driver
    throw new Error(`${this.name} has not joined`)
  }
}

/** What a driver has handed over, each once. */
function heard(driver: Driver) {
  return driver.handedOver.map(({ id, channel, topic, stored, payloadText }) => {
    const { aps } = JSON.parse(payloadText) as { aps: { 'content-state': { score: number } } }
    return { id, channel, topic, stored, score: aps['content-state'].score }
  })
}

/** One step with all of them at once; throws with the names of those that did not take it. */
async function each(pairs: readonly Pair[], step: (pair: Pair) => Promise<unknown>): Promise<void> {
  const done = await Promise.allSettled(pairs.map(step))
  const faults = done.flatMap((one, index) =>
    one.status === 'rejected' ? [`${pairs[index]?.name}: ${(one.reason as Error).message}`] : [],
  )
  if (faults.length > 0) throw new Error(faults.join('\n'))
}

/** A device that does not know the channel's id: it has joined one of its own. */
async function openSpy(service: LiveService, own: ChannelId): Promise<Listener> {
  const spy = await Listener.open(service)
  for (const filter of spyingFilters)
    assert.deepEqual([filter, ...(await spy.subscribe(filter))], [filter, 128])
  await spy.join(own)
  return spy
}

/** The devices of all SDKs follow one channel, and nobody else does; says each step when it is done. */
export async function follow(
  service: LiveService,
  built: readonly Built[],
  say: (line: string) => void,
): Promise<void> {
  const game = new Game(service)
  const pairs = built.map((one) => new Pair(service, one))
  try {
    const channel = await game.create()
    await watched({ service, game, say }, () => play({ service, game, pairs, channel, say }))
    await game.delete(channel)
    say('node-apn: deleted it, and is refused to publish to it')
  } finally {
    await Promise.all([...pairs.map((pair) => pair.end()), game.end()])
  }
}

/** A spy is there while the work is done, and hears nothing of it. */
async function watched(
  { service, game, say }: Pick<Scene, 'service' | 'game' | 'say'>,
  work: () => Promise<void>,
): Promise<void> {
  const own = await game.create()
  const spy = await openSpy(service, own)
  try {
    say('node-apn: created, read and listed a channel')
    await work()
    await soon()
    // the broker sends in order: what the spy was sent of the others has come before this
    const id = await game.publish(own, 9)
    await spy.hears(1)
    assert.deepEqual(
      spy.plain.messages.map(({ topic }) => topic),
      [channelTopic(own)],
    )
    assert.equal(spy.heard[0]?.id, id)
    say(`a spy: refused ${spyingFilters.length} filters, and heard its own channel alone`)
  } finally {
    await spy.close()
    await game.delete(own)
  }
}

interface Scene {
  readonly service: LiveService
  readonly game: Game
  readonly pairs: readonly Pair[]
  readonly channel: ChannelId
  say(line: string): void
}

async function play({ service, game, pairs, channel, say }: Scene): Promise<void> {
  const names = pairs.map(({ name }) => name).join(', ')
  const marked = { channel, topic: service.topic }
  await each(pairs, (pair) => pair.join(channel))
  const one = await game.publish(channel, 1)
  await each(pairs, ({ first }) => first.handled(one))
  await soon()
  const two = await game.publish(channel, 2)
  await each(pairs, ({ first }) => first.handled(two))
  const both = [
    { id: one, ...marked, stored: false, score: 1 },
    { id: two, ...marked, stored: false, score: 2 },
  ]
  await each(pairs, async ({ first }) => assert.deepEqual(heard(first), both))
  say(`${names}: joined, and had both broadcasts, marked with the channel, each once`)

  await each(pairs, (pair) => pair.join(channel))
  await each(pairs, ({ later }) => later.handled(two))
  const latest = { id: two, ...marked, stored: true, score: 2 }
  await settle()
  await each(pairs, async ({ later }) => assert.deepEqual(heard(later), [latest]))
  say(`${names}: one that joined later had the latest alone, stored`)

  await each(pairs, ({ first }) => first.do({ do: 'leave', channel }))
  await soon()
  const three = await game.publish(channel, 3)
  await each(pairs, ({ later }) => later.handled(three))
  await settle()
  const next = { id: three, ...marked, stored: false, score: 3 }
  await each(pairs, async ({ later }) => assert.deepEqual(heard(later), [latest, next]))
  await each(pairs, async ({ first }) => assert.deepEqual(heard(first), both))
  say(`${names}: one that left had nothing more`)
}
