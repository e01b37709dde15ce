import { announcementOf } from '@heliograph/core/events/announcement'
import { type Outcome, outcomeOf } from '@heliograph/core/outcome'
import type { DeviceToken } from '@heliograph/protocol/identifiers'
import { expect, test } from 'vitest'
import { notification, now, topicA } from '../../../test/contract/samples.ts'
import { eventFeed } from '../src/pipeline/event-feed.ts'

const heard: Outcome[] = []
const others = {
  record: (one: Outcome) => void heard.push(one),
  recordTogether: (some: readonly Outcome[]) => void heard.push(...some),
}
const outcome = (kind: Outcome['kind']) => outcomeOf(kind, notification(), now)
const dead = { topic: topicA, token: 'ab'.repeat(32) as DeviceToken, at: now }

test('a listener hears what comes after its first question, once', async () => {
  const feed = eventFeed('all')
  const outcomes = feed.heard(others)
  outcomes.record(outcome('stored'))
  const { next, events } = await feed.read(undefined, 0)
  expect(events).toEqual([])
  const [delivered, expired] = [outcome('delivered'), outcome('expired')]
  outcomes.recordTogether([delivered, outcome('accepted'), expired])
  feed.deadTokens.record(dead)
  const first = await feed.read(next, 0)
  expect(first.events).toEqual([
    ...[delivered, expired].map((one) => announcementOf(one)),
    { type: 'token', outcome: 'dead-token', reason: 'Unregistered', ...dead },
  ])
  expect((await feed.read(first.next, 0)).events).toEqual([])
  expect(heard).toHaveLength(4)
})

test('a question waits for the first event, and no longer than it says', async () => {
  const feed = eventFeed('all')
  const { next } = await feed.read(undefined, 0)
  const asked = feed.read(next, 60_000)
  feed.deadTokens.record(dead)
  expect((await asked).events).toHaveLength(1)
  expect(await feed.read(undefined, 5)).toMatchObject({ events: [], missed: 0 })
})

test('only what the level lets through', async () => {
  const feed = eventFeed('tokens')
  await feed.read(undefined, 0)
  feed.heard(others).record(outcome('expired'))
  feed.deadTokens.record(dead)
  expect((await feed.read(0, 0)).events.map((one) => one.outcome)).toEqual(['dead-token'])
})

test('a slow listener gets pages, and is told of what was forgotten', async () => {
  const feed = eventFeed('all')
  await feed.read(undefined, 0)
  for (let n = 0; n < 25_000; n += 1) feed.deadTokens.record({ ...dead, at: n })
  const first = await feed.read(0, 0)
  expect(first.events).toHaveLength(500)
  expect(first.missed).toBeGreaterThan(0)
  let next = first.next
  let count = first.events.length
  for (;;) {
    const page = await feed.read(next, 0)
    if (page.events.length === 0) break
    expect(page.missed).toBe(0)
    next = page.next
    count += page.events.length
  }
  expect(count + first.missed).toBe(25_000)
  expect(count).toBeGreaterThanOrEqual(10_000)
})

test('a number from an earlier server is read as the end', async () => {
  expect(await eventFeed('all').read(700, 0)).toEqual({ events: [], next: 0, missed: 0 })
})

test('nothing is kept where nobody listens, only counted', async () => {
  let nowMs = 5
  const feed = eventFeed('exceptions', () => nowMs)
  const outcomes = feed.heard(others)
  const five = () => {
    outcomes.recordTogether([outcome('accepted'), outcome('delivered'), outcome('expired')])
    outcomes.record(outcome('stored'))
    feed.deadTokens.record(dead)
  }
  five()
  const { next } = await feed.read(undefined, 0)
  expect(next).toBe(3)
  five()
  nowMs += 10 * 60_000 - 1
  five()
  expect((await feed.read(next, 0)).events).toHaveLength(6)
  nowMs += 10 * 60_000
  five()
  expect(await feed.read(next, 0)).toEqual({ events: [], next: 12, missed: 9 })
})
