import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import type { ScriptedCase } from '../case.ts'
import { keyOf, strangeCertificate, validFor } from '../service/authority.ts'
import type { Said, Session } from '../service/session.ts'
import { settle, until } from '../until.ts'
import type { World } from '../world.ts'

/** Less than a third of its validity is left. */
const due = () => validFor(300, 60)

/** A request for a certificate; one that says `inUse` is not. */
const asksIn = ({ said }: Session) => said.filter(({ kind, body }) => kind === 'renew' && body.csr)

const inUseIn = ({ said }: Session) =>
  said.filter(({ kind, body }) => kind === 'renew' && body.inUse === true)

const asked = (session: Session): Promise<Said> =>
  until(() => asksIn(session)[0], 'a request for renewal')

const allAsks = (world: World) => world.service.broker.accepted.flatMap(asksIn)

/** Gives the device the certificate that it asked for; returns its serial number. */
async function grant(world: World, session: Session, { body }: Said): Promise<string> {
  const { authority } = world.service.keys
  const fresh = validFor(1, 365)
  const certificate = await authority.sign(String(body.csr), session.deviceId, fresh)
  world.service.say(session, 'certificate', { certificate })
  return new X509Certificate(certificate).serialNumber
}

export const renewalCases: Readonly<Record<string, ScriptedCase>> = {
  async W1(world) {
    world.service.validity = validFor(200, 160)
    const early = await world.connected({ directory: world.runs.directory('early') })
    await settle()
    assert.deepEqual(allAsks(world), [], 'more than a third is left')
    await early.kill()
    world.service.validity = due()
    await world.connected()
    const { body } = await asked(await world.session(2))
    const { key } = world.service.endpoint.asked.at(-1) ?? {}
    assert.notEqual(await keyOf(String(body.csr)), key, 'a new key')
  },

  async W2(world) {
    world.service.validity = due()
    const driver = await world.connected()
    const first = await world.session()
    const serial = await grant(world, first, await asked(first))
    const second = await world.session(2)
    assert.equal(second.serial, serial)
    await until(() => inUseIn(second).length > 0, 'inUse')
    assert.deepEqual(inUseIn(first), [], 'not over the old one')
    world.service.broker.revoked.add(first.serial)
    await driver.kill()
    await world.connected()
    assert.equal((await world.session(3)).serial, serial)
    await settle()
    assert.equal(allAsks(world).length, 1)
  },

  async W3(world) {
    world.service.validity = due()
    const driver = await world.connected()
    const first = await asked(await world.session())
    await driver.kill()
    await world.connected()
    const second = await asked(await world.session(2))
    assert.equal(await keyOf(String(second.body.csr)), await keyOf(String(first.body.csr)))
  },

  async W4(world) {
    const { broker } = world.service
    world.service.validity = due()
    const driver = await world.connected()
    const first = await world.session()
    const request = await asked(first)
    broker.welcome = 'cut'
    const before = broker.attempts.length
    const serial = await grant(world, first, request)
    await until(() => broker.attempts.length > before, 'an attempt with the new pair')
    await driver.kill()
    broker.welcome = 'accept'
    await world.connected()
    const second = await world.session(2)
    assert.equal(second.serial, serial)
    await until(() => inUseIn(second).length > 0, 'inUse')
  },

  async W5(world) {
    const { broker } = world.service
    world.service.validity = due()
    await world.connected()
    const first = await world.session()
    const request = await asked(first)
    const { authority } = world.service.keys
    const certificate = await authority.sign(
      String(request.body.csr),
      first.deviceId,
      validFor(1, 365),
    )
    const { serialNumber } = new X509Certificate(certificate)
    broker.revoked.add(serialNumber)
    world.service.say(first, 'certificate', { certificate })
    const second = await world.session(2)
    assert.equal(second.serial, first.serial, 'back with the old pair')
    const tried = broker.sessions.filter(({ serial }) => serial === serialNumber)
    assert.ok(tried.length > 0, 'the new pair was tried')
    await settle()
    assert.deepEqual(broker.accepted.flatMap(inUseIn), [])
  },

  async W6(world) {
    const { authority } = world.service.keys
    world.service.validity = due()
    const driver = await world.connected()
    const session = await world.session()
    const request = await asked(session)
    const csr = String(request.body.csr)
    const wrong = [
      await strangeCertificate(authority, session.deviceId),
      await authority.sign(csr, '0c0nf0rmance9999', validFor(1, 365)),
      'not a certificate',
    ]
    for (const certificate of wrong) world.service.say(session, 'certificate', { certificate })
    const faults = () => driver.all('error').filter(({ reason }) => reason === 'BadMessage')
    await until(() => faults().length === wrong.length, 'a BadMessage for each')
    await settle()
    assert.ok(session.isOpen, 'the connection stays')
    const serial = await grant(world, session, request)
    assert.equal((await world.session(2)).serial, serial)
  },

  async W7(world) {
    world.service.validity = due()
    const driver = await world.connected()
    const session = await world.session()
    await asked(session)
    world.service.refuse(session, 'TooManyRenewals', { kind: 'renew' })
    await driver.event('error', ({ reason }) => reason === 'TooManyRenewals')
    await world.reconnected()
    await world.reconnected()
    await settle()
    assert.equal(allAsks(world).length, 1)
  },
}
