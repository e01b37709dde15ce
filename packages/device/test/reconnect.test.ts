import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FIRST_CEILING_MS, LAST_CEILING_MS, retryDelayMs } from '../src/backoff.ts'
import type { Device } from '../src/index.ts'
import { deviceId } from './helpers/activation-endpoint.ts'
import { startBroker } from './helpers/broker.ts'
import { manualClock } from './helpers/manual-clock.ts'
import { until } from './helpers/wait.ts'
import {
  answerRequests,
  makeWorld,
  notificationMessage,
  push,
  type World,
} from './helpers/world.ts'

describe('the wait before a retry', () => {
  it('has a ceiling of 1 s that doubles up to 2 min', () => {
    const longest = [0, 1, 2, 5, 6, 7, 8, 100].map((failures) => retryDelayMs(failures, () => 1))
    expect(longest).toEqual([1e3, 2e3, 4e3, 32e3, 64e3, 120e3, 120e3, 120e3])
  })

  it('lies anywhere below the ceiling', () => {
    const failures = fc.nat(1000)
    const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
    fc.assert(
      fc.property(failures, random, (count, chance) => {
        const delay = retryDelayMs(count, () => chance)
        const ceiling = Math.min(FIRST_CEILING_MS * 2 ** count, LAST_CEILING_MS)
        expect(Math.abs(delay - chance * ceiling)).toBeLessThanOrEqual(0.5)
      }),
    )
  })
})

describe('a device', () => {
  let world: World
  beforeEach(async () => {
    world = await makeWorld()
    answerRequests(world)
  })
  afterEach(() => world.end())

  function disconnects(device: Device): (number | undefined)[] {
    const seen: (number | undefined)[] = []
    device.on('disconnected', ({ retryInMs }) => void seen.push(retryInMs))
    return seen
  }

  it('comes back after the broker was killed, with its handler and its tokens', async () => {
    const device = await world.open()
    const got: string[] = []
    device.onNotification(({ payloadText }) => void got.push(payloadText))
    await device.connect()
    await device.register('com.example.app')
    const seen = disconnects(device)
    await world.broker.close()
    await until(() => seen.length >= 2, 'a failed attempt')
    expect(device.isConnected).toBe(false)
    const reborn = await startBroker(world.ca, world.broker.port)
    await until(() => reborn.published.length === 1, 'the tokens presented')
    reborn.push(deviceId, 'heliograph/notification', notificationMessage({}, '1'))
    await until(() => got.length === 1, 'the notification')
    await device.close()
    await reborn.close()
  })

  it('waits longer after each failure, and starts over after a stable minute', async () => {
    const clock = manualClock()
    const device = await world.open({ clock, random: () => 1, closeLimitMs: 0 })
    await device.connect()
    const seen = disconnects(device)
    const comeBack = async () => {
      clock.advance(seen.at(-1) ?? 0)
      await until(() => device.isConnected, 'the connection')
    }
    world.broker.cut()
    await until(() => seen.length === 1, 'the first end')
    world.broker.refused.add(deviceId)
    for (const count of [2, 3, 4]) {
      clock.advance(seen.at(-1) ?? 0)
      await until(() => seen.length === count, `end ${count}`)
    }
    expect(seen).toEqual([1_000, 2_000, 4_000, 8_000])
    world.broker.refused.clear()
    await comeBack()
    clock.advance(59_000)
    world.broker.cut()
    await until(() => seen.length === 5, 'the end of a short connection')
    expect(seen.at(-1)).toBe(16_000)
    await comeBack()
    clock.advance(60_000)
    world.broker.cut()
    await until(() => seen.length === 6, 'the end of a stable connection')
    expect(seen.at(-1)).toBe(1_000)
    await device.close()
  })

  it('connects in the end when the broker was not there at first', async () => {
    const { port } = world.broker
    await (await world.open()).activate()
    await world.broker.close()
    const device = await world.open()
    const seen = disconnects(device)
    const connected = device.connect()
    await until(() => seen.length >= 2, 'failed attempts')
    const late = await startBroker(world.ca, port)
    await connected
    expect(device.isConnected).toBe(true)
    await device.close()
    await late.close()
  })

  it('stops trying when it is closed', async () => {
    await (await world.open()).activate()
    world.broker.refused.add(deviceId)
    const clock = manualClock()
    const device = await world.open({ clock, random: () => 1, closeLimitMs: 0 })
    const causes: string[] = []
    device.on('disconnected', ({ cause }) => void causes.push(cause))
    const connected = device.connect()
    await until(() => causes.length === 1, 'a failed attempt')
    expect(causes[0]).toContain('Connection refused')
    const closing = device.close()
    await expect(connected).rejects.toMatchObject({ reason: 'Closed' })
    await closing
    expect(clock.waiting()).toEqual([])
  })

  it('does not trust a broker that its CA does not vouch for', async () => {
    await (await world.open()).activate()
    const { makeCa } = await import('./helpers/pki.ts')
    const { port } = world.broker
    await world.broker.close()
    const impostor = await startBroker(await makeCa(), port)
    const device = await world.open()
    const causes: string[] = []
    device.on('disconnected', ({ cause }) => void causes.push(cause))
    const connected = device.connect()
    await until(() => causes.length >= 1, 'the refusal')
    expect(causes[0]).toMatch(/self.signed|unable to (verify|get)|certificate/i)
    expect(impostor.wires).toHaveLength(0)
    await device.close()
    await expect(connected).rejects.toMatchObject({ reason: 'Closed' })
    await impostor.close()
  })

  it('does not acknowledge on a new connection what came on an old one', async () => {
    world.broker.onPublish = () => {}
    const device = await world.open()
    const finish: (() => void)[] = []
    device.onNotification(() => new Promise((resolve) => finish.push(resolve)))
    await device.connect()
    const message = notificationMessage()
    push(world, message)
    await until(() => finish.length === 1, 'the handler at work')
    world.broker.cut()
    await until(() => world.broker.wires.length === 2 && device.isConnected, 'the new connection')
    finish[0]?.()
    push(world, message) // the service sends again what was not acknowledged
    await until(() => world.broker.acknowledged().length === 1, 'the repeat acknowledged')
    expect(finish).toHaveLength(1)
  })
})

describe('a listener that fails', () => {
  it('ends in an error event or a process warning, not in an exit', async () => {
    const world = await makeWorld()
    const device = await world.open()
    const errors: string[] = []
    device.on('error', ({ reason }) => void errors.push(reason))
    device.on('connected', () => {
      throw new Error('oh')
    })
    device.on('connected', () => Promise.reject(new Error('no')))
    await device.connect()
    await until(() => errors.length === 2, 'both errors')
    expect(errors).toEqual(['ListenerFailed', 'ListenerFailed'])
    await world.end()
  })

  it('that listens for errors becomes a process warning', async () => {
    const { Events } = await import('../src/events.ts')
    const { fault } = await import('../src/errors.ts')
    const warnings: string[] = []
    // others of the process may have something to warn of as well
    const isOurs = (text: string) => text === 'nobody listens' || text.includes('again')
    const note = ({ message }: Error) => void (isOurs(message) && warnings.push(message))
    process.on('warning', note)
    const events = new Events()
    events.emit('error', fault('Timeout', 'nobody listens'))
    events.on('error', () => Promise.reject(new Error('again')))
    events.emit('error', fault('Timeout', 'somebody listens'))
    await until(() => warnings.length === 2, 'both warnings')
    process.off('warning', note)
    expect(warnings[0]).toBe('nobody listens')
    expect(warnings[1]).toContain('again')
  })
})
