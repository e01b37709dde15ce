import { EventEmitter } from 'node:events'
import type { Device, Notification } from '@heliograph/device'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Behavior } from '../src/fleet/behavior.ts'
import { startFleet } from '../src/fleet/fleet.ts'
import { Member } from '../src/fleet/member.ts'
import { Tally } from '../src/fleet/tally.ts'
import { Watch } from '../src/fleet/watch.ts'
import type { Session } from '../src/session.ts'

// the clock that vitest replaces leaves this one as it is
vi.mock('node:timers/promises', () => ({
  setTimeout: (ms: number, _value: undefined, { signal }: { readonly signal: AbortSignal }) =>
    new Promise<void>((resolve, reject) => {
      const timer = setTimeout(resolve, ms)
      signal.addEventListener('abort', () => {
        clearTimeout(timer)
        reject(signal.reason)
      })
    }),
}))

/** What a fleet does and shows as time goes by; fleet.test.ts has what takes none. */

const TOPIC = 'com.example.app'

/** As much of the SDK's device as a member uses. */
class FakeDevice extends EventEmitter {
  readonly deviceId = 'device'
  readonly held = new Map<string, string>()
  take: (notification: Notification) => Promise<void> | void = () => {}
  isClosed = false
  tokens = () => this.held
  readonly joined = new Set(['kept', 'old'])
  channels = () => [...this.joined]
  join = async (channel: string) => void this.joined.add(channel)
  leave = async (channel: string) => void this.joined.delete(channel)
  activate = async () => {
    if (refusal) throw refusal
  }
  onNotification = (take: FakeDevice['take']) => {
    this.take = take
  }
  connect = async () => void this.emit('connected')
  register = async (topic: string) => void this.held.set(topic, `token of ${topic}`)
  close = async () => {
    if (!this.isClosed) this.emit('disconnected', { cause: 'closed', retryInMs: undefined })
    this.isClosed = true
  }
}

let tally: Tally
let devices: FakeDevice[]
/** What becomes of an activation. */
let refusal: Error | undefined

