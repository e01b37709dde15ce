import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Clock, Device } from '../src/index.ts'
import { deviceId } from './helpers/activation-endpoint.ts'
import { startBroker, type TestBroker } from './helpers/broker.ts'
import { until } from './helpers/wait.ts'
import {
  answerRequests,
  makeWorld,
  notificationMessage,
  push,
  tokenFor,
  type World,
} from './helpers/world.ts'

const TOPIC = 'com.example.app'

let world: World
/** Where the service goes. */
let other: TestBroker
beforeEach(async () => {
  world = await makeWorld()
  answerRequests(world)
  other = await startBroker(world.ca)
  answerRequests({ ...world, broker: other })
})
afterEach(async () => {
  await world.end()
  await other.close()
})

const placeOf = ({ port }: { readonly port: number }) => ({
  mqtt: { host: 'localhost', port, ca: world.ca.certificate },
})
const tell = (broker: TestBroker, message: object) =>
  broker.push(deviceId, 'heliograph/move', message)
const identityFile = () => join(world.directory, 'identity.json')
const identity = async () => JSON.parse(await readFile(identityFile(), 'utf8'))
const knownPort = async () => (await identity()).activated.mqtt.port as number

/** Twenty times as fast as the system's. */
function fastClock(): Clock {
  const start = Date.now()
  return {
    now: () => start + (Date.now() - start) * 20,
    after(ms, action) {
      const timer = setTimeout(action, ms / 20)
      return () => clearTimeout(timer)
    },
  }
}

async function registered(options: Parameters<World['open']>[0] = {}): Promise<Device> {
  const device = await world.open(options)
  await device.connect()
  await device.register(TOPIC)
  return device
}

describe('a device whose service moves', () => {
  it('follows, presents its tokens there, and knows no other place any more', async () => {
    const device = await registered()
    const moved: object[] = []
    device.on('moved', (place) => void moved.push(place))
    tell(world.broker, placeOf(other))
    await until(() => moved.length === 1, 'the move')
    expect(moved).toEqual([{ host: 'localhost', port: other.port }])
    expect(other.published).toContainEqual(
      expect.objectContaining({ body: { tokens: [tokenFor(TOPIC)] } }),
    )
    expect((await identity()).move).toBeUndefined()
    expect(await knownPort()).toBe(other.port)
    await device.close()
    await (await world.open()).connect()
    expect(other.wires).toHaveLength(2)
    expect(world.broker.wires).toHaveLength(1)
  })

  it('shows what both places send once', async () => {
    const device = await registered()
    const shown: string[] = []
    device.onNotification(({ id }) => void shown.push(id))
    const [before, after] = [notificationMessage(), notificationMessage()]
    push(world, before)
    await until(() => shown.length === 1, 'the first')
    tell(world.broker, placeOf(other))
    await until(async () => (await knownPort()) === other.port, 'the move')
    for (const message of [before, after, before])
      other.push(deviceId, 'heliograph/notification', message)
    // `connected` was one, too
    await until(() => other.acknowledged().length >= 4, 'the acknowledgements')
    expect(shown).toHaveLength(2)
  })

  it('registers anew what the new place does not know, before it forgets the old one', async () => {
    const device = await registered()
    const asked: string[] = []
    other.onPublish = ({ topic }, id) => {
      asked.push(topic.split('_')[2]?.split('/')[0] ?? '')
      const rejected = [{ token: tokenFor(TOPIC), reason: 'BadDeviceToken' }]
      if (topic.includes('_connect/'))
        other.push(id, 'heliograph/connected', { accepted: [], renewed: [], rejected })
    }
    tell(world.broker, placeOf(other))
    await until(() => asked.includes('register'), 'the registration')
    expect(await knownPort()).toBe(world.broker.port)
    other.push(deviceId, 'heliograph/token', { topic: TOPIC, token: 'ab'.repeat(32) })
    await until(async () => (await knownPort()) === other.port, 'the move')
    expect(device.tokens().get(TOPIC)).toBe('ab'.repeat(32))
  })

  it('goes back where nobody answers, and follows once somebody does', async () => {
    const { port } = other
    await other.close()
    const device = await registered({ clock: fastClock() })
    const ends: string[] = []
    device.on('disconnected', ({ cause }) => void ends.push(cause))
    tell(world.broker, placeOf({ port }))
    await until(() => ends.length >= 4 && device.isConnected, 'the old place again')
    expect(world.broker.wires).toHaveLength(2)
    expect((await identity()).move.port).toBe(port)
    expect(await knownPort()).toBe(world.broker.port)
    other = await startBroker(world.ca, port)
    answerRequests({ ...world, broker: other })
    await until(async () => (await knownPort()) === port, 'the move')
  })

  it('goes back from a place that lets it in and says nothing', async () => {
    other.onPublish = () => {}
    const device = await registered({ clock: fastClock() })
    tell(world.broker, placeOf(other))
    await until(() => world.broker.wires.length === 2, 'the old place again')
    await until(() => device.isConnected, 'the connection')
    expect(other.wires.length).toBeGreaterThan(0)
    expect(await knownPort()).toBe(world.broker.port)
  })

  it('tries the new place when the old one is gone as well', async () => {
    const { port } = other
    await other.close()
    const device = await registered({ clock: fastClock() })
    tell(world.broker, placeOf({ port }))
    await until(async () => (await identity()).move, 'the word that it moves')
    await world.broker.close()
    const ends: string[] = []
    device.on('disconnected', ({ cause }) => void ends.push(cause))
    await until(() => ends.length >= 5, 'failures at both')
    other = await startBroker(world.ca, port)
    answerRequests({ ...world, broker: other })
    await until(async () => (await knownPort()) === port, 'the move')
  })

  it('goes on with the move after a restart', async () => {
    const { port } = other
    await other.close()
    const device = await registered()
    tell(world.broker, placeOf({ port }))
    await until(async () => (await identity()).move, 'the word that it moves')
    await device.close()
    other = await startBroker(world.ca, port)
    answerRequests({ ...world, broker: other })
    await (await world.open()).connect()
    await until(async () => (await knownPort()) === port, 'the move')
    expect(world.broker.wires).toHaveLength(1)
  })

  it('stays where the service takes its word back', async () => {
    const { port } = other
    await other.close()
    const device = await registered()
    tell(world.broker, placeOf({ port }))
    await until(() => world.broker.wires.length === 2 && device.isConnected, 'the old place again')
    tell(world.broker, {})
    await until(async () => (await identity()).move === undefined, 'the end of the move')
    expect(await knownPort()).toBe(world.broker.port)
  })

  it('proves a third place, named by one that is not proven yet, before it forgets the first', async () => {
    const third = await startBroker(world.ca)
    const device = await registered()
    const moved: object[] = []
    device.on('moved', (place) => void moved.push(place))
    other.onPublish = ({ topic }, id) => {
      if (!topic.includes('_connect/')) return
      tell(other, placeOf(third))
      other.push(id, 'heliograph/connected', { accepted: [], renewed: [], rejected: [] })
    }
    tell(world.broker, placeOf(other))
    await until(() => third.wires.length === 1, 'the connection to the third place')
    expect([moved, await knownPort()]).toEqual([[], world.broker.port])
    third.push(deviceId, 'heliograph/connected', { accepted: [], renewed: [], rejected: [] })
    await until(() => moved.length === 1, 'the move')
    expect(await knownPort()).toBe(third.port)
    await device.close()
    await third.close()
  })

  it('goes back from a place that cannot even be dialed', async () => {
    await (await registered()).close()
    const { activated } = await identity()
    const move = { ...placeOf(other).mqtt, port: 65_536 }
    await writeFile(identityFile(), JSON.stringify({ version: 1, activated, move }))
    const device = await world.open()
    for (let attempt = 0; attempt < 3; attempt++) await expect(device.connect()).rejects.toThrow()
    await device.connect()
    expect(world.broker.wires).toHaveLength(2)
  })

  it('is not sent to and fro at once', async () => {
    await registered()
    tell(world.broker, placeOf(other))
    await until(async () => (await knownPort()) === other.port, 'the move')
    tell(other, placeOf(world.broker))
    await until(async () => (await identity()).move, 'the word that it moves back')
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(world.broker.wires).toHaveLength(1)
  })

  it('is not kept from moving by a renewal that ends', async () => {
    const device = await registered()
    await device.close()
    const { activated } = await identity()
    const next = { privateKey: activated.privateKey, certificate: activated.certificate }
    const move = placeOf(other).mqtt
    await writeFile(identityFile(), JSON.stringify({ version: 1, activated, next, move }))
    await (await world.open()).connect()
    await until(async () => (await knownPort()) === other.port, 'the move')
    expect((await identity()).next).toBeUndefined()
  })
})

