import { setImmediate as turn } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { Turns } from '../src/server/turns.ts'

function setUp(most: number) {
  const done: number[] = []
  const turns = new Turns(most)
  const add = (...numbers: number[]) => {
    for (const number of numbers) turns.add(() => done.push(number))
  }
  return { done, add, turns }
}

it('works nothing in the turn in which it came', async () => {
  const { done, add } = setUp(2)
  add(1)
  await Promise.resolve()
  expect(done).toEqual([])
  await turn()
  expect(done).toEqual([1])
})

it('works so many a turn, in order, and the network is read in between', async () => {
  const { done, add } = setUp(2)
  add(1, 2, 3, 4, 5)
  await turn()
  expect(done).toEqual([1, 2])
  await turn()
  expect(done).toEqual([1, 2, 3, 4])
  await turn()
  expect(done).toEqual([1, 2, 3, 4, 5])
})

it('puts what work brings behind what waits', async () => {
  const { done, add, turns } = setUp(2)
  turns.add(() => add(9))
  add(1, 2, 3)
  for (let n = 0; n < 3; n += 1) await turn()
  expect(done).toEqual([1, 2, 3, 9])
})

it('goes on after it was idle', async () => {
  const { done, add } = setUp(2)
  add(1)
  await turn()
  await turn()
  add(2)
  await turn()
  expect(done).toEqual([1, 2])
})