beforeEach(() => {
  vi.useFakeTimers()
  vi.spyOn(Math, 'random').mockReturnValue(0)
  tally = new Tally()
  devices = []
  refusal = undefined
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

async function opened(behavior: Behavior): Promise<{ member: Member; device: FakeDevice }> {
  const member = new Member({
    ...{ behavior, directory: 'none', topics: [TOPIC], channels: ['kept', 'new'], tally },
    ...{ dayMs: 60_000, startedAt: Date.now() },
    open: async (options) => {
      const device = new FakeDevice()
      Object.assign(device, { options })
      devices.push(device)
      return device as unknown as Device
    },
  })
  await member.open()
  return { member, device: devices[0] as FakeDevice }
}

async function joined(behavior: Behavior) {
  const { member, device } = await opened(behavior)
  const joining = member.join()
  await vi.advanceTimersByTimeAsync(0)
  device.emit('accepted')
  await joining
  return { member, device }
}

const heard = (change: Partial<Notification> = {}) =>
  ({ acceptedAt: Date.now(), stored: false, ...change }) as Notification

describe('a device of a fleet', () => {
  test('it has joined once the service knows its tokens, and counts as ready once', async () => {
    const { member, device } = await joined('steady')
    device.emit('token')
    device.emit('accepted')
    expect(tally.standing()).toMatchObject({ devices: 1, ready: 1, connected: 1, reconnects: 0 })
    expect(member.tokens.get(TOPIC)).toBe(`token of ${TOPIC}`)
    expect(member.isActivated).toBe(true)
  })

  test('it has joined the channels that it is told to, and no others', async () => {
    const { device } = await joined('steady')
    expect([...device.joined].sort()).toEqual(['kept', 'new'])
  })

  test('it is ready as well where it got its last token after the answer', async () => {
    const { member, device } = await opened('steady')
    device.register = async () => {}
    const joining = member.join()
    await vi.advanceTimersByTimeAsync(0)
    device.emit('accepted')
    expect(tally.ready).toBe(0)
    device.held.set(TOPIC, 'token')
    device.emit('token')
    await joining
    expect(tally.ready).toBe(1)
  })

  test('it counts as activated once it is, with the state of before', async () => {
    const { member, device } = await opened('steady')
    const activation = { url: 'https://localhost', code: 'code' }
    await member.activate(activation)
    expect([device.isClosed, tally.activated]).toEqual([true, 1])
    expect(devices[1]).toHaveProperty('options', { directory: 'none', activation })
    refusal = new Error('refused')
    await expect(member.activate(activation)).rejects.toBe(refusal)
    expect(tally.activated).toBe(1)
  })

  test('it does not wait for the service without end', async () => {
    const { member } = await opened('steady')
    const joining = expect(member.join()).rejects.toMatchObject({ kind: 'unreachable' })
    await vi.advanceTimersByTimeAsync(30_000)
    await joining
    expect(tally.ready).toBe(0)
  })

  test('a flaky one goes, keeps its tokens, and comes back with the same state', async () => {
    const { member, device } = await joined('flaky')
    member.live()
    await vi.advanceTimersByTimeAsync(9_999)
    expect([device.isClosed, tally.connected]).toEqual([false, 1])
    await vi.advanceTimersByTimeAsync(1)
    expect([device.isClosed, tally.connected]).toEqual([true, 0])
    expect(member.tokens.get(TOPIC)).toBe(`token of ${TOPIC}`)
    await vi.advanceTimersByTimeAsync(1_000)
    expect(devices).toHaveLength(2)
    expect(tally.standing()).toMatchObject({ connected: 1, reconnects: 1, lost: 0 })
    // and goes again
    await vi.advanceTimersByTimeAsync(10_000)
    expect(devices[1]?.isClosed).toBe(true)
    await member.stop()
    expect(tally.summary().errors).toEqual({})
  })

  test('a fault while it goes is counted, and it comes back all the same', async () => {
    const { member, device } = await joined('flaky')
    device.close = () => Promise.reject(new Error('the disk is full'))
    member.live()
    await vi.advanceTimersByTimeAsync(10_000)
    expect(tally.summary().errors).toEqual({ 'the disk is full': 1 })
    await vi.advanceTimersByTimeAsync(1_000)
    expect(devices).toHaveLength(2)
  })

  test('none goes by itself before it lives, or once it is told to stop', async () => {
    const { member } = await joined('flaky')
    await vi.advanceTimersByTimeAsync(60_000)
    expect(tally.connected).toBe(1)
    member.live()
    await member.stop()
    expect(tally.connected).toBe(0)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(devices).toHaveLength(1)
  })

  test('a connection that is lost against its will is counted, with the cause', async () => {
    const { member, device } = await joined('steady')
    expect(member.lastCause).toBe('there was no answer')
    device.emit('disconnected', { cause: 'ECONNRESET', retryInMs: 1_000 })
    device.emit('disconnected', { cause: 'ECONNREFUSED', retryInMs: 2_000 })
    expect(member.lastCause).toBe('ECONNREFUSED')
    expect(tally.standing()).toMatchObject({ connected: 0, lost: 2 })
    device.emit('connected')
    expect(tally.standing()).toMatchObject({ connected: 1, reconnects: 1 })
    expect(tally.summary().errors).toEqual({
      'not connected: ECONNRESET': 1,
      'not connected: ECONNREFUSED': 1,
    })
  })

  test('its errors and drops are counted, but no error once it is told to stop', async () => {
    const { member, device } = await joined('steady')
    device.emit('error', { reason: 'ChannelRefused' })
    device.emit('dropped', { why: 'repeat' })
    await member.stop()
    device.emit('error', { reason: 'Closed' })
    expect(tally.summary()).toMatchObject({ repeats: 1, errors: { ChannelRefused: 1 } })
    expect(tally.summary().errors).not.toHaveProperty('Closed')
  })

  test('a steady one takes a notification over at once', async () => {
    const { device } = await joined('steady')
    await device.take(heard({ stored: true }))
    expect(tally.standing()).toMatchObject({ received: 1, fromStorage: 1, ignored: 0 })
  })

  test('a slow one takes its time, and hurries when it is told to stop', async () => {
    const { member, device } = await joined('slow')
    const taking = device.take(heard())
    await vi.advanceTimersByTimeAsync(1_999)
    expect(tally.standing().received).toBe(0)
    await vi.advanceTimersByTimeAsync(1)
    await taking
    expect(tally.standing()).toMatchObject({ received: 1, handler: { max: 2_000 } })
    const hurried = device.take(heard())
    await member.stop()
    await hurried
    expect(tally.standing().received).toBe(2)
  })

  test('a silent one leaves it unacknowledged, and its state does not wait for that', async () => {
    const { device } = await joined('silent')
    let isTaken = false
    void Promise.resolve(device.take(heard())).then(() => {
      isTaken = true
    })
    await vi.advanceTimersByTimeAsync(60_000)
    expect(isTaken).toBe(false)
    expect(tally.standing()).toMatchObject({ ignored: 1, received: 0 })
    expect(device).toHaveProperty('options', { directory: 'none', closeLimitMs: 0 })
  })
})

describe('what a fleet shows', () => {
  /** A terminal with a screen has `show`. */
  function watched(json: boolean, screen?: (line: string) => void) {
    const notes: string[] = []
    const terminal = {
      note: (line: string) => void notes.push(line),
      ...(screen && { show: screen }),
    }
    const watch = new Watch({ terminal, json } as unknown as Session, tally)
    return { watch, notes }
  }

  beforeEach(() => {
    tally.add('steady', 'devices')
  })

  test('is a line every ten seconds: first how many are ready, then what they received', () => {
    const { watch, notes } = watched(false)
    tally.ready = 1
    vi.advanceTimersByTime(10_000)
    expect(notes).toEqual(['1 of 1 device ready, 0 a second'])
    tally.received('steady', heard(), { heardAt: Date.now() + 5, handledMs: 1 })
    watch.running(60_000)
    for (let n = 0; n < 20; n += 1)
      tally.received('steady', heard(), { heardAt: Date.now() + 5, handledMs: 1 })
    vi.advanceTimersByTime(10_000)
    // what came before it ran does not count for its rate
    expect(notes[1]).toBe(
      '10.0 s of 1 min 0 s: 0 of 1 connected, 21 received (2 a second), p99 5 ms',
    )
    expect(watch.forMs).toBe(10_000)
    watch.end()
    vi.advanceTimersByTime(60_000)
    expect(notes).toHaveLength(2)
  })

  test('is JSON for scripts, also where there is a screen', () => {
    const shown: string[] = []
    const { watch, notes } = watched(true, (line) => void shown.push(line))
    vi.advanceTimersByTime(10_000)
    const picture = { at: Date.now(), phase: 'starting', forMs: 10_000, devices: 1, perSecond: 0 }
    expect(JSON.parse(notes.join())).toMatchObject(picture)
    watch.running(undefined)
    vi.advanceTimersByTime(10_000)
    expect(JSON.parse(notes[1] ?? '')).toMatchObject({ phase: 'running', forMs: 10_000 })
    expect(JSON.parse(notes[1] ?? '')).not.toHaveProperty('ofMs')
    watch.end()
    expect(shown).toEqual([''])
  })

  test('is one line that changes twice a second on a screen, and goes at the end', () => {
    const shown: string[] = []
    const { watch, notes } = watched(false, (line) => void shown.push(line))
    tally.ready = 1
    vi.advanceTimersByTime(1_000)
    watch.end()
    const rates = ['2 a second', '0 a second']
    expect(shown).toEqual([...rates.map((rate) => `1 of 1 device ready, ${rate}`), ''])
    expect(notes).toEqual([])
  })
})

test('no more activations begin in a second than are allowed', async () => {
  const begun: number[] = []
  const from = Date.now()
  const member = () => {
    const one = {
      ...{ isActivated: false, lastCause: 'nobody knows' },
      activate: async () => {
        begun.push(Date.now() - from)
        one.isActivated = true
      },
      join: async () => {},
      live: () => {},
    }
    return one
  }
  const starting = startFleet([member(), member(), member()], {
    ...{ activateRate: 2, stop: new AbortController().signal, onError: () => {} },
    activation: async () => ({ url: 'https://localhost', code: 'code' }),
  })
  await vi.advanceTimersByTimeAsync(5_000)
  await starting
  expect(begun).toEqual([0, 500, 1_000])
})

test('the first device has a time to connect, and the failure says why it did not', async () => {
  const first = {
    ...{ isActivated: true, lastCause: 'ECONNREFUSED' },
    activate: async () => {},
    join: () => new Promise<void>(() => {}),
    live: () => {},
  }
  const starting = startFleet([first], {
    ...{ activateRate: 2, stop: new AbortController().signal, onError: () => {} },
    activation: async () => ({ url: 'https://localhost', code: 'code' }),
  })
  const failed = expect(starting).rejects.toMatchObject({
    kind: 'unreachable',
    message: expect.stringContaining('within 40 s: ECONNREFUSED'),
  })
  await vi.advanceTimersByTimeAsync(40_000)
  await failed
})
