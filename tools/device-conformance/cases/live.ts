import assert from 'node:assert/strict'
import { setTimeout as wait } from 'node:timers/promises'
import type { Deployment } from '../../../packages/operator/src/deployment.ts'
import { expireToken } from '../../../packages/operator/src/operations/expire-token.ts'
import { inviteDevices } from '../../../packages/operator/src/operations/invite.ts'
import { revokeDevice } from '../../../packages/operator/src/operations/revoke-device.ts'
import { showDevice } from '../../../packages/operator/src/operations/show-device.ts'
import { type Scale, Skip } from '../case.ts'
import type { Driver } from '../driver.ts'
import type { LiveService } from '../service/live-service.ts'
import { settle, until } from '../until.ts'
import type { OpenOptions, Runs } from '../world.ts'
import { needChannels } from './needs.ts'

export interface LiveWorld {
  readonly service: LiveService
  readonly runs: Runs
}

export type LiveCase = (world: LiveWorld, scale: Scale) => Promise<void>

interface Registered {
  readonly driver: Driver
  readonly token: string
  readonly deviceId: string
}

/** A run with a handler, connected. */
async function connected({ service, runs }: LiveWorld, options: OpenOptions = {}): Promise<Driver> {
  const { activation } = service
  const driver = await runs.open({ directory: runs.directory(), activation, ...options })
  await driver.do({ do: 'handler', mode: 'take' })
  await driver.do({ do: 'connect' })
  return driver
}

/** One that is also registered for the topic. */
async function registered(world: LiveWorld, options: OpenOptions = {}): Promise<Registered> {
  const driver = await connected(world, options)
  const { deviceId } = await driver.event('connected')
  const { topic } = world.service
  const { token } = await driver.do<{ token: string }>({ do: 'register', topic })
  return { driver, token, deviceId }
}

/** Sends, and it is accepted. */
async function sent({ service }: LiveWorld, token: string, payload?: object): Promise<string> {
  const answer = await service.send(token, payload)
  assert.equal(answer.status, 200, answer.reason)
  return answer.id
}

/** Publishes, and it is accepted. */
async function published({ service }: LiveWorld, channel: string, more: object): Promise<string> {
  const answer = await service.publish(channel, { aps: { event: 'update' }, ...more })
  assert.equal(answer.status, 200, answer.reason)
  return answer.id
}

/** As the operator; skipped where nobody can act as one. */
async function operated<T>(
  { service }: LiveWorld,
  work: (deployment: Deployment) => Promise<T>,
): Promise<T> {
  const done = await service.asOperator(async (deployment) => ({ value: await work(deployment) }))
  if (done === undefined) throw new Skip('the operator of the target is not known')
  return done.value
}

/** Asks until the answer is true. */
async function eventually(ask: () => Promise<boolean>, what: string): Promise<void> {
  const end = Date.now() + 60_000
  while (!(await ask())) {
    if (Date.now() > end) throw new Error(`waited 60 s in vain for ${what}`)
    await wait(100)
  }
}

