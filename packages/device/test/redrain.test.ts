import { expect, it } from 'vitest'
import { LAST_ASK_MS, Redrain } from '../src/redrain.ts'
import { manualClock } from './helpers/manual-clock.ts'

function redrain(random = 0.5) {
  const clock = manualClock()
  const asked: number[] = []
  const parts = { clock, random: () => random, ask: () => void asked.push(clock.now()) }
  return { clock, asked, redrain: new Redrain(parts) }
}

it('asks once for any number of failures, and waits twice as long each time', () => {
  const { clock, asked, redrain: subject } = redrain()
  const waits: number[] = []
  for (let round = 0; round < 8; round++) {
    subject.onFailed('a')
    subject.onFailed('b')
    const [wait = 0, ...more] = clock.waiting()
    expect(more).toEqual([])
    waits.push(wait)
    clock.advance(wait)
  }
  expect(waits).toEqual([15e3, 30e3, 60e3, 120e3, 240e3, 480e3, LAST_ASK_MS, LAST_ASK_MS])
  expect(asked).toHaveLength(8)
})

it('stops asking once every topic that failed has been taken over', () => {
  const { clock, asked, redrain: subject } = redrain()
  subject.onFailed('a')
  subject.onFailed('b')
  subject.onTaken('a')
  subject.onTaken('never failed')
  expect(clock.waiting()).toHaveLength(1)
  subject.onTaken('b')
  clock.advance(LAST_ASK_MS)
  expect(asked).toEqual([])
})

it.each([
  [0, 7_500],
  [0.999_999, 22_500],
])('spreads its asking: random %d waits %d ms', (random, wait) => {
  const { clock, redrain: subject } = redrain(random)
  subject.onFailed('a')
  expect(clock.waiting()).toEqual([wait])
})
