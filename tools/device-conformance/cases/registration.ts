import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ScriptedCase } from '../case.ts'
import type { Driver } from '../driver.ts'
import type { Said, Session } from '../service/session.ts'
import { settle, until } from '../until.ts'
import { acknowledged, note, OTHER_TOPIC, TOPIC, type World } from '../world.ts'
import { needPrlimit } from './needs.ts'

const tokensOf = async (driver: Driver) =>
  (await driver.do<{ tokens: Record<string, string> }>({ do: 'tokens' })).tokens

/** Waits for the `number`-th request of a kind on a connection, from 1. */
const request = (session: Session, kind: string, number = 1): Promise<Said> =>
  until(() => session.requests(kind)[number - 1], `${kind} ${number}`)

const topicsIn = (said: readonly Said[]) => said.map(({ body }) => body.topic)

/** From now on the service answers `connect` with this. */
function answerConnect(world: World, message: () => object): void {
  const { service } = world
  service.broker.onRequest = (session, said) => {
    if (said.kind !== 'connect') return service.answer(session, said)
    const nothing = { accepted: [], renewed: [], rejected: [] }
    service.say(session, 'connected', { ...nothing, ...message() })
  }
}

const gap = (one: Said, other: Said) => other.at - one.at

const GIVEN_UP = 'com.example.given-up'

/** When the first repeat of a request that was not answered has come: 10 s and a half, with a second to spare. */
const LATEST_REPEAT_MS = 16_000

/** A tenth of a second early is not early. */
const SLACK_MS = 100

