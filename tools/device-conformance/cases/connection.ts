import assert from 'node:assert/strict'
import type { ScriptedCase } from '../case.ts'
import type { Driver } from '../driver.ts'
import { settle, until } from '../until.ts'
import { acknowledged, note, TOPIC, type World } from '../world.ts'

const ceilingMs = (failures: number) => Math.min(1_000 * 2 ** failures, 120_000)

/** The waits that a device has told, in order. */
const waitsOf = (driver: Driver) =>
  driver.all('disconnected').map(({ retryInMs }) => retryInMs ?? Number.NaN)

function checkCeilings(waits: readonly number[]): void {
  waits.forEach((wait, failures) => {
    const most = ceilingMs(failures)
    assert.ok(wait >= 0 && wait <= most, `wait ${failures + 1} is ${wait} ms of at most ${most}`)
  })
}

/** Timers may fire a little early. */
const EARLY_MS = 50

/** Begins to connect; `done` is fulfilled at the first CONNACK. */
function connecting(driver: Driver): { readonly done: Promise<unknown> } {
  const done = driver.do({ do: 'connect' })
  done.catch(() => {})
  return { done }
}

/** Waits for so many more attempts to connect. */
async function attempts({ service: { broker } }: World, count: number): Promise<void> {
  const wanted = broker.attempts.length + count
  await until(() => broker.attempts.length >= wanted, `${count} more attempts`)
}

/** A device that ends up connected after what the case did to its attempts. */
async function comesThrough(world: World, done: Promise<unknown>): Promise<void> {
  world.service.broker.welcome = 'accept'
  await done
  await until(() => world.service.broker.session, 'a connection')
  assert.equal(world.service.endpoint.asked.length, 1, 'activated once')
}

/** Waits of a device whose connections end right after CONNACK. */
async function waitsOfUnstable(world: World, name: string): Promise<number[]> {
  const driver = await world.open({ directory: world.runs.directory(name) })
  await driver.do({ do: 'connect' })
  await until(() => waitsOf(driver).length >= 4, 'four ends', 120_000)
  await driver.kill()
  return waitsOf(driver).slice(0, 4)
}

