import { outcomeKinds } from '@heliograph/protocol/outcome'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { notification, now, topicA, topicB } from '../../../test/contract/samples.ts'
import { type Outcome, outcomeOf } from '../src/outcome.ts'
import { alignedSpan, StatsSum } from '../src/stats/topic-stats.ts'

const MINUTE = 60_000
const span = { since: now, until: now + 10 * MINUTE, parts: 10 }
const one = notification({ topic: topicA, acceptedAt: now })
const at = (kind: Outcome['kind'], ms: number, changes: Partial<Outcome> = {}): Outcome => ({
  ...outcomeOf(kind, one, now + ms),
  ...changes,
})

function read(outcomes: readonly Outcome[], topics?: readonly string[]) {
  const sum = new StatsSum(span)
  for (const outcome of outcomes) sum.add(outcome)
  return sum.read(topics)
}

describe('the figures of a topic', () => {
  test('count outcomes, and what was received by push type and priority', () => {
    const [stats] = read([
      at('accepted', 0),
      at('accepted', 1, { pushType: 'background', priority: 5 }),
      at('delivered', 2),
      at('expired', 3),
    ])
    expect(stats?.counts).toMatchObject({ accepted: 2, delivered: 1, expired: 1, drained: 0 })
    expect(stats?.pushTypes).toEqual({ alert: 1, background: 1 })
    expect(stats?.priorities).toEqual({ 10: 1, 5: 1 })
  })

  test('have the times of each way by nearest rank, and none of what did not happen', () => {
    const ages = Array.from({ length: 100 }, (_, n) => at('delivered', 100 - n))
    const [stats] = read(ages)
    expect(stats?.online).toEqual({ p50: 50, p90: 90, p99: 99 })
    expect(stats).not.toHaveProperty('fromStorage')
    const [drained] = read([at('drained', 5_000)])
    expect(drained?.fromStorage).toEqual({ p50: 5_000, p90: 5_000, p99: 5_000 })
    expect(drained).not.toHaveProperty('online')
  })

  test('have parts, of which each has what happened in it', () => {
    const [stats] = read([
      at('accepted', 0),
      at('accepted', MINUTE - 1),
      at('delivered', MINUTE),
      at('drained', 10 * MINUTE - 1),
      at('stored', MINUTE),
    ])
    const parts = stats?.parts.map(({ received, delivered }) => [received, delivered])
    expect(parts?.[0]).toEqual([2, 0])
    expect(parts?.[1]).toEqual([0, 1])
    expect(parts?.[9]).toEqual([0, 1])
    expect(stats?.parts[1]?.at).toBe(now + MINUTE)
  })

  test('leave out what was before and after', () => {
    expect(read([at('accepted', -1), at('accepted', 10 * MINUTE)])).toEqual([])
  })
})

test('topics are apart, and those that were asked for are there without anything', () => {
  const other = outcomeOf('accepted', notification({ topic: topicB, acceptedAt: now }), now)
  const outcomes = [other, at('accepted', 1)]
  expect(read(outcomes).map(({ topic }) => topic)).toEqual([topicA, topicB])
  const asked = read(outcomes, [topicB, 'com.example.c'])
  expect(asked.map(({ topic, counts }) => [topic, counts.accepted])).toEqual([
    [topicB, 1],
    ['com.example.c', 0],
  ])
})

test('nothing is lost: parts add up to what was received and delivered', () => {
  const outcome = fc.record({
    kind: fc.constantFrom(...outcomeKinds),
    ms: fc.nat(10 * MINUTE - 1),
  })
  fc.assert(
    fc.property(fc.array(outcome, { minLength: 1 }), (drawn) => {
      const [stats] = read(drawn.map(({ kind, ms }) => at(kind, ms)))
      const counted = outcomeKinds.reduce((all, kind) => all + (stats?.counts[kind] ?? 0), 0)
      expect(counted).toBe(drawn.length)
      const parts = stats?.parts ?? []
      const received = parts.reduce((all, part) => all + part.received, 0)
      const delivered = parts.reduce((all, part) => all + part.delivered, 0)
      const { accepted = 0, delivered: direct = 0, drained = 0 } = stats?.counts ?? {}
      expect([received, delivered]).toEqual([accepted, direct + drained])
    }),
  )
})

describe('a span', () => {
  const HOUR = 60 * MINUTE
  const until = Date.parse('2030-06-15T10:17:23Z')
  test.each([
    ['an hour in 48', HOUR, 48, 2 * MINUTE],
    ['a day in 48', 24 * HOUR, 48, 30 * MINUTE],
    ['a minute in 48', MINUTE, 48, MINUTE],
    ['a day in 5', 24 * HOUR, 5, 288 * MINUTE],
  ])('of %s is in whole minutes', (_name, length, parts, partMs) => {
    const asked = { since: until - length, until, parts }
    const aligned = alignedSpan(asked, MINUTE)
    expect((aligned.until - aligned.since) / aligned.parts).toBe(partMs)
    expect(aligned.since % partMs).toBe(0)
    expect(aligned.since).toBeLessThanOrEqual(asked.since)
    expect(asked.since - aligned.since).toBeLessThan(partMs)
    expect(aligned.until).toBeGreaterThanOrEqual(until)
    expect(aligned.until - until).toBeLessThan(partMs)
    expect(aligned.parts).toBeLessThanOrEqual(parts + 1)
  })
})