export const registrationCases: Readonly<Record<string, ScriptedCase>> = {
  async R1(world) {
    const driver = await world.connected()
    const token = world.service.tokenOf(TOPIC)
    assert.deepEqual(await driver.do({ do: 'register', topic: TOPIC }), { token })
    await driver.event('token', (one) => one.topic === TOPIC && one.token === token)
    assert.deepEqual(await tokensOf(driver), { [TOPIC]: token })
    assert.deepEqual(world.now.requests('register')[0]?.body, { topic: TOPIC })
    await driver.kill()
    const next = await world.open()
    assert.deepEqual(await tokensOf(next), { [TOPIC]: token })
    await next.do({ do: 'connect' })
    assert.deepEqual((await world.session(2)).said[0]?.body, { tokens: [token] })
  },

  async R2(world) {
    world.service.unknownTopics.add(TOPIC)
    const driver = await world.connected()
    const { reason } = await driver.refusal({ do: 'register', topic: TOPIC })
    assert.equal(reason, 'UnknownTopic')
    const second = await world.reconnected()
    await settle()
    await driver.kill()
    await world.connected()
    const third = await world.session(3)
    await settle()
    assert.deepEqual([...second.requests('register'), ...third.requests('register')], [])
  },

  async R3(world) {
    world.service.unanswered.add('register')
    const driver = await world.connected({ timeLimitMs: 120_000 })
    const registered = driver.do({ do: 'register', topic: TOPIC })
    registered.catch(() => {})
    const session = await world.session()
    const first = await request(session, 'register')
    const second = await request(session, 'register', 2)
    world.service.unanswered.clear()
    const third = await request(session, 'register', 3)
    assert.deepEqual(await registered, { token: world.service.tokenOf(TOPIC) })
    assert.ok(gap(first, second) >= 5_000 - SLACK_MS, `first repeat ${gap(first, second)} ms`)
    assert.ok(gap(second, third) >= 10_000 - SLACK_MS, `second repeat ${gap(second, third)} ms`)
    assert.equal(world.service.broker.accepted.length, 1, 'on one connection')
  },

  async R4(world) {
    world.service.unanswered.add('register')
    const driver = await world.connected({ timeLimitMs: 500 })
    const { reason } = await driver.refusal({ do: 'register', topic: TOPIC })
    assert.equal(reason, 'Timeout')
    await request(await world.reconnected(), 'register')
    await driver.kill()
    world.service.unanswered.clear()
    const next = await world.connected()
    const { token } = await next.event('token', ({ topic }) => topic === TOPIC)
    assert.equal(token, world.service.tokenOf(TOPIC))
  },

  async R5(world) {
    const driver = await world.registered()
    await driver.kill()
    const offline = await world.open({ timeLimitMs: 3_000 }) // which a slow disk is within
    const { reason } = await offline.refusal({ do: 'unregister', topic: TOPIC })
    assert.equal(reason, 'Timeout')
    assert.deepEqual(await tokensOf(offline), {})
    await offline.kill()
    await world.connected()
    const session = await world.session(2)
    assert.deepEqual(session.said[0]?.body, { tokens: [] })
    assert.deepEqual((await request(session, 'unregister')).body, { topic: TOPIC })
    await world.reconnected()
    const third = await world.session(3)
    await settle()
    assert.deepEqual(topicsIn(third.requests('unregister')), [], 'told once')
  },

  async R6(world) {
    const driver = await world.registered()
    await driver.do({ do: 'unregister', topic: TOPIC })
    await world.deliver(note().text)
    assert.deepEqual(driver.handedOver, [])
  },

  async R7(world) {
    const { service } = world
    const driver = await world.registered()
    service.generation += 1
    const renewed = service.tokenOf(TOPIC)
    answerConnect(world, () => ({ renewed: [{ topic: TOPIC, token: renewed }] }))
    await world.reconnected()
    await driver.event('token', ({ token }) => token === renewed)
    assert.deepEqual(await tokensOf(driver), { [TOPIC]: renewed })
    assert.deepEqual((await world.reconnected()).said[0]?.body, { tokens: [renewed] })
    await driver.kill()
    assert.deepEqual(await tokensOf(await world.open()), { [TOPIC]: renewed })
  },

  async R8(world) {
    const { service } = world
    const driver = await world.registered()
    const refused = service.tokenOf(TOPIC)
    service.generation += 1
    const fresh = service.tokenOf(TOPIC)
    answerConnect(world, () => ({ rejected: [{ token: refused, reason: 'Unregistered' }] }))
    const session = await world.reconnected()
    const { topic, reason } = await driver.event('rejected', ({ token }) => token === refused)
    assert.deepEqual([topic, reason], [TOPIC, 'Unregistered'])
    await request(session, 'register')
    await driver.event('token', ({ token }) => token === fresh)
    answerConnect(world, () => ({ rejected: [{ token: fresh, reason: 'Unregistered' }] }))
    const next = await world.reconnected()
    await driver.event('error', (error) => error.reason === 'Unregistered')
    await settle()
    assert.deepEqual(topicsIn(next.requests('register')), [], 'not again and again')
  },

  async R9(world) {
    const { service } = world
    service.broker.onRequest = (session, said) => {
      if (said.kind !== 'unregister') return service.answer(session, said)
      service.refuse(session, 'UnknownTopic', { kind: 'unregister', topic: said.body.topic })
    }
    const driver = await world.registered()
    await driver.do({ do: 'unregister', topic: TOPIC })
    assert.deepEqual(world.now.requests('unregister')[0]?.body, { topic: TOPIC })
    await settle()
    assert.deepEqual(driver.all('error'), [])
    assert.deepEqual((await tokensOf(driver))[TOPIC], undefined)
  },

  async R10(world) {
    world.service.unanswered.add('connect')
    await world.connected()
    const session = await world.session()
    const first = await request(session, 'connect')
    const second = await request(session, 'connect', 2)
    assert.ok(gap(first, second) >= 5_000 - SLACK_MS, `repeated after ${gap(first, second)} ms`)
  },

  async R11(world) {
    const { service } = world
    const driver = await world.registered()
    service.say(world.now, 'token', { topic: OTHER_TOPIC, token: service.tokenOf(OTHER_TOPIC) })
    await driver.do({ do: 'unregister', topic: TOPIC })
    service.say(world.now, 'token', { topic: TOPIC, token: service.tokenOf(TOPIC) })
    await world.deliver(note({ topic: OTHER_TOPIC }).text)
    assert.deepEqual(await tokensOf(driver), {})
    assert.equal(driver.all('token').length, 1)
  },

  async R12(world) {
    const driver = await world.registered()
    const left = driver.ask({ do: 'unregister', topic: TOPIC })
    await driver.do({ do: 'register', topic: TOPIC })
    await left
    const wishes = () => world.now.said.map(({ kind }) => kind).filter((kind) => kind !== 'connect')
    assert.equal(wishes().at(-1), 'register')
    assert.deepEqual(await tokensOf(driver), { [TOPIC]: world.service.tokenOf(TOPIC) })
    const back = driver.ask({ do: 'register', topic: OTHER_TOPIC })
    await driver.do({ do: 'unregister', topic: OTHER_TOPIC })
    await back
    assert.equal(wishes().at(-1), 'unregister')
    assert.deepEqual(Object.keys(await tokensOf(driver)), [TOPIC])
    const id = world.now.push(note().text)
    await acknowledged(world.now, id)
    await until(() => driver.handedOver.length === 1, 'a notification for the topic')
  },

  async R13(world) {
    const { broker, unknownTopics } = world.service
    broker.acknowledgesLast = true
    unknownTopics.add(OTHER_TOPIC)
    const driver = await world.registered()
    assert.equal(
      (await driver.refusal({ do: 'register', topic: OTHER_TOPIC })).reason,
      'UnknownTopic',
    )
    const given = driver.ask({ do: 'register', topic: GIVEN_UP })
    await driver.do({ do: 'unregister', topic: GIVEN_UP })
    await given
    const before = topicsIn(world.now.requests('register'))
    await sleep(LATEST_REPEAT_MS)
    assert.deepEqual(topicsIn(world.now.requests('register')), before)
    assert.deepEqual(driver.all('error'), [])
    assert.equal(broker.accepted.length, 1, 'on one connection')
  },

  async R14(world) {
    needPrlimit()
    const driver = await world.registered()
    driver.limitFiles(true)
    const { reason } = await driver.refusal({ do: 'unregister', topic: TOPIC })
    assert.equal(reason, 'StateUnusable')
    driver.limitFiles(false)
    const sent = note()
    await world.deliver(sent.text)
    assert.equal(driver.timesHanded(sent.id), 1)
    assert.deepEqual(world.now.requests('unregister'), [])
  },
}
