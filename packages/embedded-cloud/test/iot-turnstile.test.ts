import { setImmediate, setTimeout } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { Turnstile } from '../src/iot/turnstile.ts'

const passed: string[] = []
const enter = (turnstile: Turnstile<string>, key: string, count: number) => {
  for (let number = 1; number <= count; number += 1)
    turnstile.pass(key, () => passed.push(`${key}${number}`))
}

async function all(count: number): Promise<readonly string[]> {
  while (passed.length < count) await setImmediate()
  return passed.splice(0)
}

test('the first one passes at once, and of many one in each turn', async () => {
  const turnstile = new Turnstile<string>(() => false)
  enter(turnstile, 'a', 3)
  expect(passed).toEqual(['a1'])
  expect(await all(3)).toEqual(['a1', 'a2', 'a3'])
})

test('who comes with one does not wait for all of who came with many', async () => {
  const turnstile = new Turnstile<string>(() => false)
  enter(turnstile, 'a', 4)
  enter(turnstile, 'b', 1)
  enter(turnstile, 'c', 2)
  expect(await all(7)).toEqual(['a1', 'a2', 'b1', 'c1', 'a3', 'c2', 'a4'])
})

test('nothing passes while it is busy, and all once it is not', async () => {
  let isBusy = true
  const turnstile = new Turnstile<string>(() => isBusy)
  enter(turnstile, 'a', 2)
  await setTimeout(20)
  expect(passed).toEqual([])
  isBusy = false
  expect(await all(2)).toEqual(['a1', 'a2'])
})

test('of one that keeps a hundred waiting no more is taken, and the others still are', async () => {
  const turnstile = new Turnstile<string>(() => true)
  enter(turnstile, 'a', 100)
  expect(turnstile.pass('a', () => expect.unreachable('it was refused'))).toBe(false)
  expect(turnstile.pass('b', () => {})).toBe(true)
})

test('it turns again after it was empty', async () => {
  const turnstile = new Turnstile<string>(() => false)
  enter(turnstile, 'a', 1)
  await setTimeout(5)
  enter(turnstile, 'a', 2)
  expect(await all(3)).toEqual(['a1', 'a1', 'a2'])
})