export const liveCases: Readonly<Record<string, LiveCase>> = {
  async L1(world) {
    const { driver, token } = await registered(world)
    const id = await sent(world, token, { aps: { alert: 'hello' }, big: 1 })
    await driver.handled(id)
    const [got] = driver.handedOver
    assert.equal(got?.payloadText, '{"aps":{"alert":"hello"},"big":1}')
    assert.equal(got?.topic, world.service.topic)
    await eventually(async () => (await world.service.stateOf(id)) === 'delivered', 'the receipt')
  },

  async L2(world) {
    const codes = await operated(world, (deployment) => inviteDevices(deployment))
    const activation = { ...world.service.activation, code: codes[0]?.code ?? '' }
    const { runs } = world
    const first = await runs.open({ directory: runs.directory('first'), activation })
    await first.do({ do: 'activate' })
    const second = await runs.open({ directory: runs.directory('second'), activation })
    assert.equal((await second.refusal({ do: 'activate' })).reason, 'UsedActivationCode')
  },

  async L3(world) {
    const { driver, token } = await registered(world)
    await driver.do({ do: 'close' })
    await driver.kill()
    const ids: string[] = []
    for (const n of [1, 2, 3]) ids.push(await sent(world, token, { n }))
    const newest = ids.at(-1) ?? ''
    const isStored = async () => (await world.service.stateOf(newest)) === 'stored'
    await eventually(isStored, 'the newest in its slot')
    const { driver: next } = await registered(world)
    await next.handled(newest)
    await settle()
    assert.deepEqual(
      next.handedOver.map(({ id, stored }) => ({ id, stored })),
      [{ id: newest, stored: true }],
    )
  },

  async L4(world) {
    const { driver, token } = await registered(world)
    await driver.do({ do: 'unregister', topic: world.service.topic })
    await eventually(async () => (await world.service.send(token)).status === 410, '410')
  },

  async L5(world) {
    const { driver, token } = await registered(world)
    const numbers = Array.from({ length: 100 }, (_, n) => n)
    const ids = await Promise.all(numbers.map((n) => sent(world, token, { n })))
    for (const id of ids)
      await eventually(async () => {
        // where the machine is slow, a newer one may have replaced it in its slot
        if (driver.timesHanded(id) > 0) return true
        return (await world.service.stateOf(id)) === 'coalesced'
      }, `notification ${id}`)
    await settle()
    for (const id of ids) assert.ok(driver.timesHanded(id) <= 1, `${id} was handed over twice`)
    assert.ok(driver.handedOver.length >= 10, `only ${driver.handedOver.length} arrived`)
  },

  async L6(world) {
    const { driver, token } = await registered(world)
    await driver.do({ do: 'handler', mode: 'fail' })
    const id = await sent(world, token)
    await driver.event('error', ({ reason }) => reason === 'HandlerFailed')
    await driver.do({ do: 'handler', mode: 'take' })
    await driver.event('handled', (one) => one.id === id, 90_000)
    await settle()
    assert.equal(driver.timesHanded(id), 2)
  },

  async L7(world) {
    const { driver, deviceId, token } = await registered(world)
    await operated(world, (deployment) => revokeDevice(deployment, deviceId))
    await until(() => driver.all('disconnected').length >= 3, 'three ends of connections')
    for (const { retryInMs } of driver.all('disconnected'))
      assert.equal(typeof retryInMs, 'number', 'it goes on trying')
    assert.equal((await world.service.send(token)).status, 410)
  },

  async L8(world) {
    const { driver, token } = await registered(world)
    await operated(world, (deployment) => expireToken(deployment, token))
    assert.equal((await world.service.send(token)).status, 410)
    await driver.kill()
    const { service, runs } = world
    const next = await runs.open({ directory: runs.directory(), activation: service.activation })
    await next.do({ do: 'handler', mode: 'take' })
    await next.do({ do: 'connect' })
    await next.event('rejected', (one) => one.token === token)
    const again = await next.event('token', ({ topic }) => topic === service.topic)
    const id = await sent(world, again.token)
    await next.handled(id)
  },

  async L9(world) {
    const { driver, deviceId } = await registered(world)
    await driver.kill()
    const certificates = async () => {
      const shown = await operated(world, (deployment) => showDevice(deployment, deviceId))
      return shown.device.certificates.map(({ certificateId }) => certificateId)
    }
    const before = await certificates()
    assert.equal(before.length, 1)
    // three quarters of the 825 days that a certificate of the service lasts
    const clockOffsetMs = 640 * 24 * 3600 * 1000
    const { driver: next } = await registered(world, { clockOffsetMs })
    if (world.runs.lacks.includes('clock')) throw new Skip('the driver cannot move its clock')
    await until(() => next.all('connected').length >= 2, 'a second connection')
    await eventually(async () => {
      const now = await certificates()
      return now.length === 1 && now[0] !== before[0]
    }, 'the old certificate to be retired')
    const { token } = await next.do<{ token: string }>({
      do: 'register',
      topic: world.service.topic,
    })
    await next.handled(await sent(world, token))
  },

  async L10(world, { long }) {
    const { driver: first, token } = await registered(world)
    await first.kill()
    let last = ''
    for (let round = 0; round < (long ? 200 : 5); round += 1) {
      const driver = await connected(world)
      last = await sent(world, token, { round })
      await wait(Math.random() * 40)
      await driver.kill()
    }
    const end = await connected(world)
    const isHanded = () => world.runs.drivers.some((driver) => driver.timesHanded(last) > 0)
    // the service lets a device that connects so often wait for what is stored: docs/device-sdk.md, limits
    await until(() => isHanded(), 'the last notification', 240_000)
    await end.handled(await sent(world, token))
  },

  async L11(world) {
    if (!world.service.isOwn) throw new Skip('the target was not started by the suite')
    const { driver, token } = await registered(world)
    await world.service.restart()
    await until(() => driver.all('connected').length >= 2, 'a second connection')
    await driver.handled(await sent(world, token))
    await driver.do({ do: 'close' })
    const stored = await sent(world, token)
    await world.service.restart()
    const { driver: next } = await registered(world)
    await next.handled(stored)
  },
  async L12(world) {
    const { service, runs } = world
    const channel = await service.createChannel()
    if (channel === undefined) throw new Skip('the target has no channels')
    const driver = await connected(world)
    needChannels(world)
    await driver.do({ do: 'join', channel })
    const first = await published(world, channel, { n: 1 })
    await driver.handled(first)
    const [got] = driver.handedOver
    assert.deepEqual([got?.channel, got?.topic, got?.stored], [channel, service.topic, false])
    assert.equal(got?.payloadText, '{"aps":{"event":"update"},"n":1}')
    const latest = await published(world, channel, { n: 2 })
    await driver.handled(latest)
    const later = await connected(world, { directory: runs.directory('later') })
    await later.do({ do: 'join', channel })
    await later.handled(latest)
    await settle()
    const seen = later.handedOver.map(({ id, stored }) => ({ id, stored }))
    assert.deepEqual(seen, [{ id: latest, stored: true }])
    await driver.do({ do: 'leave', channel })
    await later.handled(await published(world, channel, { n: 3 }))
    await settle()
    assert.equal(driver.handedOver.length, 2, 'not after leave')
  },
}
