import { expect, test } from 'vitest'
import { Scheduler } from '../../tools/simulate/scheduler.ts'

// without the limit, a bug that repeats itself for ever would hang a run instead of failing it
test.each([
  ['runUntilIdle', (scheduler: Scheduler) => scheduler.runUntilIdle()],
  ['runUntil', (scheduler: Scheduler) => scheduler.runUntil(10_000)],
])('%s breaks off what never comes to rest', async (_, runIt) => {
  const scheduler = new Scheduler(0, 100)
  let kept = 0
  const again = () => {
    kept += 1
    scheduler.after(1, again)
  }
  again()
  await expect(runIt(scheduler)).rejects.toThrow('no rest after 100 appointments')
  expect(kept).toBe(101)
})

test('what is canceled does not count', async () => {
  const scheduler = new Scheduler(0, 1)
  for (let ms = 1; ms <= 10; ms += 1) scheduler.after(ms, () => {}).cancel()
  scheduler.after(11, () => {})
  await scheduler.runUntilIdle()
  expect(scheduler.now).toBe(11)
})
