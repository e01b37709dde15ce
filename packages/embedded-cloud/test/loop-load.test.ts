import { expect, test } from 'vitest'
import { LoopLoad } from '../src/functions/loop-load.ts'

/** A loop that has worked for so many milliseconds and rested for so many, as Node counts it. */
function loop() {
  const spent = { idle: 0, active: 0 }
  return {
    spend: (active: number, idle: number) => {
      spent.active += active
      spent.idle += idle
    },
    measure: (from = { idle: 0, active: 0 }) => {
      const [idle, active] = [spent.idle - from.idle, spent.active - from.active]
      return { idle, active, utilization: active / (idle + active || 1) }
    },
  }
}

test('is high while the loop works for most of the time, and no longer', () => {
  const { spend, measure } = loop()
  const load = new LoopLoad(measure)
  expect(load.isHigh).toBe(false)
  spend(30, 10)
  expect(load.isHigh).toBe(true)
  spend(10, 30)
  expect(load.isHigh).toBe(false)
})

test('one long turn of the loop is seen only with what comes around it', () => {
  const { spend, measure } = loop()
  const load = new LoopLoad(measure)
  spend(10, 0)
  expect(load.isHigh).toBe(false)
  spend(0, 40)
  expect(load.isHigh).toBe(false)
})

test('measures this process where nothing else is given', () => {
  const load = new LoopLoad()
  const until = performance.now() + 60
  while (performance.now() < until);
  expect(load.isHigh).toBeTypeOf('boolean')
})
