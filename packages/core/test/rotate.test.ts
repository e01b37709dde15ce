import type { TokenKeyId } from '@heliograph/protocol/identifiers'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { now, SetClock, seqAt } from '../../../test/contract/samples.ts'
import type { WrappedKey } from '../src/ports.ts'
import { keysToRetire, ringOf } from '../src/token/key-ring.ts'
import { ensureKey, rotate, rotateOnSchedule } from '../src/token/rotate.ts'

const DAY_MS = 24 * 3600_000
const GRACE_MS = 180 * DAY_MS

const key = (createdAt: number, retiredAt?: number): WrappedKey => ({
  id: seqAt(createdAt) as string as TokenKeyId,
  createdAt,
  wrapped: new Uint8Array(),
  ...(retiredAt !== undefined && { retiredAt }),
})

/** The token keys table in memory, and a function that rotates it. */
function newRotation(...keys: WrappedKey[]) {
  const clock = new SetClock()
  const table = [...keys]
  const tokenKeys = {
    list: async () => table,
    create: async (id: TokenKeyId, createdAt: number) => {
      table.push({ id, createdAt, wrapped: new Uint8Array() })
    },
    retire: async (id: TokenKeyId, retiredAt: number) => {
      const index = table.findIndex((one) => one.id === id)
      table.splice(index, 1, { ...(table[index] as WrappedKey), retiredAt })
    },
  }
  const ids = { uuid: () => '', bytes: () => new Uint8Array(), seq: seqAt }
  return { clock, table, ports: { clock, ids, tokenKeys, graceMs: GRACE_MS } }
}

const keys = () =>
  fc
    .uniqueArray(
      fc.tuple(fc.integer({ min: 1, max: 1_000 }), fc.option(fc.nat(1_000), { nil: undefined })),
      {
        selector: ([createdAt]) => createdAt,
      },
    )
    .map((all) => all.map(([createdAt, retiredAt]) => key(createdAt, retiredAt)))

describe('the key ring', () => {
  test('is newest first; the newest live key is primary and each other was replaced by the next', () => {
    const [oldest, retired, middle, newest] = [key(10), key(20, 35), key(30), key(40)]
    expect(ringOf([middle, newest, oldest, retired])).toEqual([
      { ...newest, state: 'primary' },
      { ...middle, state: 'accepted', replacedAt: 40 },
      { ...retired, state: 'retired' },
      { ...oldest, state: 'accepted', replacedAt: 30 },
    ])
  })

  test('has exactly one primary key where any is live, whatever the order of the table', () => {
    fc.assert(
      fc.property(keys(), (all) => {
        const primary = ringOf(all).filter(({ state }) => state === 'primary')
        const live = all.filter(({ retiredAt }) => retiredAt === undefined)
        const newest = Math.max(...live.map(({ createdAt }) => createdAt))
        expect(primary.map(({ createdAt }) => createdAt)).toEqual(live.length > 0 ? [newest] : [])
        expect(ringOf([...all].reverse())).toEqual(ringOf(all))
      }),
    )
  })

  test.each([
    ['replaced for the whole grace time', [key(10), key(20)], 20 + GRACE_MS, [10]],
    ['replaced a moment less', [key(10), key(20)], 20 + GRACE_MS - 1, []],
    ['retired already', [key(10, 15), key(20)], 20 + GRACE_MS, []],
    ['primary, whatever its age', [key(10)], 10 + 2 * GRACE_MS, []],
  ])('%s: which keys a rotation retires', (_case, all, at, retired) => {
    const ids = all.filter(({ createdAt }) => (retired as number[]).includes(createdAt))
    expect(keysToRetire(all, at, GRACE_MS)).toEqual(ids.map(({ id }) => id))
  })
})

test('without a grace time the primary key stays all the same', () => {
  const [old, current] = [key(10), key(20)]
  expect(keysToRetire([old, current], 20, 0)).toEqual([old.id])
})

describe('a rotation', () => {
  test('adds a primary key and retires those whose grace time is over, now', async () => {
    const old = key(now - GRACE_MS - 2)
    const current = key(now - GRACE_MS)
    const { ports, table } = newRotation(old, current)
    const { created, retired } = await rotate(ports)
    expect(retired).toEqual([old.id])
    expect(ringOf(table)).toMatchObject([
      { id: created, state: 'primary', createdAt: now },
      { id: current.id, state: 'accepted', replacedAt: now },
      { id: old.id, state: 'retired', retiredAt: now },
    ])
  })

  test.each([
    ['less than a day', DAY_MS - 1, false],
    ['a day', DAY_MS, true],
  ])('on schedule, of a primary key of %s', async (_age, age, isRotated) => {
    const { ports, table } = newRotation(key(now - 2 * GRACE_MS), key(now - age))
    const rotation = await rotateOnSchedule(ports)
    expect(rotation !== undefined).toBe(isRotated)
    expect(table).toHaveLength(isRotated ? 3 : 2)
  })

  test('on schedule makes a key where none is primary', async () => {
    const { ports, table } = newRotation(key(now - 1, now))
    const rotation = await rotateOnSchedule(ports)
    expect(ringOf(table)[0]).toMatchObject({ id: rotation?.created, state: 'primary' })
  })
})

describe('a deployment', () => {
  test('makes the first key once', async () => {
    const { ports, table, clock } = newRotation()
    expect(await ensureKey(ports)).toBeUndefined()
    expect(table).toMatchObject([{ createdAt: now }])
    clock.time += 1
    expect(await ensureKey(ports)).toMatchObject({ id: table[0]?.id, state: 'primary' })
    expect(table).toHaveLength(1)
  })

  test('makes one where every key is retired', async () => {
    const { ports, table } = newRotation(key(now - 1, now))
    await ensureKey(ports)
    expect(table).toHaveLength(2)
  })
})
