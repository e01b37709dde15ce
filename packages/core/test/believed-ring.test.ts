import { beforeEach, expect, test } from 'vitest'
import { now, SetClock } from '../../../test/contract/samples.ts'
import { newKey } from '../../../tools/fuzz/desk.ts'
import type { TokenKeyRing } from '../src/ports.ts'
import { believedRing } from '../src/token/believed-ring.ts'

let clock: SetClock
let reads: number
let read: () => Promise<ReturnType<typeof newKey>[]>
let ring: TokenKeyRing

beforeEach(() => {
  clock = new SetClock()
  reads = 0
  read = async () => [newKey(reads)]
  ring = believedRing(() => {
    reads += 1
    return read()
  }, clock)
})

test('a ring is believed for a minute', async () => {
  const first = await ring.keys()
  clock.time += 59_999
  expect(await ring.keys()).toBe(first)
  clock.time += 1
  expect(await ring.keys()).not.toBe(first)
})

test('everyone who asks during a read shares it', async () => {
  const [one, other] = await Promise.all([ring.keys(), ring.keys()])
  expect(one).toBe(other)
  expect(reads).toBe(1)
})

test('a refresh reads again, at most four times a second', async () => {
  await ring.keys()
  await ring.refreshed()
  expect(reads).toBe(2)
  clock.time += 249
  await ring.refreshed()
  expect(reads).toBe(2)
  clock.time += 1
  await ring.refreshed()
  expect(reads).toBe(3)
})

test('an ordinary read does not put a refresh off', async () => {
  await ring.refreshed()
  clock.time += 60_000
  await ring.keys()
  await ring.refreshed()
  expect(reads).toBe(3)
})

test('what a refresh has read is believed by the ordinary reads', async () => {
  await ring.keys()
  clock.time += 59_999
  const fresh = await ring.refreshed()
  clock.time += 59_999
  expect(await ring.keys()).toBe(fresh)
})

test('a failed read is told to those who asked, and the next one reads again', async () => {
  read = async () => {
    throw new Error('throttled')
  }
  await expect(ring.keys()).rejects.toThrow('throttled')
  read = async () => [newKey(9)]
  expect(await ring.keys()).toEqual([newKey(9)])
})

test('a failed read does not discard what a later one has found', async () => {
  let fail: (fault: Error) => void = () => {}
  read = () =>
    new Promise((_, reject) => {
      fail = reject
    })
  const slow = ring.keys()
  read = async () => [newKey(9)]
  await ring.refreshed()
  fail(new Error('throttled'))
  await expect(slow).rejects.toThrow('throttled')
  await ring.keys()
  expect(reads).toBe(2)
})

test('a clock that was set back makes a reading old', async () => {
  await ring.keys()
  clock.time = now - 1
  await ring.keys()
  expect(reads).toBe(2)
})
