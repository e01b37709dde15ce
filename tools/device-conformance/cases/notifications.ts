import assert from 'node:assert/strict'
import type { ScriptedCase } from '../case.ts'
import type { Driver } from '../driver.ts'
import { settle, until } from '../until.ts'
import { acknowledged, type Note, note, OTHER_TOPIC, seqOf, TOPIC, type World } from '../world.ts'

const ids = (notes: readonly Note[]) => notes.map(({ id }) => id)

const many = (count: number, fields: Readonly<Record<string, unknown>> = {}) =>
  Array.from({ length: count }, () => note(fields))

/** What a provider may write, to the byte. */
const oddPayload =
  '{ "aps" : {"alert":"h\\u00e9llo \\"x\\" ✓ 🦩", "payload":1},\t"big": 9007199254740993,' +
  '"twice":1,"twice":2, "f": 1.0e+10, "text": ",\\"payload\\":{}}" , "z":-0 }'

/** Sends it, and sees that it is acknowledged and not handed over. */
async function isDropped(world: World, driver: Driver, { id, text }: Note): Promise<void> {
  const before = driver.timesHanded(id)
  await world.deliver(text)
  assert.equal(driver.timesHanded(id), before, `${id} was handed over`)
}

async function isTaken(world: World, driver: Driver, { id, text }: Note): Promise<void> {
  const before = driver.timesHanded(id)
  await world.deliver(text)
  assert.equal(driver.timesHanded(id), before + 1, `${id} was not handed over`)
}

/** An array in an array, and so on. */
const nested = (depth: number): unknown[] => (depth === 1 ? [] : [nested(depth - 1)])

/** A note whose place in the service's order is given. */
const ordered = (order: number, stored = false) =>
  note({ seq: seqOf(1_000_000 + order), acceptedAt: 1_764_500_000_000 + order, stored })

/** The same, of a topic that keeps the newest of each collapse id. */
const inSlot = (order: number, stored: boolean, collapseId?: string) =>
  note({
    ...{ seq: seqOf(1_000_000 + order), acceptedAt: 1_764_500_000_000 + order, stored },
    ...{ pending: 'perCollapseId', ...(collapseId !== undefined && { collapseId }) },
  })

