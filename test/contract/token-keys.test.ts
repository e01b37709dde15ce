import type { TokenKeyId } from '@heliograph/protocol/identifiers'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { now, SetClock, seqAt } from './samples.ts'
import { type Target, targets } from './target.ts'

describe.each(targets)('token keys: %s', (_name, open) => {
  let target: Target
  let clock: SetClock
  const first = seqAt(now) as string as TokenKeyId
  const second = seqAt(now + 1_000) as string as TokenKeyId
  const third = seqAt(now + 2_000) as string as TokenKeyId
  beforeEach(async () => {
    clock = new SetClock()
    target = await open(clock)
    await target.tokenKeys.create(first, now)
  })
  afterEach(() => target.close())

  test('every function gets the same 64 bytes', async () => {
    const [one] = await target.newRing().keys()
    const [other] = await target.newRing().keys()
    expect(one).toMatchObject({ id: first, state: 'primary', createdAt: now })
    expect(one?.key).toHaveLength(64)
    expect(other?.key).toEqual(one?.key)
  })

  test('the newest is primary and comes first; a retired one is gone', async () => {
    await target.tokenKeys.create(second, now + 1_000)
    const both = await target.newRing().keys()
    expect(both.map(({ id, state }) => [id, state])).toEqual([
      [second, 'primary'],
      [first, 'accepted'],
    ])
    await target.tokenKeys.retire(first, now + 2_000)
    expect((await target.newRing().keys()).map(({ id }) => id)).toEqual([second])
    expect(await target.tokenKeys.list()).toHaveLength(2)
  })

  test('whoever judges what expires knows retired keys too', async (context) => {
    const { ringOfEveryKey } = target
    if (!ringOfEveryKey) return context.skip('nobody asks for them here')
    await target.tokenKeys.create(second, now + 1_000)
    await target.tokenKeys.retire(first, now + 2_000)
    const every = await ringOfEveryKey().keys()
    expect(every.map(({ id, state, key }) => [id, state, key.length])).toEqual([
      [second, 'primary', 64],
      [first, 'retired', 64],
    ])
  })

  test('a name is given once, and only what is there can be retired', async () => {
    await expect(target.tokenKeys.create(first, now)).rejects.toThrow()
    await expect(target.tokenKeys.retire(second, now)).rejects.toThrow()
  })

  test('a ring is believed for a minute, and asked again at most four times a second', async ({
    skip,
  }) => {
    skip(target.knowsKeysAtOnce === true, 'no function has a memory of its own')
    const ring = target.newRing()
    await ring.keys()
    await target.tokenKeys.create(second, now + 1_000)
    expect(await ring.refreshed()).toHaveLength(2)
    await target.tokenKeys.retire(first, now)
    clock.time += 249
    expect(await ring.refreshed()).toHaveLength(2)
    clock.time += 1
    expect(await ring.refreshed()).toHaveLength(1)
    await target.tokenKeys.create(third, now + 2_000)
    clock.time += 59_999
    expect(await ring.keys()).toHaveLength(1)
    clock.time += 1
    expect(await ring.keys()).toHaveLength(2)
  })

  test('a clock that runs backwards makes what was read old', async () => {
    const ring = target.newRing()
    await ring.keys()
    await target.tokenKeys.create(second, now + 1_000)
    clock.time -= 3_600_000
    expect(await ring.keys()).toHaveLength(2)
  })
})
