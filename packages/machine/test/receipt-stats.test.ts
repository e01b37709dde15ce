import { randomUUID } from 'node:crypto'
import { timedUuid } from '@heliograph/core/ids'
import { type Outcome, outcomeOf } from '@heliograph/core/outcome'
import { describe, expect, test } from 'vitest'
import { notification, now, SetClock, topicA, topicB } from '../../../test/contract/samples.ts'
import { receiptStats } from '../src/operator/receipt-stats.ts'
import { openForTest } from './folder.ts'

const MINUTE = 60_000
const clock = new SetClock()

/** An hour before now, one topic; then more than one page of another, in the last minutes. */
const early = outcomesAt(now - 60 * MINUTE, 1, topicA)
const late = outcomesAt(now - 2 * MINUTE, 1_500, topicB)

function outcomesAt(ms: number, count: number, topic: string): Outcome[] {
  return Array.from({ length: count }, (_, n) => {
    const uniqueId = timedUuid(ms + n, randomUUID())
    const one = notification({ acceptedAt: ms + n, uniqueId, topic: topic as typeof topicA })
    return [outcomeOf('accepted', one, ms + n), outcomeOf('delivered', one, ms + n + 5)]
  }).flat()
}

describe('the figures of a machine', () => {
  async function read(minutes: number, level: 'all' | 'exceptions' = 'all', topics?: string[]) {
    const { receipts } = await openForTest({ clock })
    await receipts.write([...late, ...early])
    const span = { since: now - minutes * MINUTE, until: now, parts: 10 }
    return receiptStats(receipts, level, 7).read(span, topics)
  }

  test('are of every topic, over more rows than are read in a row', async () => {
    const { topics = [], note } = (await read(90)) ?? {}
    expect(topics.map(({ topic, counts }) => [topic, counts.accepted, counts.delivered])).toEqual([
      [topicA, 1, 1],
      [topicB, 1_500, 1_500],
    ])
    expect(topics[1]?.online).toEqual({ p50: 5, p90: 5, p99: 5 })
    expect(note).toContain('7 days')
    expect(note).not.toContain('more than were read')
  })

  test('leave out what was accepted before', async () => {
    const { topics = [] } = (await read(10)) ?? {}
    expect(topics.map(({ topic }) => topic)).toEqual([topicB])
  })

  test('are read from that time on, and not from the beginning', async () => {
    const { receipts } = await openForTest({ clock })
    await receipts.write([...late, ...early])
    const topics = new Set<string>()
    expect(await receipts.visit(now - 10 * MINUTE, ({ topic }) => topics.add(topic))).toBe(true)
    expect(topics).toEqual(new Set([topicB]))
  })

  test('are of a topic that was asked for, sent for or not', async () => {
    const { topics = [] } = (await read(10, 'all', ['com.example.none'])) ?? {}
    expect(topics.map(({ topic, counts }) => [topic, counts.accepted])).toEqual([
      ['com.example.none', 0],
    ])
  })

  test('are refused where not every receipt is kept', async () => {
    await expect(read(10, 'exceptions')).rejects.toThrow(/this machine keeps exceptions/)
  })
})