export const notificationCases: Readonly<Record<string, ScriptedCase>> = {
  async N1(world) {
    const driver = await world.registered()
    const fields = {
      uniqueId: '9b2d1c60-5f0a-4a53-8f3e-2f1f6c0e7a11',
      acceptedAt: 1_795_444_921_898,
      stored: true,
      expiration: 1_798_036_921,
      priority: 5,
      pushType: 'background',
      collapseId: 'score,"payload":{"x":1}',
    }
    const sent = note(fields, oddPayload)
    await world.deliver(sent.text)
    const { seq, ...got } = driver.handedOver[0] ?? {}
    assert.match(String(seq), /^01KB\d{22}$/)
    assert.deepEqual(got, { id: sent.id, topic: TOPIC, payloadText: oddPayload, ...fields })
    const plain = note({}, '{}')
    await world.deliver(plain.text)
    assert.ok(!('collapseId' in (driver.handedOver[1] ?? {})), 'absent fields are left out')
  },

  async N2(world) {
    const driver = await world.registered()
    await driver.do({ do: 'handler', mode: 'hold' })
    const messageId = world.now.push(note().text)
    await driver.event('notification')
    await settle()
    assert.ok(!world.now.hasAcknowledged(messageId), 'acknowledged before the handler finished')
    await driver.do({ do: 'release' })
    await acknowledged(world.now, messageId)
  },

  async N3(world) {
    const driver = await world.registered({ keepaliveSeconds: 5 })
    const session = world.now
    await driver.do({ do: 'handler', mode: 'hold' })
    const held = session.push(note().text)
    await driver.event('notification')
    await driver.do({ do: 'handler', mode: 'take' })
    await driver.do({ do: 'register', topic: OTHER_TOPIC })
    await world.deliver(note({ topic: OTHER_TOPIC }).text)
    const pings = session.count('pingreq')
    await until(() => session.count('pingreq') >= pings + 2, 'two PINGREQs')
    assert.ok(!session.hasAcknowledged(held))
    await driver.do({ do: 'release' })
    await acknowledged(session, held)
    assert.equal(world.service.broker.accepted.length, 1)
  },

  async N4(world) {
    const driver = await world.registered()
    await driver.do({ do: 'handler', mode: 'fail' })
    const sent = note()
    const messageId = world.now.push(sent.text)
    const error = await driver.event('error', ({ reason }) => reason === 'HandlerFailed')
    assert.equal(error.topic, TOPIC)
    await settle()
    assert.ok(!world.now.hasAcknowledged(messageId))
    await driver.do({ do: 'handler', mode: 'take' })
    await isTaken(world, driver, sent)
  },

  async N5(world) {
    const driver = await world.registered()
    await driver.do({ do: 'handler', mode: 'fail' })
    const session = world.now
    const before = session.requests('connect').length
    const at = Date.now()
    session.push(note().text)
    await until(() => session.requests('connect').length > before, 'another connect')
    const after = (session.requests('connect').at(-1)?.at ?? 0) - at
    assert.ok(after >= 7_400, `asked after ${after} ms`)
  },

  async N6(world) {
    const driver = await world.registered()
    await driver.do({ do: 'handler', mode: 'take', delayMs: 20 })
    const notes = many(10)
    const messages = notes.map(({ text }) => world.now.push(text))
    for (const message of messages) await acknowledged(world.now, message)
    assert.deepEqual(ids(driver.handedOver as unknown as Note[]), ids(notes))
    const order = driver.events
      .map(({ event }) => event)
      .filter((event) => event === 'notification' || event === 'handled')
    const alternating = notes.flatMap(() => ['notification', 'handled'])
    assert.deepEqual(order, alternating, 'one after the other')
  },

  async N7(world) {
    const driver = await world.registered()
    await driver.do({ do: 'handler', mode: 'hold' })
    const sent = note()
    const first = world.now.push(sent.text)
    await driver.event('notification')
    const second = world.now.push(sent.text)
    await settle()
    await driver.do({ do: 'handler', mode: 'take' })
    await driver.do({ do: 'release' })
    await acknowledged(world.now, first)
    await acknowledged(world.now, second)
    await isDropped(world, driver, sent)
    await world.reconnected()
    await isDropped(world, driver, sent.as({ stored: true }))
    assert.equal(driver.timesHanded(sent.id), 1)
  },

  async N8(world) {
    const sent = note()
    const first = await world.registered()
    await isTaken(world, first, sent)
    await first.kill()
    const second = await world.connected()
    await isDropped(world, second, sent)
    await isDropped(world, second, sent.as({ stored: true }))
  },

  async N9(world) {
    const sent = note()
    const first = await world.registered()
    await first.do({ do: 'handler', mode: 'hold' })
    world.now.push(sent.text)
    await first.event('notification')
    await first.kill()
    await isTaken(world, await world.connected(), sent)
  },

  async N10(world) {
    const driver = await world.registered()
    await isTaken(world, driver, ordered(50))
    await isDropped(world, driver, ordered(30, true))
    await isTaken(world, driver, ordered(40))
    await isTaken(world, driver, ordered(70, true))
    await isDropped(world, driver, ordered(60))
    await isTaken(world, driver, ordered(80))
    await isTaken(world, driver, ordered(75))
    await isDropped(world, driver, ordered(79, true))
  },

  async N11(world) {
    const first = await world.registered()
    await isTaken(world, first, ordered(70, true))
    await isTaken(world, first, ordered(80))
    await first.kill()
    const second = await world.connected()
    await isDropped(world, second, ordered(60))
    await isDropped(world, second, ordered(79, true))
    await isTaken(world, second, ordered(75))
    await isTaken(world, second, ordered(81, true))
  },

  async N12(world) {
    const driver = await world.registered()
    await driver.do({ do: 'register', topic: OTHER_TOPIC })
    const sent = note()
    await isTaken(world, driver, sent)
    await isTaken(world, driver, sent.as({ topic: OTHER_TOPIC }))
  },

  async N13(world) {
    const driver = await world.registered()
    await driver.do({ do: 'handler', mode: 'fail' })
    world.now.push(ordered(90, true).text)
    await driver.event('error', ({ reason }) => reason === 'HandlerFailed')
    await driver.do({ do: 'handler', mode: 'take' })
    await isTaken(world, driver, ordered(85, true))
    await isTaken(world, driver, ordered(86))
  },

  async N14(world) {
    const driver = await world.registered()
    await isTaken(world, driver, note({ expiration: 1_577_836_800 }))
    await isTaken(world, driver, note({ expiration: 0 }))
  },

  async N15(world) {
    const driver = await world.open()
    await driver.do({ do: 'connect' })
    const sent = note()
    const messageId = world.now.push(sent.text)
    await settle()
    assert.ok(!world.now.hasAcknowledged(messageId))
    assert.deepEqual(driver.handedOver, [])
    await driver.do({ do: 'handler', mode: 'take' })
    await acknowledged(world.now, messageId)
    assert.equal(driver.timesHanded(sent.id), 1)
  },

  async N16(world) {
    const driver = await world.registered()
    const notes = many(100)
    const messages = notes.map(({ text }) => world.now.push(text))
    for (const message of messages) await acknowledged(world.now, message)
    assert.deepEqual(ids(driver.handedOver as unknown as Note[]), ids(notes))
  },

  async N17(world) {
    const driver = await world.registered()
    await driver.do({ do: 'handler', mode: 'hold' })
    const session = world.now
    const notes = many(120)
    const messages = notes.map(({ text }) => session.push(text))
    await driver.event('notification')
    await driver.do({ do: 'handler', mode: 'take' })
    await world.deliver(note({ topic: OTHER_TOPIC }).text)
    assert.deepEqual(session.acknowledged.length, 1, 'only that of the other topic')
    await driver.do({ do: 'release' })
    for (const message of messages.slice(0, 100)) await acknowledged(session, message)
    await settle()
    assert.equal(session.acknowledged.length, 101, 'those beyond 100 are not acknowledged')
    for (const late of notes.slice(100)) await isTaken(world, driver, late)
    for (const { id } of notes) assert.equal(driver.timesHanded(id), 1)
  },

  async N18(world) {
    const driver = await world.registered()
    const whole = JSON.parse(note().text) as Record<string, unknown>
    const { payload: _payload, ...noPayload } = whole
    const unreadable: (string | Buffer)[] = [
      '',
      'hello',
      '[1,2]',
      'null',
      '{}',
      '{"id":"x","topic":',
      Buffer.from([0xff, 0xfe, 0x00, 0x80]),
      JSON.stringify(noPayload),
      JSON.stringify({ ...whole, id: 5 }),
      JSON.stringify({ ...whole, topic: ['com.example.app'] }),
      JSON.stringify({ ...whole, acceptedAt: 'yesterday' }),
    ]
    for (const message of unreadable) await world.deliver(message)
    const faults = () => driver.all('error').filter(({ reason }) => reason === 'BadMessage')
    await until(() => faults().length === unreadable.length, 'a BadMessage for each')
    for (const name of ['token', 'connected', 'error', 'certificate'])
      world.now.push('{"topic":', { topic: `heliograph/${name}`, qos: 0 })
    await until(() => faults().length === unreadable.length + 4, 'a BadMessage for answers')
    for (const odd of [{ topic: 5 }, { accepted: 'x', renewed: [5], rejected: {} }, { request: 1 }])
      for (const name of ['token', 'connected', 'error', 'certificate'])
        world.service.say(world.now, name, odd)
    await isTaken(world, driver, note())
    assert.equal(driver.handedOver.length, 1)
    assert.equal(world.service.broker.accepted.length, 1)
  },

  async N19(world) {
    const driver = await world.registered()
    world.service.say(world.now, 'future', { anything: true })
    await acknowledged(world.now, world.now.push('{"a":1}', { topic: 'heliograph/future' }))
    await isTaken(world, driver, note({ novelty: { inside: [1] }, another: null }))
    const odd = { text: 'a\u0000b \ud800 \u{1f9a9}', number: 1e300, deep: nested(100) }
    await isTaken(world, driver, note(odd))
    assert.deepEqual(driver.all('error'), [])
    assert.equal(driver.handedOver.length, 2)
  },

  async N20(world) {
    const driver = await world.registered()
    const deep = `{"deep":${'['.repeat(1_000)}${']'.repeat(1_000)}}`
    const long = `{"n":${'7'.repeat(2_000)},"m":-0.${'0'.repeat(1_500)}1}`
    const payloads = [
      `{"text":"${'x'.repeat(4_085)}"}`,
      deep,
      '{"n":1e400,"m":-1e-400}',
      long,
      '{}',
    ]
    for (const payload of payloads) {
      const limits = { collapseId: 'c'.repeat(64), expiration: 4_102_444_800, priority: 1 }
      await isTaken(world, driver, note(limits, payload))
      assert.equal(driver.handedOver.at(-1)?.payloadText, payload)
    }
    const longTopic = `${'a'.repeat(127)}.${'b'.repeat(127)}`
    await isTaken(world, driver, note({ topic: longTopic }))
  },

  async N21(world) {
    const first = await world.registered()
    const notes = many(1_000)
    for (let start = 0; start < notes.length; start += 50) {
      const messages = notes.slice(start, start + 50).map(({ text }) => world.now.push(text))
      for (const message of messages) await acknowledged(world.now, message)
    }
    await first.kill()
    const second = await world.connected()
    for (const index of [0, 1, 499, 999]) await isDropped(world, second, notes[index] ?? note())
  },

  async N22(world, { long }) {
    const memory = new Map<string, { readonly sent: Note; acknowledged: boolean }>()
    await (await world.registered()).kill()
    for (let round = 0; round < (long ? 200 : 10); round += 1) await killRound(world, memory, round)
    const calm = await world.connected()
    // an implementation need not remember more than the last 1,000
    for (const { sent, acknowledged: before } of [...memory.values()].slice(-900)) {
      if (before) await isDropped(world, calm, sent)
      else await world.deliver(sent.text)
    }
    assert.equal(world.service.broker.accepted.length, (long ? 200 : 10) + 2)
  },

  async N23(world) {
    const driver = await world.registered()
    await isTaken(world, driver, inSlot(50, true, 'a'))
    await isTaken(world, driver, inSlot(40, true, 'b'))
    const plain = inSlot(30, true)
    await isTaken(world, driver, plain)
    await isTaken(world, driver, inSlot(20, true))
    await isTaken(world, driver, inSlot(10, false))
    await isDropped(world, driver, plain)
    await isDropped(world, driver, inSlot(45, true, 'a'))
    await isDropped(world, driver, inSlot(45, false, 'a'))
    await isTaken(world, driver, inSlot(60, false, 'b'))
    await isDropped(world, driver, inSlot(55, true, 'b'))
    await isTaken(world, driver, inSlot(55, false, 'b'))
    await isTaken(world, driver, ordered(15, true))
    await isDropped(world, driver, ordered(14, true))
  },

  async N24(world) {
    const first = await world.registered()
    await isTaken(world, first, inSlot(50, true, 'a'))
    await isTaken(world, first, inSlot(60, false, 'b'))
    await isTaken(world, first, inSlot(40, true))
    await first.kill()
    const second = await world.connected()
    await isDropped(world, second, inSlot(45, false, 'a'))
    await isDropped(world, second, inSlot(55, true, 'b'))
    await isTaken(world, second, inSlot(55, false, 'b'))
    await isTaken(world, second, inSlot(30, true))
    await isTaken(world, second, inSlot(51, true, 'a'))
  },
}

type Memory = Map<string, { readonly sent: Note; acknowledged: boolean }>

/** A run that gets new ones and repeats, and is killed somewhere in between. */
async function killRound(world: World, memory: Memory, round: number): Promise<void> {
  const driver = await world.connected()
  await driver.do({ do: 'handler', mode: 'take', delayMs: round % 3 })
  const session = world.now
  const known = [...memory.values()].slice(-20)
  const before = new Set(known.filter((one) => one.acknowledged).map(({ sent }) => sent.id))
  const fresh = many(8).map((sent) => ({ sent, acknowledged: false }))
  for (const one of fresh) memory.set(one.sent.id, one)
  const sending = [...known, ...fresh].map((one) => ({ one, message: session.push(one.sent.text) }))
  await settle(Math.random() * 60)
  await driver.kill()
  for (const { one, message } of sending)
    if (session.hasAcknowledged(message)) one.acknowledged = true
  for (const id of before) assert.equal(driver.timesHanded(id), 0, `${id} came again`)
}
