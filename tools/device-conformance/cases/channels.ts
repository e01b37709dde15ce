import assert from 'node:assert/strict'
import type { ChannelId } from '@heliograph/protocol/identifiers'
import { MAX_JOINED_CHANNELS } from '@heliograph/protocol/limits'
import { channelTopic } from '@heliograph/protocol/mqtt-topic'
import type { ScriptedCase } from '../case.ts'
import type { Driver } from '../driver.ts'
import { FAILURE } from '../service/broker.ts'
import type { Push, Session } from '../service/session.ts'
import { settle, until } from '../until.ts'
import {
  acknowledged,
  broadcast,
  CHANNEL,
  channelNo,
  type Note,
  note,
  OTHER_CHANNEL,
  OTHER_TOPIC,
  seqOf,
  TOPIC,
  type World,
} from '../world.ts'
import { needChannels, needPrlimit } from './needs.ts'

const join = (driver: Driver, channel: string = CHANNEL) => driver.do({ do: 'join', channel })

/** A run that has a handler, is connected and has joined these channels. */
async function joined(world: World, channels: readonly string[] = [CHANNEL]): Promise<Driver> {
  const driver = await world.connected()
  needChannels(world)
  for (const channel of channels) await join(driver, channel)
  return driver
}

const leave = (driver: Driver, channel: string = CHANNEL) => driver.do({ do: 'leave', channel })

const reasonOf = async (driver: Driver, what: 'join' | 'leave', channel: string = CHANNEL) =>
  (await driver.refusal({ do: what, channel })).reason

const channelsOf = async (driver: Driver) =>
  (await driver.do<{ channels: string[] }>({ do: 'channels' })).channels.toSorted()

/** A slow disk may take longer than the time limit of a call. */
async function lists(driver: Driver, channel: string): Promise<void> {
  const end = Date.now() + 60_000
  while (!(await channelsOf(driver)).includes(channel)) {
    assert.ok(Date.now() < end, `${channel} is not listed`)
    await settle(50)
  }
}

/** As the broker sends it to those who are connected, or, if it is retained, to those who join later. */
const on = (channel: ChannelId = CHANNEL, retain = false): Push => ({
  topic: channelTopic(channel),
  retain,
})

/** Sends it, waits until it is acknowledged, and returns whether it was handed over. */
async function wasTaken(world: World, driver: Driver, { id, text }: Note, push = on()) {
  const before = driver.timesHanded(id)
  await world.deliver(text, push)
  return driver.timesHanded(id) > before
}

/** Filters that were subscribed to on a connection, in the order in which they were asked for. */
const askedOn = ({ subscribed }: Session) => subscribed.flatMap(({ filters }) => filters)

const subscribe = (session: Session, number = 1) =>
  until(() => session.subscribed[number - 1], `SUBSCRIBE ${number}`)

/** The connection that follows, after it had time to say what it wants to say. */
async function settledNext(world: World): Promise<Session> {
  const session = await world.reconnected()
  await settle()
  return session
}

/** A broadcast whose place in the service's order is given. */
const ordered = (order: number) =>
  broadcast({ seq: seqOf(2_000_000 + order), acceptedAt: 1_764_600_000_000 + order })

const isBadMessage = ({ reason }: { readonly reason: string }) => reason === 'BadMessage'

const noIds = ['', 'short', CHANNEL.slice(1), `${CHANNEL}0`, `${CHANNEL.slice(1)}+`, '#', '+', '*']
const moreNoIds = [`${CHANNEL.slice(1)}/`, `${CHANNEL.slice(1)}ä`, ` ${CHANNEL}`, `${CHANNEL}\n`]

/** A tenth of a second early is not early. */
const SLACK_MS = 100

