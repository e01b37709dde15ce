import { beforeEach, describe, expect, test } from 'vitest'
import { newDevice, now } from '../../../test/contract/samples.ts'
import { allowances } from '../src/devices/device-budget.ts'
import { deviceDoor } from '../src/devices/device-door.ts'
import type { DeviceRequest } from '../src/devices/device-request.ts'
import type { DeviceRecord } from '../src/ports.ts'
import { certificate } from './enrollment-support.ts'

const deviceId = newDevice()
const record: DeviceRecord = { deviceId, activatedAt: now, certificates: [certificate('own')] }

let reads: number
let worked: DeviceRequest[]
let door: ReturnType<typeof deviceDoor>
beforeEach(() => {
  reads = 0
  worked = []
  door = deviceDoor({
    find: async () => {
      reads += 1
      return record
    },
  })
})

const request = (body: DeviceRequest['body'], certificateId = 'own'): DeviceRequest => ({
  ...{ deviceId, receivedAt: now, certificateId, body },
})
const knock = (upstream: Parameters<typeof door>[0], one: DeviceRequest) =>
  door(upstream, one, async (passed) => {
    worked.push(passed)
    return 'result'
  })

const fit = {
  register: { topic: 'a.b' },
  unregister: { topic: 'a.b' },
  connect: { tokens: [] },
  renew: { csr: 'x' },
}

describe('a request', () => {
  test.each([
    ['register', fit.register],
    ['unregister', fit.unregister],
    ['connect', fit.connect],
    ['renew', { csr: 'x' }],
    ['renew', { inUse: true }],
  ] as const)(
    '%s that is in order is worked, and its result comes back',
    async (upstream, body) => {
      const one = request(body)
      expect(await knock(upstream, one)).toEqual({ is: 'worked', result: 'result' })
      expect(worked).toEqual([one])
    },
  )

  test('over another connection than the device’s own is not worked', async () => {
    expect(await knock('connect', request(fit.connect, 'foreign'))).toEqual({ is: 'foreign' })
    expect(worked).toEqual([])
  })

  test.each(['register', 'unregister', 'connect', 'renew'] as const)(
    '%s beyond the allowance is dropped before anything is read',
    async (upstream) => {
      const one = request({ ...fit.register, ...fit.connect })
      const { burst } = allowances[upstream]
      for (let n = 0; n < burst; n += 1) await knock(upstream, one)
      expect([worked.length, reads]).toEqual([burst, burst])
      const dropped = { is: 'dropped', isMalformed: false }
      expect(await knock(upstream, one)).toEqual({ ...dropped, report: 1 })
      expect(await knock(upstream, one)).toEqual(dropped)
      expect([worked.length, reads]).toEqual([burst, burst])
    },
  )
})

describe('a request whose work failed', () => {
  const fails = (upstream: Parameters<typeof door>[0], one: DeviceRequest) =>
    door(upstream, one, async () => {
      throw new Error('no table')
    })

  test('takes nothing out of the allowance when it comes again, as often as it fails', async () => {
    const one = request(fit.register)
    for (let n = 0; n < 3; n += 1) await expect(fails('register', one)).rejects.toThrow('no table')
    expect(await knock('register', one)).toMatchObject({ is: 'worked' })
    const { burst } = allowances.register
    for (let n = 1; n < burst; n += 1) await knock('register', { ...one, receivedAt: now + 1 })
    expect(worked).toHaveLength(burst)
    expect(await knock('register', { ...one, receivedAt: now + 1 })).toMatchObject({
      is: 'dropped',
    })
  })

  test('takes nothing out of it either where others of the same millisecond failed with it', async () => {
    const one = request(fit.unregister)
    const { burst } = allowances.unregister
    const all = Array.from({ length: burst }, () => one)
    // at the same time, so that none of them is taken for the repeat of another
    const results = await Promise.allSettled(all.map((each) => fails('unregister', each)))
    expect(results.map(({ status }) => status)).toEqual(all.map(() => 'rejected'))
    for (const each of all) expect(await knock('unregister', each)).toMatchObject({ is: 'worked' })
    expect(await knock('unregister', one)).toMatchObject({ is: 'dropped' })
  })

  test('is new to another execution environment, whose allowance it is taken out of', async () => {
    const one = request(fit.renew)
    const { burst } = allowances.renew
    const all = Array.from({ length: burst }, () => one)
    for (const each of all) await expect(fails('renew', each)).rejects.toThrow('no table')
    const other = deviceDoor({ find: async () => record })
    const passed = []
    for (const each of [...all, one]) passed.push(await other('renew', each, async () => 'result'))
    expect(passed.map(({ is }) => is)).toEqual([...all.map(() => 'worked'), 'dropped'])
  })

  test('buys nothing for the next: each failure is worth one repeat of the same request', async () => {
    const one = request(fit.connect)
    await expect(fails('connect', one)).rejects.toThrow('no table')
    const { burst } = allowances.connect
    for (let n = 0; n < burst; n += 1) await knock('connect', one)
    expect(worked).toHaveLength(burst)
    expect(await knock('connect', one)).toMatchObject({ is: 'dropped' })
    expect(await knock('register', one)).toMatchObject({ is: 'worked' })
  })
})

describe('a failed request is repeated for free', () => {
  const one = request({ ...fit.register, ...fit.connect })
  const other = newDevice()

  /** How many of the same request are worked before one is dropped. */
  async function workedOf(upstream: 'connect' | 'register', again: DeviceRequest) {
    const { burst } = allowances[upstream]
    for (let n = 0; n < burst + 2; n += 1) await knock(upstream, again)
    return worked.length - burst
  }
  const fail = (failing: DeviceRequest) =>
    door('connect', failing, async () => {
      throw new Error('no table')
    }).catch(() => undefined)

  test.each([
    ['by itself, not by one of another time', 'connect', { receivedAt: now + 1 }, -1],
    ['by itself, not by one of another kind', 'register', {}, 0],
    ['by itself, not by one of another device', 'connect', { deviceId: other }, 0],
    ['by the very same', 'connect', {}, 0],
  ] as const)('%s', async (_which, upstream, difference, more) => {
    await fail(one)
    expect(await workedOf(upstream, { ...one, ...difference })).toBe(more)
  })

  test.each([
    ['after 999 others have failed', 999, 0],
    ['no more after 1,000 others have failed', 1_000, -1],
  ])('%s', async (_what, others, more) => {
    await fail(one)
    for (let n = 0; n < others; n += 1) await fail({ ...one, deviceId: newDevice() })
    expect(await workedOf('connect', one)).toBe(more)
  })
})

describe('what names nothing that could be worked', () => {
  test.each([
    ['register', {}],
    ['register', fit.connect],
    ['unregister', fit.connect],
    ['connect', fit.register],
    ['connect', undefined],
    ['renew', undefined],
  ] as const)(
    '%s with %j has the small allowance of malformed requests',
    async (upstream, body) => {
      for (let n = 0; n < allowances.malformed.burst; n += 1)
        expect(await knock(upstream, request(body))).toMatchObject({ is: 'worked' })
      expect(await knock(upstream, request(body))).toEqual({
        ...{ is: 'dropped', isMalformed: true, report: 1 },
      })
    },
  )

  test('takes nothing from the allowance of a request that is in order', async () => {
    for (let n = 0; n < 9; n += 1) await knock('connect', request({}))
    expect(await knock('connect', request(fit.connect))).toMatchObject({ is: 'worked' })
  })
})