describe('a device goes nowhere', () => {
  it.each<[string, Record<string, unknown>]>([
    ['without a CA', { ca: undefined }],
    ['with a CA that is none', { ca: 'trust me' }],
    ['to port 0', { port: 0 }],
    ['to a host that is none', { host: 'evil.example\n' }],
    ['to a host that is too long', { host: 'a'.repeat(254) }],
    ['with more than a CA', { more: 'x'.repeat(32 * 1024) }],
  ])('%s', async (_what, change) => {
    const device = await registered()
    const errors: string[] = []
    device.on('error', ({ reason }) => void errors.push(reason))
    const { mqtt } = placeOf(other)
    const { more = '', ...changed } = change
    tell(world.broker, { mqtt: { ...mqtt, ca: `${mqtt.ca}${more}`, ...changed } })
    await until(() => errors.length === 1, 'the refusal')
    expect(errors).toEqual(['BadMessage'])
    expect((await identity()).move).toBeUndefined()
  })

  it('that its program does not want', async () => {
    const device = await registered({ mayMoveTo: ({ port }) => port !== other.port })
    const errors: string[] = []
    device.on('error', ({ reason }) => void errors.push(reason))
    tell(world.broker, placeOf(other))
    await until(() => errors.length === 1, 'the refusal')
    expect(errors).toEqual(['MoveRefused'])
    expect((await identity()).move).toBeUndefined()
  })

  it('because a provider says so', async () => {
    const device = await registered()
    let shown = 0
    device.onNotification(() => void shown++)
    const { mqtt } = placeOf(other)
    push(world, notificationMessage({ mqtt }, JSON.stringify({ mqtt, move: { mqtt } })))
    await until(() => shown === 1, 'the notification')
    expect((await identity()).move).toBeUndefined()
    expect(other.wires).toHaveLength(0)
  })
})
