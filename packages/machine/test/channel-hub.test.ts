import { setImmediate as nextTurn } from 'node:timers/promises'
import type { TLSSocket } from 'node:tls'
import type { ChannelId } from '@heliograph/protocol/identifiers'
import { channelTopic, downTopics } from '@heliograph/protocol/mqtt-topic'
import { beforeEach, describe, expect, test } from 'vitest'
import { ChannelHub, type ChannelMessage, type Subscription } from '../src/mqtt/channel-hub.ts'
import { deviceLimits } from '../src/mqtt/limits.ts'
import { Session, type SessionFacts } from '../src/mqtt/session.ts'

/** The hub alone, with connections that take what the test says; channels.test.ts has it with real ones. */

const numbered = (n: number) => `Channel${String(n).padStart(17, '0')}` as ChannelId
const channel = numbered(1)
const other = numbered(2)

/** Its connection has room unless the test says otherwise, and acknowledges nothing by itself. */
class FakeSession {
  readonly window: number
  room = true
  settled: (() => void) | undefined
  readonly heard: string[] = []
  readonly asked: number[] = []
  readonly #owed: (() => void)[] = []

  constructor(window = 100) {
    this.window = window
  }

  hasRoom(bytes: number): boolean {
    this.asked.push(bytes)
    return this.room
  }

