import type { Seq } from '@heliograph/protocol/identifiers'
import fc from 'fast-check'
import { ulid } from 'ulid'
import { expect, test } from 'vitest'
import { newToken, now, topicA } from '../../../test/contract/samples.ts'
import { FeedbackStore } from '../../../tools/simulate/ports/feedback.ts'
import type { FeedbackRow } from '../src/ports.ts'
import {
  type Cursor,
  encodeCursor,
  nextPage,
  parseCursor,
  SETTLE_MS,
  startOfFeedback,
} from '../src/send/feedback.ts'

/** Clocks of execution environments differ by at most this (milliseconds, either way). */
const SKEW_MS = 5_000
/** An entry is readable within this after it was named: two tries of a write and their time-outs. */
const MAX_WRITE_MS = SETTLE_MS - 2 * SKEW_MS - 1
const PAGE_ROWS = 500

interface Write {
  /** When it was named (true time), by a clock that is off by so much, and how long it took. */
  readonly at: number
  readonly skew: number
  readonly took: number
}

interface Read {
  readonly at: number
  readonly skew: number
}

const row = (entry: Seq): FeedbackRow => ({
  entry,
  token: newToken(),
  timestamp: now,
  reason: 'Unregistered',
})

/** One reader pages while others write; returns what was written and what was read, in order. */
function page(writes: readonly Write[], reads: readonly Read[]) {
  const store = new FeedbackStore()
  const written: string[] = []
  const read: string[] = []
  const last = Math.max(0, ...writes.map(({ at, took }) => at + took))
  const final = Array.from({ length: 60 }, () => ({ at: last + 60_000, skew: 0 }))
  const visible = writes
    .map(({ at, skew, took }) => ({ at: at + took, entry: ulid(now + at + skew) as Seq }))
    .sort((a, b) => a.at - b.at)
  let cursor: Cursor = startOfFeedback
  let next = 0
  for (const { at, skew } of [...[...reads].sort((a, b) => a.at - b.at), ...final]) {
    for (let write = visible[next]; write && write.at <= at; write = visible[++next]) {
      store.put(topicA, row(write.entry))
      written.push(write.entry)
    }
    const rows = store.read(topicA, cursor.settled, PAGE_ROWS)
    const result = nextPage(cursor, rows, now + at + skew)
    read.push(...result.page.map(({ entry }) => entry))
    // the cursor makes its way through a URL
    cursor = parseCursor(encodeCursor(result.next)) ?? startOfFeedback
  }
  return { written, read }
}

const skew = fc.integer({ min: -SKEW_MS, max: SKEW_MS })
const took = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: MAX_WRITE_MS }))
const readsWithin = (ms: number) => fc.array(fc.record({ at: fc.nat(ms), skew }), { maxLength: 40 })
const writesWithin = (ms: number, minLength: number, maxLength: number) =>
  fc.array(fc.record({ at: fc.nat(ms), skew, took }), { minLength, maxLength })

test('paging neither skips nor repeats, in whatever order entries become readable', () => {
  const writes = writesWithin(60_000, 0, 120)
  fc.assert(
    fc.property(writes, readsWithin(70_000), (written, reads) => {
      const result = page(written, reads)
      expect([...result.read].sort()).toEqual([...result.written].sort())
    }),
    { numRuns: 300 },
  )
})

test('nor when more is written at once than a cursor can remember, or a page can hold', () => {
  const writes = writesWithin(8_000, 700, 1_200)
  fc.assert(
    fc.property(writes, readsWithin(30_000), (written, reads) => {
      const result = page(written, reads)
      expect([...result.read].sort()).toEqual([...result.written].sort())
    }),
    // shrinking a thousand writes takes minutes and shows no more
    { numRuns: 25, endOnFailure: true },
  )
})

test('an entry that was handed out young is not repeated when many come before it', () => {
  const young = Array.from({ length: 150 }, (_, index) => row(ulid(now - 1_000 + index) as Seq))
  const first = nextPage(startOfFeedback, young, now)
  expect(first.page).toHaveLength(150)
  const earlier = Array.from({ length: 150 }, (_, index) => row(ulid(now - 5_000 + index) as Seq))
  const second = nextPage(first.next, [...earlier, ...young], now)
  expect(second.page).toEqual([])
  const settled = nextPage(second.next, [...earlier, ...young], now + SETTLE_MS)
  expect(settled.page).toEqual(earlier)
})

test('what has settled comes oldest first', () => {
  const rows = Array.from({ length: 10 }, (_, index) => row(ulid(now + index) as Seq))
  expect(nextPage(startOfFeedback, rows, now + 60_000).page).toEqual(rows)
})

test('a cursor fits into the header and URL limits of API Gateway', () => {
  const rows = Array.from({ length: 500 }, (_, index) => row(ulid(now - 1_000 + index) as Seq))
  const { next } = nextPage({ settled: ulid(now) as Seq, seen: [] }, rows, now)
  expect(encodeCursor(next).length).toBeLessThan(8_000)
})

test.each([
  ['a word', 'nonsense'],
  ['a dot', '.'],
  ['two dots', '..'],
  ['a mark that is too short', `${ulid(now)}.short`],
  ['a mark that is too long', `.${ulid(now)}0`],
  ['a mark with something before it', `.x${ulid(now)}`],
  ['a place in lower case', ulid(now).toLowerCase()],
  ['more marks than are remembered', Array.from({ length: 152 }, () => ulid(now)).join('.')],
])('%s is no cursor', (_what, text) => {
  expect(parseCursor(text)).toBeUndefined()
})

test('any text is read or refused, never a fault', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const cursor = parseCursor(text)
      if (cursor) expect(encodeCursor(cursor)).toBe(text)
    }),
  )
})

test('an entry has settled when the whole settling time is over', () => {
  const [early, late] = [row(ulid(now - SETTLE_MS) as Seq), row(ulid(now - SETTLE_MS + 1) as Seq)]
  expect(nextPage(startOfFeedback, [early], now).next).toEqual({ settled: early.entry, seen: [] })
  expect(nextPage(startOfFeedback, [late], now).next).toEqual({
    settled: undefined,
    seen: [late.entry],
  })
})

test('a cursor forgets what it has seen once that has settled, and so grows no longer', () => {
  const [one, two] = [row(ulid(now) as Seq), row(ulid(now + 1) as Seq)]
  const cursor = { settled: undefined, seen: [one.entry, two.entry] }
  expect(nextPage(cursor, [one, two], now + SETTLE_MS).next).toEqual({
    settled: one.entry,
    seen: [two.entry],
  })
  expect(nextPage(cursor, [one, two], now + SETTLE_MS + 1).next).toEqual({
    settled: two.entry,
    seen: [],
  })
})
