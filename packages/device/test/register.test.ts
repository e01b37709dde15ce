import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Device } from '../src/index.ts'
import { deviceId } from './helpers/activation-endpoint.ts'
import type { Published } from './helpers/broker.ts'
import { until } from './helpers/wait.ts'
import {
  answerRequests,
  makeWorld,
  notificationMessage,
  push,
  tokenFor,
  type World,
} from './helpers/world.ts'

let world: World
beforeEach(async () => {
  world = await makeWorld()
  answerRequests(world)
})
afterEach(() => world.end())

const APP = 'com.example.app'
const OTHER = 'com.example.other'

const requests = (kind: string): Published['body'][] =>
  world.broker.published.filter(({ topic }) => topic.includes(`_${kind}/`)).map(({ body }) => body)

const tell = (topic: string, body: object) =>
  world.broker.push(deviceId, `heliograph/${topic}`, body)

/** All events of a device in order, as text. */
function listen(device: Device): string[] {
  const seen: string[] = []
  device.on('token', ({ topic, token }) => void seen.push(`token ${topic} ${token}`))
  device.on('accepted', ({ topics }) => void seen.push(`accepted ${topics}`))
  device.on('rejected', ({ topic, reason }) => void seen.push(`rejected ${topic} ${reason}`))
  device.on('error', ({ reason, topic }) => void seen.push(`error ${reason} ${topic}`))
  return seen
}

describe('register', () => {
  it('resolves to the token, keeps it and tells of it once', async () => {
    const device = await world.open()
    const seen = listen(device)
    await device.connect()
    expect(await device.register(APP)).toBe(tokenFor(APP))
    expect(await device.register(APP)).toBe(tokenFor(APP))
    expect(device.tokens().get(APP)).toBe(tokenFor(APP))
    expect(seen).toEqual([`token ${APP} ${tokenFor(APP)}`])
    expect(requests('register')).toEqual([{ topic: APP }, { topic: APP }])
  })

  it('sends one request for callers that ask at the same time', async () => {
    const device = await world.open()
    await device.connect()
    const tokens = await Promise.all([
      device.register(APP),
      device.register(APP),
      device.register(OTHER),
    ])
    expect(tokens).toEqual([tokenFor(APP), tokenFor(APP), tokenFor(OTHER)])
    expect(requests('register')).toHaveLength(2)
  })

  it('may be called before connect', async () => {
    const device = await world.open()
    const token = device.register(APP)
    await device.connect()
    expect(await token).toBe(tokenFor(APP))
  })

  it.each([
    ['the topic', { kind: 'register', topic: 'com.unknown' }],
    ['no topic, as only this one is waited for', { kind: 'register' }],
  ])('rejects with the reason of the service, which echoes %s', async (_how, request) => {
    const device = await world.open()
    await device.connect()
    world.broker.onPublish = ({ topic }) => {
      if (topic.includes('_register/')) tell('error', { reason: 'UnknownTopic', request })
    }
    await expect(device.register('com.unknown')).rejects.toMatchObject({
      name: 'HeliographDeviceError',
      reason: 'UnknownTopic',
      topic: 'com.unknown',
    })
    expect(device.tokens().size).toBe(0)
    world.broker.cut()
    await until(() => requests('connect').length === 2, 'the next connect')
    answerRequests(world)
    await device.register(APP)
    expect(requests('register')).toEqual([{ topic: 'com.unknown' }, { topic: APP }])
  })

  it('rejects when no answer comes in time, and asks again at the next connect', async () => {
    const device = await world.open({ timeLimitMs: 30 })
    await device.connect()
    world.broker.onPublish = () => {}
    await expect(device.register(APP)).rejects.toMatchObject({ reason: 'Timeout', topic: APP })
    const seen = listen(device)
    answerRequests(world)
    world.broker.cut()
    await until(() => seen.length === 1, 'the late token')
    expect(device.tokens().get(APP)).toBe(tokenFor(APP))
  })

  it('is repeated when the connection was lost before the answer', async () => {
    const device = await world.open()
    await device.connect()
    world.broker.onPublish = () => {}
    const token = device.register(APP)
    await until(() => requests('register').length === 1, 'the first request')
    answerRequests(world)
    world.broker.cut()
    expect(await token).toBe(tokenFor(APP))
  })

  it('refuses what cannot be a topic', async () => {
    const device = await world.open()
    await expect(device.register('')).rejects.toThrow(TypeError)
  })

  it('ends with Closed when the device is closed', async () => {
    const device = await world.open()
    const refused = expect(device.register(APP)).rejects.toMatchObject({ reason: 'Closed' })
    await device.close()
    await refused
    await expect(device.register(APP)).rejects.toMatchObject({ reason: 'Closed' })
  })
})

