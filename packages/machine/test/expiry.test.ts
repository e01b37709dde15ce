import { slotName } from '@heliograph/core/delivery/slot-name'
import type { Notification } from '@heliograph/core/notification'
import type { Outcome } from '@heliograph/core/outcome'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { notification, SetClock } from '../../../test/contract/samples.ts'
import { jsonLog } from '../src/log.ts'
import { startExpiry } from '../src/pipeline/expiry.ts'

const SECOND = 1_000

let clock: SetClock
let slots: Notification[]
let ended: string[]
let feedback: number
let sweeps: number[]
/** What each sweep finds. */
let swept: number
let log: string[]
let fault: Error | undefined
let beforeRemoval: () => void
let stop: () => void

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  clock = new SetClock()
  clock.time += 400
  ;[slots, ended, sweeps, log] = [[], [], [], []]
  ;[feedback, swept, fault] = [0, 0, undefined]
  beforeRemoval = () => {}
  stop = startExpiry({
    slots: {
      expired: (nowMs, limit) => {
        if (fault) throw fault
        return slots.filter(({ expiration }) => expiration * SECOND <= nowMs).slice(0, limit)
      },
      remove: async (_device, slot, seq) => {
        beforeRemoval()
        const there = slots.find((one) => one.seq === seq && slotName(one) === slot)
        slots = slots.filter((one) => one !== there)
        return there !== undefined
      },
    },
    ports: {
      clock,
      feedback: {
        write: async () => {
          feedback += 1
        },
      } as never,
      outcomes: {
        record: ({ kind, seq }: Outcome) => void ended.push(`${kind} ${seq}`),
      } as never,
    },
    sweep: async (nowMs) => {
      sweeps.push(nowMs)
      return swept
    },
    log: jsonLog((line) => log.push(line)),
  })
})
afterEach(() => {
  stop()
  vi.useRealTimers()
})

/** Both clocks go on. */
async function pass(ms: number): Promise<void> {
  clock.time += ms
  await vi.advanceTimersByTimeAsync(ms)
}

const inSeconds = (seconds: number, more: Partial<Notification> = {}) =>
  notification({ expiration: Math.floor(clock.time / SECOND) + seconds, ...more })

test('a slot ends in its second, and the provider hears of it', async () => {
  const one = inSeconds(1, { perCollapseId: 3, collapseId: 'score' })
  slots = [one, inSeconds(2)]
  await pass(599)
  expect([slots.length, ended]).toEqual([2, []])
  await pass(1)
  expect([slots.length, ended, feedback]).toEqual([1, [`expired ${one.seq}`], 1])
})

test('whoever was quicker has recorded how it ended', async () => {
  const one = inSeconds(1)
  slots = [one]
  // a drain takes it between the look and the removal
  beforeRemoval = () => {
    slots = []
  }
  await pass(600)
  expect([ended, feedback]).toEqual([[], 0])
})

test('where there are more than one look takes, the next follows at once', async () => {
  slots = Array.from({ length: 501 }, () => inSeconds(1))
  await pass(600)
  expect(ended).toHaveLength(500)
  await pass(1)
  expect(ended).toHaveLength(501)
})

test('all else that is over is removed every ten seconds, at once while there is more', async () => {
  await pass(600)
  expect(sweeps).toHaveLength(1)
  for (let n = 0; n < 9; n += 1) await pass(SECOND)
  expect(sweeps).toHaveLength(1)
  swept = 500
  await pass(SECOND)
  await pass(1)
  await pass(1)
  expect(sweeps).toHaveLength(4)
  swept = 0
  await pass(1)
  await pass(SECOND)
  expect(sweeps).toHaveLength(5)
})

test('a clock that is set back does not put it off', async () => {
  await pass(600)
  clock.time -= 3_600_000
  await pass(SECOND)
  expect(sweeps).toHaveLength(2)
})

test('a fault is logged, and the next second tries again', async () => {
  const one = inSeconds(1)
  slots = [one]
  fault = new Error('no disk')
  await pass(600)
  expect(log.join()).toContain('what is over cannot be removed')
  fault = undefined
  await pass(SECOND)
  expect(ended).toEqual([`expired ${one.seq}`])
})

test('once it is stopped nothing ends', async () => {
  slots = [inSeconds(1)]
  stop()
  await pass(10 * SECOND)
  expect([ended, sweeps]).toEqual([[], []])
})