export const connectionCases: Readonly<Record<string, ScriptedCase>> = {
  async C1(world) {
    await world.connected()
    const { connect, socket, certificate } = await world.session()
    const deviceId = world.service.deviceId()
    assert.equal(String(socket.servername), 'localhost', 'SNI')
    assert.equal(certificate.subject, `CN=${deviceId}`)
    assert.ok(connect)
    const { protocolId, protocolVersion, clientId, clean, keepalive } = connect
    assert.deepEqual(
      { protocolId, protocolVersion, clientId, clean, keepalive },
      { protocolId: 'MQTT', protocolVersion: 4, clientId: deviceId, clean: true, keepalive: 60 },
    )
    assert.deepEqual(
      [connect.will, connect.username, connect.password].filter((one) => one !== undefined),
      [],
    )
  },

  async C3(world) {
    const { service } = world
    await world.registered()
    const [first] = (await world.session()).said
    assert.equal(first?.kind, 'connect')
    assert.deepEqual(first?.body, { tokens: [] })
    const [again] = (await world.reconnected()).said
    assert.equal(again?.kind, 'connect')
    assert.deepEqual(again?.body, { tokens: [service.tokenOf(TOPIC)] })
  },

  async C4(world) {
    const { broker } = world.service
    broker.welcome = 'cut'
    const driver = await world.open()
    const { done } = connecting(driver)
    await attempts(world, 4)
    await comesThrough(world, done)
    const waits = waitsOf(driver)
    checkCeilings(waits)
    waits.forEach((wait, index) => {
      const gap = (broker.attempts[index + 1] ?? Infinity) - (broker.attempts[index] ?? 0)
      assert.ok(gap >= wait - EARLY_MS, `dialed after ${gap} ms, where ${wait} were told`)
    })
  },

  async C5(world) {
    world.service.broker.onRequest = (session) => session.cut()
    const names = ['one', 'two', 'three', 'four']
    const all = await Promise.all(names.map((name) => waitsOfUnstable(world, name)))
    for (const waits of all) checkCeilings(waits)
    const parts = all.flatMap((waits) => waits.map((wait, failures) => wait / ceilingMs(failures)))
    // of 16 random ones, all on one side once in 30,000 runs
    assert.ok(Math.min(...parts) < 0.5 && Math.max(...parts) > 0.5, `waits: ${all.join('; ')}`)
    assert.ok(Math.max(...all.flat()) > 1_000, `waits do not grow: ${all.join('; ')}`)
  },

  async C6(world) {
    const { broker } = world.service
    const driver = await world.connected()
    for (let count = 0; count < 5; count += 1) await world.reconnected()
    await settle(62_000)
    await world.reconnected()
    const waits = waitsOf(driver)
    assert.equal(broker.accepted.length, 7)
    assert.ok((waits.at(-1) ?? Infinity) <= 1_000, `waits: ${waits}`)
  },

  async C7(world) {
    const { broker } = world.service
    await world.connected({ keepaliveSeconds: 2 })
    const session = await world.session()
    await until(() => session.count('pingreq') >= 2, 'two PINGREQs')
    assert.ok(session.isOpen, 'a connection with answered pings stays')
    broker.answersPings = false
    await until(() => !session.isOpen, 'the end of the silent connection')
    broker.answersPings = true
    await world.session(2)
  },

  async C8(world) {
    const { keys, broker } = world.service
    const driver = await world.open()
    broker.show(keys.wrongHost)
    const { done } = connecting(driver)
    await attempts(world, 2)
    broker.show(keys.wrongAuthority)
    await attempts(world, 2)
    assert.equal(broker.sessions.filter(({ connect }) => connect).length, 0, 'no CONNECT')
    broker.show(keys.pair)
    await comesThrough(world, done)
  },

  async C9(world) {
    const { broker, endpoint } = world.service
    const driver = await world.open()
    broker.welcome = 'refuse'
    const { done } = connecting(driver)
    await attempts(world, 2)
    broker.welcome = 'cut'
    await attempts(world, 1)
    await comesThrough(world, done)
    const ids = new Set(broker.sessions.map(({ deviceId }) => deviceId).filter(Boolean))
    assert.deepEqual([...ids], [world.service.deviceId()])
    assert.equal(endpoint.asked.length, 1)
  },

  async C10(world) {
    const { broker } = world.service
    broker.welcome = 'deaf'
    const driver = await world.open({ connectTimeoutMs: 1_000 })
    const { done } = connecting(driver)
    await attempts(world, 2)
    broker.welcome = 'silent'
    await attempts(world, 3)
    // generous from here on: a slow machine is not a silent broker
    await driver.kill()
    await done.catch(() => {})
    broker.welcome = 'accept'
    await world.connected()
  },

  async C11(world) {
    const driver = await world.registered()
    await driver.do({ do: 'handler', mode: 'take', delayMs: 800 })
    const session = world.now
    const { id, text } = note()
    const messageId = session.push(text)
    await driver.event('notification')
    const closing = driver.do({ do: 'close' })
    await driver.do({ do: 'close' })
    assert.ok(
      driver.all('handled').some((one) => one.id === id),
      'the second call has waited',
    )
    await closing
    await until(() => !session.isOpen, 'the end of the connection')
    await acknowledged(session, messageId)
    const order = session.packets.map(({ cmd }) => cmd)
    assert.ok(order.lastIndexOf('puback') < order.indexOf('disconnect'), order.join(' '))
    assert.equal(waitsOf(driver).filter((wait) => !Number.isNaN(wait)).length, 0)
  },

  async C12(world) {
    const driver = await world.registered({ closeLimitMs: 300 })
    await driver.do({ do: 'handler', mode: 'hold' })
    const session = world.now
    const { id, text } = note()
    const messageId = session.push(text)
    await driver.event('notification')
    await driver.do({ do: 'close' })
    await until(() => !session.isOpen, 'the end of the connection')
    await driver.do({ do: 'release' })
    await driver.handled(id)
    await settle()
    assert.ok(!session.hasAcknowledged(messageId))
    assert.equal(world.service.broker.accepted.length, 1)
    await driver.kill()
    const next = await world.connected()
    await world.deliver(text)
    assert.equal(next.timesHanded(id), 0)
  },

  async C13(world) {
    const { broker } = world.service
    for (const welcome of ['deaf', 'silent'] as const) {
      broker.welcome = welcome
      const before = broker.attempts.length
      const driver = await world.open()
      const ended = driver.refusal({ do: 'connect' })
      await until(() => broker.attempts.length > before, 'an attempt')
      const start = Date.now()
      await driver.do({ do: 'close' })
      assert.equal((await ended).reason, 'Closed')
      const tookMs = Date.now() - start
      assert.ok(tookMs < 10_000, `closed after ${tookMs} ms`)
      await settle()
      assert.equal(broker.attempts.length, before + 1)
    }
  },
}
