import {
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  truncate,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  type Identified,
  REMEMBERED_IDS,
  REMEMBERED_MS,
  TakenIndex,
  TakenStore,
} from '../src/taken.ts'

const one = (id: string, fields: object = {}) => ({
  id,
  topic: 'com.example.app',
  acceptedAt: 1_000,
  stored: false,
  ...fields,
})

describe('what was taken', () => {
  let directory: string
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'heliograph-taken-'))
  })
  afterEach(() => rm(directory, { recursive: true, force: true }))

  it('is told apart by id within its topic', async () => {
    const store = await TakenStore.open(directory)
    await store.record(one('a'))
    expect(store.verdict(one('a'))).toBe('repeat')
    expect(store.verdict(one('b'))).toBe('new')
    expect(store.verdict(one('a', { topic: 'com.example.other' }))).toBe('new')
    await store.close()
  })

  it('is remembered for a day and a thousand ids, and no longer', async () => {
    const store = await TakenStore.open(directory)
    await store.record(one('old'))
    const later = (ms: number) => one('old', { acceptedAt: 1_000 + ms })
    expect(store.verdict(later(REMEMBERED_MS - 1))).toBe('repeat')
    expect(store.verdict(later(REMEMBERED_MS))).toBe('new')
    for (let n = 0; n <= REMEMBERED_IDS; n++) await store.record(one(`n${n}`))
    expect(store.verdict(one('n0'))).toBe('new')
    expect(store.verdict(one('n1'))).toBe('repeat')
    await store.close()
  })

  it('survives a restart, together with the newest of each topic', async () => {
    const store = await TakenStore.open(directory)
    await store.record(one('quiet', { topic: 'com.example.quiet', acceptedAt: 5_000 }))
    for (let n = 0; n < REMEMBERED_IDS; n++) await store.record(one(`n${n}`))
    await store.close()
    for (const _restart of [1, 2]) {
      const again = await TakenStore.open(directory)
      const stored = { topic: 'com.example.quiet', stored: true }
      expect(again.verdict(one('x', { ...stored, acceptedAt: 4_999 }))).toBe('outdated')
      expect(again.verdict(one('x', { ...stored, acceptedAt: 5_000 }))).toBe('new')
      await again.close()
    }
  })

  it('keeps channels apart from topics, and knows the latest of a channel by its seq', async () => {
    const channel = 'A'.repeat(24)
    const seq = (order: number) => `01JD${String(order).padStart(22, '0')}`
    const store = await TakenStore.open(directory)
    await store.record(one('a', { channel, seq: seq(5), stored: true }))
    for (let n = 0; n < REMEMBERED_IDS; n++) await store.record(one(`n${n}`))
    await store.close()
    const again = await TakenStore.open(directory)
    const verdict = (order: number, fields: object) =>
      again.verdict(one('a', { seq: seq(order), channel, ...fields }))
    expect(verdict(5, { stored: true })).toBe('outdated')
    expect(verdict(6, { stored: true })).toBe('new')
    expect(verdict(4, {})).toBe('outdated')
    expect(verdict(4, { channel: undefined, topic: channel, stored: true })).toBe('new')
    await again.close()
  })

  it('remembers the newest of a bounded number of channels', async () => {
    const store = await TakenStore.open(directory)
    const of = (number: number) => ({ channel: String(number).padStart(24, '0'), stored: true })
    for (let n = 0; n < 1_300; n++) await store.record(one(`c${n}`, of(n)))
    expect(store.verdict(one('x', { ...of(1_299), acceptedAt: 999 }))).toBe('outdated')
    expect(store.verdict(one('x', { ...of(0), acceptedAt: 999 }))).toBe('new')
    await store.close()
  })

  it('outdates everything before a stored one, and only what was stored before a direct one', async () => {
    const store = await TakenStore.open(directory)
    const seen = (taken: TakenStore, acceptedAt: number) =>
      [false, true].map((stored) => taken.verdict(one(`at ${acceptedAt}`, { acceptedAt, stored })))
    await store.record(one('stored', { acceptedAt: 2_000, stored: true }))
    await store.record(one('direct', { acceptedAt: 4_000 }))
    const expected = [
      ['outdated', 'outdated'],
      ['new', 'outdated'],
      ['new', 'new'],
    ]
    expect([1_000, 3_000, 5_000].map((at) => seen(store, at))).toEqual(expected)
    await store.close()
    const again = await TakenStore.open(directory)
    expect([1_000, 3_000, 5_000].map((at) => seen(again, at))).toEqual(expected)
    await again.close()
  })

  describe('of a topic that keeps the newest of each collapse id', () => {
    const slot = (acceptedAt: number, collapseId?: string, stored = true) =>
      one(`${collapseId} ${acceptedAt}`, {
        ...{ acceptedAt, stored, pending: 'perCollapseId' },
        ...(collapseId !== undefined && { collapseId }),
      })

    it('is outdated by its collapse id alone, also after a restart', async () => {
      const store = await TakenStore.open(directory)
      for (const taken of [slot(2_000, 'a'), slot(3_000, 'b', false), slot(9_000)])
        await store.record(taken)
      const verdicts = (taken: TakenStore) =>
        [
          ...[slot(1_000, 'a'), slot(1_000, 'a', false), slot(2_500, 'a')],
          ...[slot(2_000, 'b'), slot(2_000, 'b', false), slot(1_000, 'c'), slot(1_000)],
          one('of the topic', { acceptedAt: 1_000, stored: true }),
        ].map((each) => taken.verdict(each))
      const expected = ['outdated', 'outdated', 'new', 'outdated', 'new', 'new', 'new', 'new']
      expect(verdicts(store)).toEqual(expected)
      expect(store.verdict(slot(9_000))).toBe('repeat')
      await store.close()
      const again = await TakenStore.open(directory)
      expect(verdicts(again)).toEqual(expected)
      await again.close()
    })

    it('is remembered no longer than its id, so that no number of collapse ids fills the memory', () => {
      const index = new TakenIndex()
      index.add(slot(5_000, 'first'))
      for (let n = 1; n < REMEMBERED_IDS; n++) index.add(slot(6_000 + n, `c${n}`))
      expect(index.verdict(slot(4_000, 'first'))).toBe('outdated')
      index.add(slot(9_000, 'another'))
      expect(index.verdict(slot(4_000, 'first'))).toBe('new')
      expect(index.entries()).toHaveLength(REMEMBERED_IDS)
    })
  })

  it('reads a journal that does not say what was stored', async () => {
    const line = { id: 'a', topic: 'com.example.app', acceptedAt: 5_000, at: 1_764_000_000_000 }
    await writeFile(join(directory, 'taken.jsonl'), `${JSON.stringify(line)}\n`)
    const store = await TakenStore.open(directory)
    expect(store.verdict(one('a'))).toBe('repeat')
    expect(store.verdict(one('b'))).toBe('new')
    expect(store.verdict(one('b', { stored: true }))).toBe('outdated')
    await store.close()
  })

  it('forgets the oldest ids first, also after a restart with quiet topics', async () => {
    const store = await TakenStore.open(directory)
    await store.record(one('early', { acceptedAt: 1 }))
    for (const topic of ['quiet.one', 'quiet.two']) await store.record(one('q', { topic }))
    for (let n = 0; n < REMEMBERED_IDS; n++)
      await store.record(one(`n${n}`, { acceptedAt: 1_000 + n }))
    await store.close()
    for (const _restart of [1, 2]) {
      const again = await TakenStore.open(directory)
      for (const n of [0, REMEMBERED_IDS - 1]) expect(again.verdict(one(`n${n}`))).toBe('repeat')
      await again.close()
    }
  })

  it('takes bounded room on disk', async () => {
    const store = await TakenStore.open(directory)
    for (let n = 0; n < 5 * REMEMBERED_IDS; n++) await store.record(one(`n${n}`))
    await store.close()
    const lines = (await readFile(join(directory, 'taken.jsonl'), 'utf8')).trim().split('\n')
    expect(lines.length).toBeLessThanOrEqual(2 * REMEMBERED_IDS)
    const again = await TakenStore.open(directory)
    expect(again.verdict(one(`n${4 * REMEMBERED_IDS}`))).toBe('repeat')
    await again.close()
  })

  it.skipIf(process.platform !== 'linux')(
    'holds its journal open until it is closed, and for a handler that outlasts that',
    async () => {
      const fds = '/proc/self/fd'
      const isOpen = async () => {
        const links = (await readdir(fds)).map((fd) => readlink(join(fds, fd)).catch(() => ''))
        return (await Promise.all(links)).includes(join(directory, 'taken.jsonl'))
      }
      const store = await TakenStore.open(directory)
      await store.record(one('a'))
      expect(await isOpen()).toBe(true)
      await store.close()
      expect(await isOpen()).toBe(false)
      await Promise.all([store.record(one('b')), store.record(one('c'))])
      expect(await isOpen()).toBe(false)
      const again = await TakenStore.open(directory)
      for (const id of ['a', 'b', 'c']) expect(again.verdict(one(id))).toBe('repeat')
    },
  )

  it('loses nothing to a last line that lacks its end', async () => {
    const first = await TakenStore.open(directory)
    await first.record(one('a'))
    await first.close()
    await truncate(
      join(directory, 'taken.jsonl'),
      (await stat(join(directory, 'taken.jsonl'))).size - 1,
    )
    const second = await TakenStore.open(directory)
    await second.record(one('b'))
    await second.close()
    const third = await TakenStore.open(directory)
    expect([third.verdict(one('a')), third.verdict(one('b'))]).toEqual(['repeat', 'repeat'])
    await third.close()
  })

  it('judges the same from its entries as from the whole story', () => {
    const number = fc.nat(5)
    const step = fc.record({
      id: fc.constantFrom('a', 'b', 'c', 'd'),
      topic: fc.constantFrom('x', 'y'),
      stored: fc.boolean(),
    })
    // The service gives either all its notifications a seq or none.
    const bySeq = fc
      .tuple(step, number)
      .map(([rest, n]) => ({ ...rest, acceptedAt: 0, seq: `${n}` }))
    const byTime = fc.tuple(step, number).map(([rest, acceptedAt]) => ({ ...rest, acceptedAt }))
    const history = fc.oneof(
      fc.tuple(fc.array<Identified>(bySeq, { maxLength: 12 }), bySeq),
      fc.tuple(fc.array<Identified>(byTime, { maxLength: 12 }), byTime),
    )
    fc.assert(
      fc.property(history, ([story, question]) => {
        const whole = new TakenIndex()
        for (const taken of story) whole.add(taken)
        const copy = new TakenIndex()
        for (const taken of whole.entries()) copy.add(taken)
        expect(copy.verdict(question)).toBe(whole.verdict(question))
      }),
    )
  })
})
