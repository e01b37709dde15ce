import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ChannelId } from '@heliograph/protocol/identifiers'
import { channelTopic } from '@heliograph/protocol/mqtt-topic'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ChannelStore } from '../src/channel-store.ts'
import { Channels } from '../src/channels.ts'
import { type Deferred, defer } from '../src/deferred.ts'
import type { HeliographDeviceError } from '../src/errors.ts'
import type { Notification } from '../src/index.ts'
import { FIRST_ASK_MS } from '../src/redrain.ts'
import { FIRST_REPEAT_MS } from '../src/repeats.ts'
import { type ManualClock, manualClock } from './helpers/manual-clock.ts'
import { until } from './helpers/wait.ts'
import { makeWorld, notificationMessage, type World } from './helpers/world.ts'

const channelNo = (number: number) => `Channel${String(number).padStart(17, '0')}` as ChannelId
const [ONE, TWO] = [channelNo(1), channelNo(2)]

describe('channels', () => {
  let directory: string
  let store: ChannelStore
  let channels: Channels
  let clock: ManualClock
  let reported: HeliographDeviceError[]
  /** SUBSCRIBEs, each with the SUBACK that it waits for. */
  let asked: { readonly channels: readonly string[]; readonly answer: Deferred<boolean[]> }[]
  let unsubscribed: string[]

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'heliograph-channels-'))
    store = await ChannelStore.open(directory)
    clock = manualClock()
    // what an earlier test left running must not write here
    const own: typeof asked = []
    ;[asked, reported, unsubscribed] = [own, [], []]
    channels = new Channels({
      store,
      subscribe: (some) => {
        const answer = defer<boolean[]>()
        own.push({ channels: some, answer })
        return answer.promise
      },
      unsubscribe: (channel) => void unsubscribed.push(channel),
      report: (error) => void reported.push(error),
      clock,
      random: () => 0.5,
      timeLimitMs: 60_000,
    })
    channels.onConnected()
  })
  afterEach(async () => {
    await store.idle()
    await rm(directory, { recursive: true, force: true })
  })

  /** Waits for the n-th SUBSCRIBE, and answers it. */
  async function answer(number: number, granted: boolean[]): Promise<void> {
    const one = await until(() => asked[number - 1], `SUBSCRIBE ${number}`)
    one.answer.resolve(granted)
  }

  async function joined(...some: ChannelId[]): Promise<void> {
    for (const channel of some) {
      const joining = channels.join(channel)
      await answer(asked.length + 1, [true])
      await joining
    }
  }

  it('are asked for eight at a time, and those without an answer again, each by itself', async () => {
    const all = Array.from({ length: 10 }, (_, number) => channelNo(number))
    for (const channel of all) await store.add(channel)
    channels.onConnected()
    expect(asked.map((one) => one.channels)).toEqual([all.slice(0, 8), all.slice(8)])
    await answer(1, all.slice(0, 8).map(Boolean))
    await asked[0]?.answer.promise
    clock.advance(FIRST_REPEAT_MS)
    expect(asked.slice(2).map((one) => one.channels)).toEqual([[all[8]], [all[9]]])
    channels.onDisconnected()
    clock.advance(3600_000)
    expect(asked).toHaveLength(4)
  })

  it('that a busy broker refuses are kept, reported and asked for again', async () => {
    await joined(ONE)
    channels.onConnected()
    await answer(2, [false])
    await until(() => reported.length === 1, 'a report')
    expect(reported[0]).toMatchObject({ reason: 'ChannelRefused', channel: ONE })
    expect(reported[0]?.message).not.toContain(ONE)
    expect(channels.list()).toEqual([ONE])
    clock.advance(FIRST_REPEAT_MS)
    await answer(3, [true])
    await asked[2]?.answer.promise
    clock.advance(3600_000)
    expect(asked).toHaveLength(3)
  })

  it('that were given up are not asked for again, and can be joined later', async () => {
    const joining = channels.join(ONE)
    await answer(1, [false])
    await expect(joining).rejects.toMatchObject({ reason: 'ChannelRefused', channel: ONE })
    expect([channels.list(), reported]).toEqual([[], []])
    clock.advance(3600_000)
    expect(asked).toHaveLength(1)
    await joined(ONE)
    expect(channels.list()).toEqual([ONE])
  })

  it('that were given up are over although the disk fails', async () => {
    const joining = channels.join(ONE)
    await until(() => asked.length === 1, 'SUBSCRIBE')
    store.remove = () => Promise.reject(new Error('the disk is full'))
    await answer(1, [false])
    await expect(joining).rejects.toMatchObject({ reason: 'ChannelRefused', channel: ONE })
  })

  it('are asked for again for what they retain, those that are joined', async () => {
    await joined(ONE)
    channels.askAgain([ONE, TWO, 'com.example.app'])
    expect(asked.slice(1).map((one) => one.channels)).toEqual([[ONE]])
  })

  it('that an answer leaves out are asked for again', async () => {
    const joining = channels.join(ONE)
    await answer(1, [])
    await asked[0]?.answer.promise
    clock.advance(FIRST_REPEAT_MS)
    await answer(2, [true])
    await joining
  })

  it('a join once granted resolves at once; two at a time are one', async () => {
    const both = [channels.join(ONE), channels.join(ONE)]
    await answer(1, [true])
    await Promise.all(both)
    await channels.join(ONE)
    expect(asked).toHaveLength(1)
  })

  it('an answer to a join that was taken back joins nothing', async () => {
    const joining = channels.join(ONE)
    const refused = expect(joining).rejects.toMatchObject({ reason: 'Closed', channel: ONE })
    await until(() => asked.length === 1, 'SUBSCRIBE')
    await channels.leave(ONE)
    await refused
    asked[0]?.answer.resolve([true])
    await asked[0]?.answer.promise
    expect([channels.list(), unsubscribed]).toEqual([[], [ONE]])
    const again = channels.join(ONE)
    await answer(2, [true])
    await again
  })

  it('a wish that took too long is kept; one that the device closed on is over', async () => {
    const joining = channels.join(ONE)
    await until(() => asked.length === 1, 'SUBSCRIBE')
    const late = expect(joining).rejects.toMatchObject({ reason: 'Timeout', channel: ONE })
    clock.advance(60_000)
    await late
    expect(channels.list()).toEqual([ONE])
    const closed = expect(channels.join(TWO)).rejects.toMatchObject({ reason: 'Closed' })
    channels.close()
    await closed
  })

  it.each([
    ['closed', () => channels.close()],
    ['disconnected', () => channels.onDisconnected()],
  ])('a wish that was written when the device was %s is asked for by nobody', async (_, end) => {
    const joining = channels.join(ONE)
    joining.catch(() => {})
    end()
    await store.idle()
    await new Promise(setImmediate)
    channels.askAgain([ONE])
    expect([channels.list(), asked]).toEqual([[ONE], []])
    clock.advance(60_000)
    expect([asked, clock.waiting()]).toEqual([[], []])
  })

  it('are fifty at most, also when all are joined at once', async () => {
    const all = Array.from({ length: 52 }, (_, number) => channels.join(channelNo(number)))
    const ends = Promise.allSettled(all)
    for (let number = 1; number <= 50; number++) await answer(number, [true])
    const reasons = (await ends).map((end) =>
      end.status === 'rejected' ? (end.reason as HeliographDeviceError).reason : 'joined',
    )
    expect(reasons.slice(50)).toEqual(['TooManyChannels', 'TooManyChannels'])
    expect(new Set(reasons.slice(0, 50))).toEqual(new Set(['joined']))
  })

  it('are on disk once nothing is being written', async () => {
    void store.add(ONE)
    void store.add(TWO)
    await store.idle()
    expect((await ChannelStore.open(directory)).channels).toEqual(new Set([ONE, TWO]))
  })

  it('are on disk, and damage is told', async () => {
    await joined(ONE, TWO)
    expect((await ChannelStore.open(directory)).channels).toEqual(new Set([ONE, TWO]))
    const path = join(directory, 'channels.json')
    expect(JSON.parse(await readFile(path, 'utf8'))).toEqual({ version: 1, channels: [ONE, TWO] })
    for (const text of ['{', '{"version":2,"channels":[]}', '{"version":1,"channels":["#"]}']) {
      await writeFile(path, text)
      await expect(ChannelStore.open(directory)).rejects.toMatchObject({ reason: 'StateDamaged' })
    }
  })
})