describe('after every CONNACK', () => {
  it('presents all tokens, even none', async () => {
    const device = await world.open()
    await device.connect()
    await device.register(APP)
    await device.register(OTHER)
    world.broker.cut()
    await until(() => requests('connect').length === 2, 'the second connect')
    expect(requests('connect')).toEqual([
      { tokens: [] },
      { tokens: [tokenFor(APP), tokenFor(OTHER)] },
    ])
  })

  it('takes renewed tokens over and tells of them', async () => {
    const device = await world.open()
    await device.connect()
    await device.register(APP)
    const seen = listen(device)
    const token = 'b'.repeat(64)
    tell('connected', { accepted: [APP], renewed: [{ topic: APP, token }], rejected: [] })
    await until(() => seen.length === 2, 'the events')
    expect(seen).toEqual([`accepted ${APP}`, `token ${APP} ${token}`])
    expect((await world.open()).tokens().get(APP)).toBe(token)
  })

  it.each(['BadDeviceToken', 'NotYourToken', 'Unregistered'])(
    'registers again, once, after %s',
    async (reason) => {
      const device = await world.open()
      await device.connect()
      await device.register(APP)
      const seen = listen(device)
      const rejected = [{ token: tokenFor(APP), reason }]
      tell('connected', { accepted: [], renewed: [], rejected })
      await until(() => requests('register').length === 2, 'the second registration')
      await until(() => device.tokens().size === 1, 'the new token')
      tell('connected', { accepted: [], renewed: [], rejected })
      await until(() => seen.length === 4, 'the events')
      expect(seen).toEqual([
        `rejected ${APP} ${reason}`,
        `token ${APP} ${tokenFor(APP)}`,
        `rejected ${APP} ${reason}`,
        `error ${reason} ${APP}`,
      ])
      expect(requests('register')).toHaveLength(2)
    },
  )

  it('only tells of other refusals, and of tokens it does not hold', async () => {
    const device = await world.open()
    await device.connect()
    await device.register(APP)
    const seen = listen(device)
    const foreign = { token: 'f'.repeat(64), reason: 'BadDeviceToken' }
    tell('connected', { rejected: [{ token: tokenFor(APP), reason: 'Odd' }, foreign] })
    await until(() => seen.length === 3, 'the events')
    expect(seen).toEqual([
      `rejected ${APP} Odd`,
      `error Odd ${APP}`,
      'rejected undefined BadDeviceToken',
    ])
    expect(requests('register')).toHaveLength(1)
  })
})

describe('unregister', () => {
  it('tells the service, forgets the token and drops what still comes', async () => {
    const device = await world.open()
    const got: string[] = []
    const dropped: string[] = []
    device.onNotification(({ topic }) => void got.push(topic))
    device.on('dropped', ({ why }) => void dropped.push(why))
    await device.connect()
    await device.register(APP)
    await device.unregister(APP)
    expect(requests('unregister')).toEqual([{ topic: APP }])
    expect(device.tokens().size).toBe(0)
    const before = world.broker.acknowledged().length
    push(world, notificationMessage({ topic: APP }))
    await until(() => world.broker.acknowledged().length > before, 'the straggler acknowledged')
    expect(dropped).toEqual(['unregistered'])
    expect(got).toEqual([])
  })

  it('is not undone by a token that was under way', async () => {
    const device = await world.open()
    await device.connect()
    await device.register(APP)
    await device.unregister(APP)
    const seen = listen(device)
    const before = world.broker.acknowledged().length
    tell('token', { topic: APP, token: tokenFor(APP) })
    await until(() => world.broker.acknowledged().length > before, 'the token acknowledged')
    expect(device.tokens().size).toBe(0)
    expect(seen).toEqual([])
  })

  it('outlives a restart while offline', async () => {
    const device = await world.open()
    await device.connect()
    await device.register(APP)
    await device.close()
    const offline = await world.open({ timeLimitMs: 20 })
    await expect(offline.unregister(APP)).rejects.toMatchObject({ reason: 'Timeout' })
    await offline.close()
    await (await world.open()).connect()
    await until(() => requests('unregister').length === 1, 'the unregister')
    await until(() => requests('connect').length === 2, 'the connect')
    expect(requests('connect').at(-1)).toEqual({ tokens: [] })
  })

  it('ends a registration that waits; register afterward begins anew', async () => {
    const device = await world.open()
    const token = device.register(APP)
    const left = device.unregister(APP)
    await expect(token).rejects.toMatchObject({ reason: 'Closed', topic: APP })
    await device.connect()
    await left
    expect(await device.register(APP)).toBe(tokenFor(APP))
  })
})

