import assert from 'node:assert/strict'
import type { ScriptedCase } from '../case.ts'
import type { Driver } from '../driver.ts'
import type { Broker } from '../service/broker.ts'
import type { Said, Session } from '../service/session.ts'
import { settle, until } from '../until.ts'
import { acknowledged, note, TOPIC, type World } from '../world.ts'

const placeOf = ({ service }: World, { port }: Broker) => ({
  mqtt: { host: 'localhost', port, ca: service.keys.authority.certificate },
})

/** Tells the device, at the place where it is, that the service goes on at the other one. */
const tell = (world: World, other: Broker) =>
  world.service.say(world.now, 'move', placeOf(world, other))

/** A connection at the other place that has said something. */
const arrived = (other: Broker, number = 1): Promise<Session> =>
  until(() => {
    const session = other.accepted[number - 1]
    return session && session.said.length > 0 ? session : undefined
  }, `connection ${number} at the new place`)

const hasMoved = (driver: Driver, { port }: Broker) =>
  driver.event('moved', (one) => one.host === 'localhost' && one.port === port)

/** Opened again after a kill, it knows the new place alone. */
async function knowsOnlyTheNew(world: World, driver: Driver, other: Broker): Promise<void> {
  await driver.kill()
  const [atOld, atNew] = [world.service.broker.attempts.length, other.accepted.length]
  await world.connected()
  await arrived(other, atNew + 1)
  assert.equal(world.service.broker.attempts.length, atOld, 'no attempt at the old place')
}

export const moveCases: Readonly<Record<string, ScriptedCase>> = {
  async M1(world) {
    const other = await world.service.openPlace()
    const driver = await world.registered()
    tell(world, other)
    const [first] = (await arrived(other)).said
    assert.deepEqual(
      [first?.kind, first?.body],
      ['connect', { tokens: [world.service.tokenOf(TOPIC)] }],
    )
    await hasMoved(driver, other)
    await knowsOnlyTheNew(world, driver, other)
  },

  async M2(world) {
    const { service } = world
    const other = await service.openPlace()
    const driver = await world.registered()
    service.unanswered.add('connect')
    tell(world, other)
    await arrived(other)
    await settle()
    assert.deepEqual(driver.all('moved'), [], 'not before the new place has answered')
    await driver.kill()
    service.unanswered.clear()
    const next = await world.connected()
    await hasMoved(next, other)
    await knowsOnlyTheNew(world, next, other)
  },

  async M3(world) {
    const other = await world.service.openPlace()
    other.welcome = 'cut'
    const driver = await world.registered()
    tell(world, other)
    await world.session(2)
    assert.ok(other.attempts.length >= 3, 'three attempts at the new place')
    assert.deepEqual(driver.all('moved'), [])
    await driver.kill()
    other.welcome = 'accept'
    const next = await world.connected()
    await hasMoved(next, other)
  },

  async M4(world) {
    const other = await world.service.openPlace()
    other.welcome = 'cut'
    const driver = await world.registered()
    tell(world, other)
    const session = await world.session(2)
    world.service.say(session, 'move', {})
    // acknowledged after what came before it
    await acknowledged(session, session.push('{"a":1}', { topic: 'heliograph/future' }))
    await driver.kill()
    const before = other.attempts.length
    await world.connected()
    await world.session(3)
    await settle()
    assert.equal(other.attempts.length, before, 'the new place is forgotten')
  },

  async M5(world) {
    const other = await world.service.openPlace()
    const driver = await world.registered()
    const { mqtt } = placeOf(world, other)
    const { ca: _ca, ...noCa } = mqtt
    const odd: object[] = [
      { mqtt: noCa },
      { mqtt: { ...mqtt, host: '' } },
      { mqtt: { ...mqtt, host: 'local host\n' } },
      { mqtt: { ...mqtt, port: 0 } },
      { mqtt: { ...mqtt, port: 65_536 } },
      { mqtt: { ...mqtt, port: String(mqtt.port) } },
      { mqtt: { ...mqtt, ca: 'not a certificate' } },
      { mqtt: 'elsewhere' },
    ]
    for (const message of odd) world.service.say(world.now, 'move', message)
    const faults = () => driver.all('error').filter(({ reason }) => reason === 'BadMessage')
    await until(() => faults().length === odd.length, 'a BadMessage for each')
    await world.deliver(note({}, JSON.stringify({ mqtt })).text)
    await settle()
    assert.equal(other.attempts.length, 0)
    assert.equal(world.service.broker.accepted.length, 1)
  },

  async M6(world) {
    const { service } = world
    const other = await service.openPlace()
    other.show(service.keys.wrongAuthority)
    await world.registered()
    tell(world, other)
    await world.session(2)
    assert.equal(other.sessions.filter(({ connect }) => connect).length, 0, 'no CONNECT')
  },

  async M7(world) {
    const { service } = world
    const other = await service.openPlace()
    const driver = await world.registered()
    const old = service.tokenOf(TOPIC)
    other.onRequest = (session: Session, said: Said) => {
      if (said.kind !== 'connect') return service.answer(session, said)
      const rejected = [{ token: old, reason: 'BadDeviceToken' }]
      service.say(session, 'connected', { accepted: [], renewed: [], rejected })
    }
    service.unanswered.add('register')
    service.generation += 1
    tell(world, other)
    const session = await arrived(other)
    const asked = await until(() => session.requests('register')[0], 'a registration')
    await settle()
    assert.deepEqual(driver.all('moved'), [], 'not without a token for every topic')
    service.unanswered.clear()
    service.answer(session, asked)
    await hasMoved(driver, other)
  },

  async M8(world) {
    const other = await world.service.openPlace()
    const driver = await world.registered({ mayMove: false })
    tell(world, other)
    await driver.event('error', ({ reason }) => reason === 'MoveRefused')
    await settle()
    assert.equal(other.attempts.length, 0)
  },

  async M9(world) {
    const other = await world.service.openPlace()
    const driver = await world.registered()
    const sent = note()
    await world.deliver(sent.text)
    tell(world, other)
    await hasMoved(driver, other)
    const session = await arrived(other)
    await acknowledged(session, session.push(sent.as({ stored: true }).text))
    const fresh = note()
    await acknowledged(session, session.push(fresh.text))
    assert.deepEqual(
      driver.handedOver.map(({ id }) => id),
      [sent.id, fresh.id],
    )
  },

  async M10(world) {
    const { service } = world
    const [second, third] = [await service.openPlace(), await service.openPlace()]
    const driver = await world.registered()
    const goesOn = (session: Session, said: Said) => {
      if (said.kind === 'connect') service.say(session, 'move', placeOf(world, third))
      service.answer(session, said)
    }
    second.onRequest = goesOn
    third.welcome = 'cut'
    tell(world, second)
    await until(() => third.attempts.length >= 1, 'an attempt at the third place')
    await settle()
    assert.deepEqual(driver.all('moved'), [], 'not before the third place has answered')
    await driver.kill()
    third.welcome = 'accept'
    const next = await world.connected()
    await hasMoved(next, third)
  },
}