describe('a device', () => {
  let world: World
  beforeEach(async () => {
    world = await makeWorld()
  })
  afterEach(() => world.end())

  const publish = (channel: ChannelId, fields: object, retain = false) => {
    const message = notificationMessage({ channel, stored: undefined, ...fields })
    return world.broker.publish(channelTopic(channel), message, retain)
  }

  it('hears its channels until it leaves them, and what one retains at every connection once', async () => {
    const device = await world.open()
    const got: Notification[] = []
    device.onNotification((notification) => void got.push(notification))
    await device.connect()
    await device.join(ONE)
    await publish(TWO, { id: 'of another' })
    await publish(ONE, { id: 'direct' })
    await until(() => got.length === 1, 'what is published')
    expect(got[0]).toMatchObject({ id: 'direct', channel: ONE, stored: false })
    await publish(TWO, { id: 'latest' }, true)
    await device.join(TWO)
    await until(() => got.length === 2, 'what is retained')
    expect(got[1]).toMatchObject({ id: 'latest', channel: TWO, stored: true })
    const dropped: object[] = []
    device.on('dropped', (event) => void dropped.push(event))
    world.broker.cut()
    await until(() => dropped.length === 1, 'the repeat')
    const about = { id: 'latest', topic: 'com.example.app', channel: TWO }
    expect(dropped).toEqual([{ ...about, why: 'repeat' }])
    await device.leave(TWO)
    await publish(TWO, { id: 'too late' })
    await publish(ONE, { id: 'last' })
    await until(() => got.length === 3, 'the last one')
    expect(got[2]?.id).toBe('last')
    expect(device.channels()).toEqual([ONE])
  })

  it('asks for what a channel retains again where it could not be taken over', async () => {
    await publish(ONE, { id: 'latest' }, true)
    const clock = manualClock()
    const device = await world.open({ clock, random: () => 0.5, closeLimitMs: 0 })
    let tries = 0
    device.onNotification(() => {
      tries += 1
      if (tries === 1) throw new Error('not now')
    })
    await device.connect()
    await device.join(ONE)
    await until(() => tries === 1, 'the first try')
    await until(() => clock.waiting().includes(FIRST_ASK_MS), 'the wait before asking')
    clock.advance(FIRST_ASK_MS)
    await until(() => tries === 2, 'the second try')
  })

  it('hears without a word that a channel stores nothing any more', async () => {
    const device = await world.open()
    const [got, errors]: [Notification[], unknown[]] = [[], []]
    device.onNotification((notification) => void got.push(notification))
    device.on('error', (error) => void errors.push(error))
    await device.connect()
    await device.join(ONE)
    await world.broker.publish(channelTopic(ONE), '', false)
    await publish(ONE, { id: 'next' })
    await until(() => got.length === 1, 'the next one')
    expect(errors).toEqual([])
  })

  it('gives up what the broker denies', async () => {
    world.broker.denied.add(channelTopic(ONE))
    const device = await world.open()
    await device.connect()
    await expect(device.join(ONE)).rejects.toMatchObject({ reason: 'ChannelRefused', channel: ONE })
    await expect(device.join('heliograph/#')).rejects.toMatchObject({ reason: 'BadChannelId' })
    expect(device.channels()).toEqual([])
  })
})