describe('a program that changes its mind', () => {
  const said = () =>
    world.broker.published
      .map(({ topic }) => /_(register|unregister)\//.exec(topic)?.[1])
      .filter((kind) => kind !== undefined)

  it('unregisters, registers and unregisters at once: the last word counts', async () => {
    const device = await world.open()
    await device.connect()
    await device.register(APP)
    const first = device.unregister(APP)
    const second = device.register(APP)
    const third = device.unregister(APP)
    await expect(second).rejects.toMatchObject({ reason: 'Closed', topic: APP })
    await Promise.all([first, third])
    expect(said()).toEqual(['register', 'unregister', 'register', 'unregister'])
    expect(device.tokens().size).toBe(0)
    await device.close()
    expect((await world.open()).tokens().size).toBe(0)
  })

  it('registers, unregisters and registers at once: the last word counts', async () => {
    const device = await world.open()
    await device.connect()
    const first = device.register(APP)
    const second = device.unregister(APP)
    const third = device.register(APP)
    await expect(first).rejects.toMatchObject({ reason: 'Closed', topic: APP })
    await second
    expect(await third).toBe(tokenFor(APP))
    expect(said()).toEqual(['register', 'unregister', 'register'])
    expect(device.tokens().get(APP)).toBe(tokenFor(APP))
  })

  it('and loses the connection before the last word is out: it is said at the next', async () => {
    const device = await world.open()
    await device.connect()
    await device.register(APP)
    world.broker.onPublish = ({ topic }) => {
      if (said().length === 4 && topic.includes('_unregister/')) world.broker.cut()
    }
    const first = device.unregister(APP)
    device.register(APP).catch(() => {})
    const third = device.unregister(APP)
    await Promise.all([first, third])
    expect(said().slice(0, 4)).toEqual(['register', 'unregister', 'register', 'unregister'])
    expect(device.tokens().size).toBe(0)
  })

  it('while offline: the last word counts at the next connect', async () => {
    const device = await world.open()
    await device.connect()
    await device.register(APP)
    await device.close()
    const offline = await world.open()
    const first = offline.unregister(APP)
    const second = offline.register(APP)
    await first
    const third = offline.unregister(APP)
    await expect(second).rejects.toMatchObject({ reason: 'Closed' })
    await offline.connect()
    await third
    expect(said().at(-1)).toBe('unregister')
    expect(offline.tokens().size).toBe(0)
  })
})

describe('an error nobody waits for', () => {
  it('is emitted with the reason of the service', async () => {
    const device = await world.open()
    const seen = listen(device)
    await device.connect()
    tell('error', { reason: 'BadCertificateRequest', request: { kind: 'renew' } })
    tell('error', { reason: 'UnknownTopic', request: { kind: 'register', topic: OTHER } })
    tell('error', {})
    await until(() => seen.length === 3, 'all errors')
    expect(seen).toEqual([
      'error BadCertificateRequest undefined',
      `error UnknownTopic ${OTHER}`,
      'error unknown undefined',
    ])
  })

  it('is not one when a topic to unregister was not registered', async () => {
    const device = await world.open()
    const seen = listen(device)
    await device.connect()
    await device.unregister(APP)
    const registered = device.register(OTHER)
    tell('error', { reason: 'UnknownTopic', request: { kind: 'unregister', topic: APP } })
    tell('error', { reason: 'BadRequest', request: { kind: 'connect' } })
    expect(await registered).toBe(tokenFor(OTHER))
    await until(() => seen.length === 2, 'the events')
    expect(seen.toSorted()).toEqual([
      'error BadRequest undefined',
      `token ${OTHER} ${tokenFor(OTHER)}`,
    ])
  })
})