export const channelCases: Readonly<Record<string, ScriptedCase>> = {
  async J1(world) {
    const driver = await world.connected()
    needChannels(world)
    for (const channel of [...noIds, ...moreNoIds]) {
      assert.equal(await reasonOf(driver, 'join', channel), 'BadChannelId', channel)
      assert.equal(await reasonOf(driver, 'leave', channel), 'BadChannelId', channel)
    }
    await settle()
    assert.deepEqual([world.now.count('subscribe'), world.now.count('unsubscribe')], [0, 0])
    assert.deepEqual(await channelsOf(driver), [])
  },

  async J2(world) {
    const { broker } = world.service
    broker.answersSubscribe = false
    const driver = await world.connected()
    needChannels(world)
    let isJoined = false
    const joining = join(driver).then(() => {
      isJoined = true
    })
    const { filters, messageId } = await subscribe(world.now)
    assert.deepEqual(filters, [channelTopic(CHANNEL)])
    await settle()
    assert.ok(!isJoined, 'joined before the SUBACK')
    world.now.send({ cmd: 'suback', messageId, granted: [1] })
    await joining
    assert.deepEqual(await channelsOf(driver), [CHANNEL])
    await driver.kill()
    broker.answersSubscribe = true
    const next = await world.connected()
    assert.deepEqual(await channelsOf(next), [CHANNEL])
    await until(() => world.now.filters.has(channelTopic(CHANNEL)), 'the subscription')
  },

  async J3(world) {
    const channels = Array.from({ length: 20 }, (_, number) => channelNo(number))
    await joined(world, channels)
    const session = await settledNext(world)
    assert.deepEqual(askedOn(session).toSorted(), channels.map(channelTopic), 'each once')
    const order = session.packets.map(({ cmd }) => cmd)
    assert.ok(order.indexOf('publish') < order.indexOf('subscribe'), order.join())
  },

  async J4(world) {
    const { broker } = world.service
    broker.grant = (filter) => (filter === channelTopic(CHANNEL) ? FAILURE : 1)
    const driver = await world.open()
    needChannels(world)
    const [refused, granted] = [reasonOf(driver, 'join'), join(driver, OTHER_CHANNEL)]
    await driver.do({ do: 'connect' })
    assert.equal(await refused, 'ChannelRefused')
    await granted
    assert.deepEqual(await channelsOf(driver), [OTHER_CHANNEL])
    assert.deepEqual(askedOn(await settledNext(world)), [channelTopic(OTHER_CHANNEL)])
    await driver.kill()
    await world.connected()
    await world.session(3)
    await settle()
    assert.deepEqual(askedOn(world.now), [channelTopic(OTHER_CHANNEL)])
  },

  async J5(world) {
    const { broker } = world.service
    broker.answersSubscribe = false
    const driver = await world.connected({ timeLimitMs: 500 })
    needChannels(world)
    assert.equal(await reasonOf(driver, 'join'), 'Timeout')
    await subscribe(await world.reconnected())
    await lists(driver, CHANNEL)
    await driver.kill()
    const offline = await world.open({ timeLimitMs: 500 })
    assert.equal(await reasonOf(offline, 'join', OTHER_CHANNEL), 'Timeout')
    await lists(offline, OTHER_CHANNEL)
    await offline.kill()
    broker.answersSubscribe = true
    const next = await world.connected()
    assert.deepEqual(await channelsOf(next), [CHANNEL, OTHER_CHANNEL])
    await until(() => world.now.filters.size === 2, 'both subscriptions')
  },

  async J6(world) {
    world.service.broker.answersSubscribe = false
    const driver = await world.connected({ timeLimitMs: 120_000 })
    needChannels(world)
    const joining = join(driver)
    const first = await subscribe(world.now)
    const second = await subscribe(world.now, 2)
    world.service.broker.answersSubscribe = true
    const third = await subscribe(world.now, 3)
    await joining
    const gaps = [second.at - first.at, third.at - second.at]
    assert.ok((gaps[0] ?? 0) >= 5_000 - SLACK_MS, `first repeat after ${gaps[0]} ms`)
    assert.ok((gaps[1] ?? 0) >= 10_000 - SLACK_MS, `second repeat after ${gaps[1]} ms`)
  },

  async J7(world) {
    const channels = Array.from({ length: MAX_JOINED_CHANNELS }, (_, number) => channelNo(number))
    const driver = await joined(world, channels)
    const one = channelNo(MAX_JOINED_CHANNELS)
    assert.equal(await reasonOf(driver, 'join', one), 'TooManyChannels')
    await join(driver, channels[0])
    assert.ok(!askedOn(world.now).includes(channelTopic(one)))
    await leave(driver, channels[0])
    await join(driver, one)
    const expected = [...channels.slice(1), one].map(channelTopic)
    assert.deepEqual(askedOn(await settledNext(world)).toSorted(), expected)
  },

  async J8(world) {
    const driver = await joined(world)
    await leave(driver)
    await until(() => world.now.left.length > 0, 'UNSUBSCRIBE')
    assert.deepEqual(world.now.left, [channelTopic(CHANNEL)])
    assert.deepEqual(await channelsOf(driver), [])
    assert.ok(!(await wasTaken(world, driver, broadcast())), 'handed over after leave')
    assert.deepEqual(askedOn(await settledNext(world)), [])
    await join(driver)
    await driver.kill()
    const offline = await world.open({ timeLimitMs: 300 })
    await leave(offline)
    await offline.kill()
    await world.connected()
    await world.session(3)
    await settle()
    assert.deepEqual(askedOn(world.now), [])
  },

  async J9(world) {
    const driver = await world.registered()
    needChannels(world)
    await join(driver)
    await driver.do({ do: 'unregister', topic: TOPIC })
    const payload = '{ "aps" : {"event":"update","n":9007199254740993},"twice":1,"twice":2 }'
    const fields = { uniqueId: 'u', acceptedAt: 1_795_444_921_898, expiration: 0, priority: 5 }
    const sent = broadcast({ ...fields, stored: true }, payload)
    assert.ok(await wasTaken(world, driver, sent), 'a registration has nothing to do with it')
    const { seq, ...got } = driver.handedOver[0] ?? {}
    assert.match(String(seq), /^01KB\d{22}$/)
    const head = { id: sent.id, channel: CHANNEL, topic: TOPIC, payloadText: payload }
    const expected = { ...head, ...fields, stored: false, pushType: 'liveactivity' }
    assert.deepEqual(got, expected)
    const kept = broadcast({ topic: OTHER_TOPIC, stored: false })
    assert.ok(await wasTaken(world, driver, kept, on(CHANNEL, true)))
    assert.deepEqual(
      [driver.handedOver[1]?.stored, driver.handedOver[1]?.topic],
      [true, OTHER_TOPIC],
    )
  },

  async J10(world) {
    const driver = await joined(world)
    await driver.do({ do: 'handler', mode: 'hold' })
    const held = world.now.push(broadcast().text, on())
    await driver.event('notification')
    await settle()
    assert.ok(!world.now.hasAcknowledged(held), 'acknowledged before the handler finished')
    await driver.do({ do: 'handler', mode: 'fail' })
    await driver.do({ do: 'release' })
    await acknowledged(world.now, held)
    const failed = broadcast()
    const messageId = world.now.push(failed.text, on())
    const { channel } = await driver.event('error', ({ reason }) => reason === 'HandlerFailed')
    assert.equal(channel, CHANNEL)
    await settle()
    assert.ok(!world.now.hasAcknowledged(messageId), 'acknowledged after a failure')
    await driver.do({ do: 'handler', mode: 'take' })
    assert.ok(await wasTaken(world, driver, failed), 'the repeat')
  },

  async J11(world) {
    const driver = await joined(world, [CHANNEL, OTHER_CHANNEL])
    await driver.do({ do: 'handler', mode: 'hold' })
    const [first, second, other] = [broadcast(), broadcast(), broadcast({}, '{}', OTHER_CHANNEL)]
    const direct = note()
    const messages = [
      world.now.push(first.text, on()),
      world.now.push(second.text, on()),
      world.now.push(other.text, on(OTHER_CHANNEL)),
      world.now.push(direct.text),
    ]
    await until(() => driver.handedOver.length === 3, 'one of each')
    await settle()
    const ids = driver.handedOver.map(({ id }) => id)
    assert.deepEqual(ids.toSorted(), [first, other, direct].map(({ id }) => id).toSorted())
    await driver.do({ do: 'handler', mode: 'take' })
    await driver.do({ do: 'release' })
    for (const message of messages) await acknowledged(world.now, message)
    assert.equal(driver.handedOver.at(-1)?.id, second.id)
  },

  async J12(world) {
    const first = await joined(world, [CHANNEL, OTHER_CHANNEL])
    const sent = broadcast()
    assert.ok(await wasTaken(world, first, sent))
    assert.ok(!(await wasTaken(world, first, sent)), 'at once')
    await world.reconnected()
    assert.ok(!(await wasTaken(world, first, sent, on(CHANNEL, true))), 'on the next connection')
    const elsewhere = sent.as({ channel: OTHER_CHANNEL })
    assert.ok(await wasTaken(world, first, elsewhere, on(OTHER_CHANNEL)), 'on another channel')
    const direct = sent.as({ channel: undefined, stored: false })
    assert.ok(await wasTaken(world, first, direct, {}), 'to the device itself')
    await first.kill()
    const second = await world.connected()
    for (const retain of [false, true])
      assert.ok(!(await wasTaken(world, second, sent, on(CHANNEL, retain))), 'after a kill')
    assert.ok(!(await wasTaken(world, second, elsewhere, on(OTHER_CHANNEL))))
    assert.ok(!(await wasTaken(world, second, direct, {})))
  },

  async J13(world) {
    const retained = on(CHANNEL, true)
    const first = await joined(world, [CHANNEL, OTHER_CHANNEL])
    assert.ok(await wasTaken(world, first, ordered(50)))
    assert.ok(!(await wasTaken(world, first, ordered(30), retained)), '30, retained')
    assert.ok(!(await wasTaken(world, first, ordered(50), retained)), 'another with the same seq')
    assert.ok(await wasTaken(world, first, ordered(40)), '40')
    const elsewhere = ordered(20).as({ channel: OTHER_CHANNEL })
    assert.ok(await wasTaken(world, first, elsewhere, on(OTHER_CHANNEL, true)), 'another channel')
    assert.ok(await wasTaken(world, first, ordered(70), retained), '70, retained')
    assert.ok(!(await wasTaken(world, first, ordered(60))), '60')
    assert.ok(await wasTaken(world, first, ordered(80)), '80')
    await first.kill()
    const second = await world.connected()
    assert.ok(!(await wasTaken(world, second, ordered(65))), '65, after a kill')
    assert.ok(!(await wasTaken(world, second, ordered(80), retained)), '80, after a kill')
    assert.ok(await wasTaken(world, second, ordered(75)), '75, after a kill')
    assert.ok(await wasTaken(world, second, ordered(81), retained), '81, after a kill')
  },

  async J14(world) {
    const driver = await joined(world)
    const stray = broadcast({}, '{}', OTHER_CHANNEL)
    assert.ok(!(await wasTaken(world, driver, stray, on(OTHER_CHANNEL))))
    assert.ok(!(await wasTaken(world, driver, stray, on(OTHER_CHANNEL, true))))
    for (const retain of [false, true]) await world.deliver('', on(CHANNEL, retain))
    assert.ok(await wasTaken(world, driver, broadcast()))
    assert.deepEqual(driver.all('error'), [])
    assert.equal(driver.handedOver.length, 1)
    assert.deepEqual([...world.now.filters], [channelTopic(CHANNEL)])
  },

  async J15(world) {
    const driver = await joined(world, [CHANNEL, OTHER_CHANNEL])
    const whole = JSON.parse(broadcast().text) as Record<string, unknown>
    const { channel: _channel, ...noChannel } = whole
    const { payload: _payload, ...noPayload } = whole
    const odd = [noChannel, noPayload, { ...whole, channel: OTHER_CHANNEL }, { ...whole, topic: 5 }]
    const unreadable = [
      '[]',
      '{"id":',
      Buffer.from([0xff, 0xfe]),
      ...odd.map((one) => JSON.stringify(one)),
    ]
    for (const message of unreadable) await world.deliver(message, on())
    await until(() => driver.all('error').filter(isBadMessage).length === unreadable.length, 'each')
    assert.deepEqual(driver.handedOver, [])
    const direct = note({ channel: CHANNEL })
    assert.ok(await wasTaken(world, driver, direct, {}))
    assert.ok(
      !('channel' in (driver.handedOver[0] ?? {})),
      'what has come otherwise has no channel',
    )
    assert.ok(await wasTaken(world, driver, broadcast({ novelty: [1] })))
    assert.equal(world.service.broker.accepted.length, 1)
  },

  async J16(world) {
    const { retained } = world.service.broker
    const driver = await joined(world)
    await driver.do({ do: 'handler', mode: 'fail' })
    const sent = broadcast()
    retained.set(channelTopic(CHANNEL), sent.text)
    const at = Date.now()
    world.now.push(sent.text, on())
    await driver.event('error', ({ reason }) => reason === 'HandlerFailed')
    await driver.do({ do: 'handler', mode: 'take' })
    await driver.handled(sent.id)
    const again = await subscribe(world.now, 2)
    assert.ok(again.at - at >= 7_400, `asked after ${again.at - at} ms`)
    assert.deepEqual(again.filters, [channelTopic(CHANNEL)])
  },

  async J17(world) {
    const other = await world.service.openPlace()
    const driver = await joined(world, [CHANNEL, OTHER_CHANNEL])
    const sent = broadcast()
    assert.ok(await wasTaken(world, driver, sent))
    other.retained.set(channelTopic(CHANNEL), sent.text)
    const { port } = other
    const ca = world.service.keys.authority.certificate
    world.service.say(world.now, 'move', { mqtt: { host: 'localhost', port, ca } })
    await driver.event('moved', (one) => one.port === port)
    const session = await until(() => other.session, 'a connection at the new place')
    await until(() => session.filters.size === 2, 'both subscriptions')
    const fresh = broadcast()
    await acknowledged(session, session.push(fresh.text, on()))
    const ids = driver.handedOver.map(({ id }) => id)
    assert.deepEqual(ids, [sent.id, fresh.id], 'the repeat is dropped')
  },

  async J18(world) {
    const { broker } = world.service
    const driver = await joined(world, [CHANNEL, OTHER_CHANNEL])
    broker.grant = (filter) => (filter === channelTopic(CHANNEL) ? FAILURE : 1)
    const session = await world.reconnected()
    const isRefused = ({ reason }: { readonly reason: string }) => reason === 'ChannelRefused'
    assert.equal((await driver.event('error', isRefused)).channel, CHANNEL)
    await until(() => session.filters.has(channelTopic(OTHER_CHANNEL)), 'the other one')
    assert.deepEqual(await channelsOf(driver), [CHANNEL, OTHER_CHANNEL])
    broker.grant = () => 1
    await driver.kill()
    await world.connected()
    await until(() => world.now.filters.size === 2, 'both subscriptions')
  },

  async J19(world) {
    const { broker } = world.service
    await joined(world)
    broker.grant = () => FAILURE
    const session = await world.reconnected()
    const first = await subscribe(session)
    await settle()
    broker.grant = () => 1
    const second = await subscribe(session, 2)
    const gap = second.at - first.at
    assert.ok(gap >= 5_000 - SLACK_MS, `asked again after ${gap} ms`)
    await until(() => session.filters.size === 1, 'the subscription')
  },

  async J20(world) {
    const driver = await joined(world)
    const left = driver.ask({ do: 'leave', channel: CHANNEL })
    await join(driver)
    await left
    await settle()
    assert.deepEqual([...world.now.filters], [channelTopic(CHANNEL)])
    assert.ok(await wasTaken(world, driver, broadcast()))
    const joining = driver.ask({ do: 'join', channel: OTHER_CHANNEL })
    await leave(driver, OTHER_CHANNEL)
    await joining
    await settle()
    assert.deepEqual([...world.now.filters], [channelTopic(CHANNEL)])
    assert.deepEqual(await channelsOf(driver), [CHANNEL])
  },

  async J21(world) {
    needPrlimit()
    const driver = await joined(world)
    driver.limitFiles(true)
    assert.equal(await reasonOf(driver, 'join', OTHER_CHANNEL), 'StateUnusable')
    assert.equal(await reasonOf(driver, 'leave'), 'StateUnusable')
    const sent = broadcast()
    const messageId = world.now.push(sent.text, on())
    await driver.event('error', ({ reason }) => reason === 'StateUnusable')
    await settle()
    assert.ok(!world.now.hasAcknowledged(messageId), 'acknowledged and not remembered')
    assert.deepEqual(askedOn(world.now), [channelTopic(CHANNEL)])
    assert.deepEqual(world.now.left, [])
    assert.deepEqual(await channelsOf(driver), [CHANNEL])
    driver.limitFiles(false)
    await join(driver, OTHER_CHANNEL)
    assert.ok(await wasTaken(world, driver, sent), 'the repeat')
  },

  async J22(world, { long }) {
    const taken = new Set<string>()
    await (await joined(world, [CHANNEL, OTHER_CHANNEL])).kill()
    for (let round = 0; round < (long ? 200 : 10); round += 1) await killRound(world, taken, round)
    const calm = await world.connected()
    await until(() => world.now.filters.size === 2, 'both subscriptions')
    assert.ok(await wasTaken(world, calm, broadcast()))
    assert.equal(world.service.broker.accepted.length, (long ? 200 : 10) + 2)
  },

  async J23(world) {
    const driver = await joined(world)
    await driver.do({ do: 'register', topic: TOPIC })
    const sent = ordered(10)
    assert.ok(await wasTaken(world, driver, sent, on(CHANNEL, true)))
    const others = Array.from({ length: 1_100 }, (_, number) =>
      note({ pending: 'perCollapseId', collapseId: `score-${number}` }),
    )
    for (let at = 0; at < others.length; at += 50) {
      const messages = others.slice(at, at + 50).map(({ text }) => world.now.push(text))
      for (const message of messages) await acknowledged(world.now, message)
    }
    assert.equal(driver.handedOver.length, 1 + others.length)
    assert.ok(!(await wasTaken(world, driver, sent, on(CHANNEL, true))), 'retained')
    await driver.kill()
    const next = await world.connected()
    assert.ok(!(await wasTaken(world, next, sent, on(CHANNEL, true))), 'retained, after a kill')
  },
}

/** A run that gets what is retained and what is published, and is killed somewhere in between. */
async function killRound(world: World, taken: Set<string>, round: number): Promise<void> {
  const { retained } = world.service.broker
  const driver = await world.connected()
  const session = world.now
  await until(() => session.filters.size === 2, 'both subscriptions')
  const sent = [broadcast(), broadcast(), broadcast({}, '{}', OTHER_CHANNEL)]
  const messages = sent.map((one, index) =>
    session.push(one.text, on(index === 2 ? OTHER_CHANNEL : CHANNEL)),
  )
  await settle((round % 5) * 4)
  await driver.kill()
  for (const id of taken) assert.equal(driver.timesHanded(id), 0, `${id} came again`)
  sent.forEach(({ id }, index) => {
    if (session.hasAcknowledged(messages[index] ?? 0)) taken.add(id)
  })
  retained.set(channelTopic(CHANNEL), sent[1]?.text ?? '')
  retained.set(channelTopic(OTHER_CHANNEL), sent[2]?.text ?? '')
}