  send(topic: Buffer, payload: Buffer, _patience: number, isRetained: boolean): Promise<unknown> {
    this.#note(1, topic, payload, isRetained)
    return new Promise<void>((resolve) => this.#owed.push(resolve))
  }

  tell(topic: Buffer, payload: Buffer, isRetained: boolean): void {
    this.#note(0, topic, payload, isRetained)
  }

  async acknowledge(count = 1): Promise<void> {
    for (const resolve of this.#owed.splice(0, count)) resolve()
    await nextTurn()
  }

  #note(qos: 0 | 1, topic: Buffer, payload: Buffer, isRetained: boolean): void {
    const from = topic.toString() === channelTopic(channel) ? '' : ` of ${topic}`
    this.heard.push(
      `${payload}${from}${isRetained ? ', retained' : ''}${qos === 0 ? ', QoS 0' : ''}`,
    )
  }
}

let hub: ChannelHub
let retained: Map<ChannelId, ChannelMessage>
let now: number

beforeEach(() => {
  now = 1_000_000
  retained = new Map()
  hub = new ChannelHub({
    limits: { channels: 3, channelMessages: 2, channelBytes: 64, channelPatienceMs: 1_000 },
    now: () => now,
    retained: (id) => retained.get(id),
  })
})

const message = (text: string, expiresAt = 0) => ({ payload: Buffer.from(text), expiresAt })

const join = (session: FakeSession, change: Partial<Subscription> = {}, id = channel) =>
  hub.join(session as unknown as Session, id, { qos: 1, retained: 'always', ...change })
const leave = (session: FakeSession, id = channel) => hub.leave(session as unknown as Session, id)
const catchUp = (session: FakeSession) => hub.catchUp(session as unknown as Session)
const forget = (session: FakeSession) => hub.forget(session as unknown as Session)

function member(change: Partial<Subscription> = {}, window?: number, id = channel): FakeSession {
  const session = new FakeSession(window)
  join(session, change, id)
  catchUp(session)
  return session
}

/** Publishes one after the other, and waits until all has been offered. */
async function publish(...texts: string[]): Promise<void> {
  for (const text of texts) hub.publish(channel, message(text))
  await turnsUntil(() => hub.waiting === 0)
}

async function turnsUntil(isSo: () => boolean): Promise<void> {
  for (let turn = 0; turn < 10_000 && !isSo(); turn += 1) await nextTurn()
}

describe('a member that owes acknowledgements', () => {
  test('gets the newest of what it has missed with the next one', async () => {
    const session = member()
    await publish('1', '2', '3', '4')
    expect(session.heard).toEqual(['1', '2'])
    await session.acknowledge()
    expect(session.heard).toEqual(['1', '2', '4'])
    await session.acknowledge(2)
    expect(session.heard).toEqual(['1', '2', '4'])
    await publish('5')
    expect(session.heard.at(-1)).toBe('5')
  })

  test('may owe half of what its connection takes, and one at least', async () => {
    const [narrow, narrowest] = [member({}, 3), member({}, 1)]
    await publish('1', '2')
    expect([narrow.heard, narrowest.heard]).toEqual([['1'], ['1']])
  })

  test('is asked for room by the bytes that channels may fill', async () => {
    const session = member()
    await publish('1')
    expect(new Set(session.asked)).toEqual(new Set([64]))
  })

  test('gets nothing of what it missed once the channel is cleared', async () => {
    const session = member()
    await publish('1', '2', '3')
    hub.clear(channel)
    await session.acknowledge(2)
    expect(session.heard).toEqual(['1', '2'])
    await publish('4')
    expect(session.heard.at(-1)).toBe('4')
  })

  test('gets nothing more of a channel that it has left, and all of the others', async () => {
    const session = member()
    join(session, {}, other)
    await publish('1', '2', '3')
    hub.publish(other, message('a'))
    await publish()
    expect(leave(session)).toBe(true)
    expect(leave(session)).toBe(false)
    await session.acknowledge(2)
    expect(session.heard).toEqual(['1', '2', `a of ${channelTopic(other)}`])
  })

  test('and others that do not: each gets what itself has missed', async () => {
    const [slow, quick] = [member({ retained: 'never' }), member({ retained: 'never' })]
    await publish('1', '2')
    await quick.acknowledge(2)
    await publish('3')
    await quick.acknowledge()
    expect(quick.heard).toEqual(['1', '2', '3'])
    // the other one still has it to come
    expect(leave(quick)).toBe(true)
    await slow.acknowledge()
    expect(slow.heard).toEqual(['1', '2', '3'])
  })

  test('does not get what has expired by then, to the second', async () => {
    const session = member()
    await publish('1', '2')
    hub.publish(channel, message('late', 1_001))
    await publish()
    now = 1_001_000
    await session.acknowledge()
    expect(session.heard).toEqual(['1', '2'])
    hub.publish(channel, message('in time', 1_002))
    await publish()
    expect(session.heard.at(-1)).toBe('in time')
  })
})

describe('a connection without room', () => {
  test('is looked at now and then, because room may come without an acknowledgement', async () => {
    const session = member()
    session.room = false
    await publish('1', '2')
    hub.catchUpAll()
    expect(session.heard).toEqual([])
    session.room = true
    hub.catchUpAll()
    hub.catchUpAll()
    expect(session.heard).toEqual(['2'])
  })

  test('gets nothing older after what is newer, whenever the room comes', async () => {
    const session = member()
    session.room = false
    await publish('1')
    session.room = true
    await publish('2')
    hub.catchUpAll()
    expect(session.heard).toEqual(['2'])
  })

  test('gets nothing again of the channels that it misses nothing of', async () => {
    retained.set(channel, message('kept'))
    const session = member({ retained: 'never' })
    join(session, {}, other)
    session.room = false
    hub.publish(other, message('a'))
    session.room = true
    hub.catchUpAll()
    expect(session.heard).toEqual([`a of ${channelTopic(other)}`])
  })

  test('tells by itself when there is some, as long as it misses anything', async () => {
    const session = member()
    expect(session.settled).toBeUndefined()
    session.room = false
    await publish('1')
    session.room = true
    session.settled?.()
    expect(session.heard).toEqual(['1'])
    expect(session.settled).toBeUndefined()
  })

  test('is asked for nothing once it has ended', async () => {
    const session = member()
    session.room = false
    await publish('1')
    forget(session)
    forget(session)
    expect([hub.subscriptions, session.settled]).toEqual([0, undefined])
    session.room = true
    hub.catchUpAll()
    catchUp(session)
    await publish('2')
    expect(session.heard).toEqual([])
  })

  test('misses with QoS 0 what it cannot take, and nothing is kept for it', async () => {
    const session = member({ qos: 0 })
    session.room = false
    await publish('1')
    session.room = true
    hub.catchUpAll()
    await publish('2')
    expect(session.heard).toEqual(['2, QoS 0'])
  })

  test('gets the retained message as soon as there is room, unless a newer one came', async () => {
    retained.set(channel, message('kept'))
    const [one, two] = [new FakeSession(), new FakeSession()]
    for (const session of [one, two]) {
      session.room = false
      join(session)
      catchUp(session)
    }
    one.room = true
    hub.catchUpAll()
    await publish('new')
    two.room = true
    hub.catchUpAll()
    expect([one.heard, two.heard]).toEqual([['kept, retained', 'new'], ['new']])
  })
})

test('whatever a connection acknowledges makes room for what its channels have', async () => {
  const written: Buffer[] = []
  const socket = {
    ...{ writable: true, writableLength: 0 },
    write: (bytes: Buffer) => void written.push(bytes),
  } as unknown as TLSSocket
  const facts = { version: 5, receiveMaximum: 2 } as SessionFacts
  const session = new Session(socket, facts, deviceLimits)
  hub.join(session, channel, { qos: 1, retained: 'never' })
  const own = Buffer.from(downTopics.notification)
  const sent = [1, 2].map((n) => session.send(own, `own ${n}`, 60_000))
  await publish('of the channel')
  expect(written).toHaveLength(2)
  expect(session.acknowledge(2)).toBe(true)
  expect(written.at(-1)?.toString('latin1')).toContain('of the channel')
  session.abandon()
  expect(await Promise.all(sent)).toEqual(['unconfirmed', 'acknowledged'])
})

describe('to join', () => {
  test('again changes how the channel is heard, and counts once', async () => {
    const session = member({ qos: 0 })
    join(session, { qos: 1 })
    catchUp(session)
    await publish('1')
    expect([session.heard, hub.subscriptions]).toEqual([['1'], 1])
  })

  test('again brings no older message than the one that is still to come', async () => {
    retained.set(channel, message('kept'))
    const session = member({ retained: 'never' })
    await publish('1', '2', '3')
    join(session, { retained: 'always' })
    await session.acknowledge()
    expect(session.heard).toEqual(['1', '2', '3'])
  })

  test.each([
    ['always', ['kept, retained', 'kept, retained']],
    ['if new', ['kept, retained']],
    ['never', []],
  ] as const)('twice, with the retained message %s', async (asked, heard) => {
    retained.set(channel, message('kept'))
    const session = member({ retained: asked })
    expect(session.heard).toEqual(heard.slice(0, 1))
    join(session, { retained: asked })
    catchUp(session)
    expect(session.heard).toEqual(heard)
  })

  test('more channels than it may is refused, one that it has joined is not', () => {
    const session = new FakeSession()
    for (const n of [1, 2, 3]) expect(join(session, {}, numbered(n))).toBe(true)
    expect(join(session, {}, numbered(4))).toBe(false)
    expect(join(session, {}, numbered(3))).toBe(true)
    expect(hub.subscriptions).toBe(3)
    leave(session)
    expect(join(session, {}, numbered(4))).toBe(true)
  })

  test('a channel that stores nothing brings nothing', async () => {
    const session = member()
    expect([session.heard, session.settled]).toEqual([[], undefined])
  })
})

describe('a publish', () => {
  test('is for those who were members when it began, and still are when it is their turn', async () => {
    const sessions = Array.from({ length: 60 }, () => member())
    hub.publish(channel, message('1'))
    const late = member()
    const last = sessions.at(-1) as FakeSession
    leave(last)
    await publish()
    expect(sessions.slice(0, -1).every(({ heard }) => heard.join() === '1')).toBe(true)
    expect([late.heard, last.heard]).toEqual([[], []])
    await publish('2')
    expect(late.heard).toEqual(['2'])
  })

  test('that waits for its turn is for those who have joined by then, even if all others left', async () => {
    const first = member()
    hub.publish(channel, message('1'))
    hub.publish(channel, message('2'))
    leave(first)
    const second = member()
    await publish()
    expect([first.heard, second.heard]).toEqual([['1'], ['2']])
  })

  test('to many is no reason for another channel to wait until the end', async () => {
    const sessions = Array.from({ length: 200 }, () => member())
    const session = member({}, 100, other)
    hub.publish(channel, message('1'))
    hub.publish(other, message('a'))
    await turnsUntil(() => session.heard.length > 0)
    expect(sessions.at(-1)?.heard).toEqual([])
    await publish()
    expect(sessions.at(-1)?.heard).toEqual(['1'])
  })

  test('to a channel that nobody has joined is over at once', () => {
    hub.publish(channel, message('1'))
    expect(hub.waiting).toBe(0)
    hub.clear(channel)
  })

  test('is not taken where sixteen of its channel wait, and one of another channel is', () => {
    join(new FakeSession())
    let taken = 0
    for (; taken < 100 && hub.hasRoom(channel); taken += 1) hub.publish(channel, message('1'))
    // the first is sent in the turn in which it came
    expect([hub.waiting, taken]).toEqual([16, 17])
    expect(hub.hasRoom(other)).toBe(true)
  })

  test('is not taken where a thousand wait in all', () => {
    for (let n = 0; n < 100; n += 1) join(new FakeSession(), {}, numbered(n))
    let taken = 0
    for (let n = 0; n < 100; n += 1)
      for (; taken < 2_000 && hub.hasRoom(numbered(n)); taken += 1)
        hub.publish(numbered(n), message('1'))
    // the first is sent in the turn in which it came
    expect([hub.waiting, taken]).toEqual([1_000, 1_001])
    for (let n = 0; n < 100; n += 1) hub.clear(numbered(n))
    expect([hub.waiting, hub.hasRoom(channel)]).toEqual([0, true])
  })
})

test('it is not idle while anything waits to be sent, though nothing is owed', async () => {
  for (let n = 0; n < 60; n += 1) member({ qos: 0 })
  hub.publish(channel, message('1'))
  let isIdle = false
  const idle = hub.idle(60_000).then(() => {
    expect(hub.waiting).toBe(0)
    isIdle = true
  })
  await Promise.resolve()
  expect([hub.waiting, isIdle]).toEqual([1, false])
  await idle
})

test('it is idle once all has been sent and acknowledged, and waits no longer than it is told', async () => {
  const session = member()
  hub.publish(channel, message('1'))
  expect(hub.waiting).toBe(0)
  await hub.idle(1)
  let isIdle = false
  const idle = hub.idle(60_000).then(() => {
    isIdle = true
  })
  await nextTurn()
  expect(isIdle).toBe(false)
  await session.acknowledge()
  await idle
})
