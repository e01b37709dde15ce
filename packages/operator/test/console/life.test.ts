import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { startLife } from '../../src/console/life.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function lifeOf(busy = { is: false }) {
  const idle = vi.fn()
  return { idle, life: startLife({ idleMs: 1_000, now: Date.now, isBusy: () => busy.is, idle }) }
}

test('what nobody uses ends', () => {
  const { idle, life } = lifeOf()
  const began = Date.now()
  expect(life.endsAt()).toBe(began + 1_000)
  vi.advanceTimersByTime(999)
  expect(idle).not.toHaveBeenCalled()
  vi.advanceTimersByTime(1)
  expect(idle).toHaveBeenCalledOnce()
})

test('each use puts the end off by as long', () => {
  const { idle, life } = lifeOf()
  vi.advanceTimersByTime(900)
  life.touch()
  vi.advanceTimersByTime(999)
  expect(idle).not.toHaveBeenCalled()
  vi.advanceTimersByTime(1)
  expect(idle).toHaveBeenCalledOnce()
})

test('work that goes on is not cut off', () => {
  const busy = { is: true }
  const { idle } = lifeOf(busy)
  vi.advanceTimersByTime(5_000)
  expect(idle).not.toHaveBeenCalled()
  busy.is = false
  vi.advanceTimersByTime(1_000)
  expect(idle).toHaveBeenCalledOnce()
})

test('what was stopped does not end again', () => {
  const { idle, life } = lifeOf()
  life.stop()
  vi.advanceTimersByTime(5_000)
  expect(idle).not.toHaveBeenCalled()
})
