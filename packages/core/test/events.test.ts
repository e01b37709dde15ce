import type { DeviceToken } from '@heliograph/protocol/identifiers'
import type { Announcement } from '@heliograph/protocol/messages'
import { announcedOutcomes, outcomeKinds } from '@heliograph/protocol/outcome'
import { describe, expect, test } from 'vitest'
import { notification, now, topicA, topicB } from '../../../test/contract/samples.ts'
import {
  announcementOf,
  attributesOf,
  deathOf,
  parseAnnouncement,
  parseAnnouncements,
  serializeAnnouncements,
} from '../src/events/announcement.ts'
import {
  areEventsOff,
  type EventSettings,
  parseEventSettings,
  wantsEvent,
} from '../src/events/event-settings.ts'
import { outcomeOf } from '../src/outcome.ts'

const one = notification()
const heard = (kind: (typeof announcedOutcomes)[number]) =>
  announcementOf(outcomeOf(kind, one, now)) as Announcement
const token = 'ab'.repeat(32) as DeviceToken
const death = deathOf({ topic: topicA, token, at: now }, 'ExpiredToken')

describe('what subscribers hear', () => {
  test('every outcome but that a notification was accepted', () => {
    const kinds = outcomeKinds.filter((kind) => announcementOf(outcomeOf(kind, one, now)))
    expect(kinds).toEqual(announcedOutcomes)
    expect(outcomeKinds.filter((kind) => kind !== 'accepted')).toEqual(announcedOutcomes)
  })

  test('of an outcome: what a provider knows it by, when, and why', () => {
    const newer = { uniqueId: 'newer' }
    expect(announcementOf(outcomeOf('coalesced', one, now + 5, newer))).toEqual({
      ...{ type: 'notification', outcome: 'coalesced', topic: topicA, replacedBy: 'newer' },
      ...{ id: one.id, uniqueId: one.uniqueId, pushType: 'alert', priority: one.priority },
      ...{ acceptedAt: one.acceptedAt, at: now + 5, age: now + 5 - one.acceptedAt },
    })
  })

  test.each([
    ['expired', 'Expired'],
    ['undeliverable', 'Undeliverable'],
    ['unregistered', 'Unregistered'],
    ['delivered', undefined],
    ['dead-lettered', undefined],
  ] as const)('of %s the reason is %s, as in the feedback', (kind, reason) => {
    expect(heard(kind).reason).toBe(reason)
  })

  test('neither the device nor a token nor the payload', () => {
    const text = JSON.stringify(heard('expired'))
    for (const secret of [one.deviceId, one.tokenFingerprint, one.payload, 'tokenFingerprint'])
      expect(text).not.toContain(secret)
  })

  test('of a dead token: which, since when, and why', () => {
    expect(death).toEqual({
      ...{ type: 'token', outcome: 'dead-token', topic: topicA, token, at: now },
      reason: 'ExpiredToken',
    })
  })

  test('attributes to filter by, none of them empty', () => {
    expect(attributesOf(death)).toEqual({
      ...{ topic: topicA, outcome: 'dead-token', reason: 'ExpiredToken' },
    })
    expect(attributesOf(heard('expired'))).toEqual({
      ...{ topic: topicA, outcome: 'expired', reason: 'Expired', pushType: 'alert' },
    })
    expect(Object.keys(attributesOf(heard('stored')))).toEqual(['topic', 'outcome', 'pushType'])
  })
})

describe('on the way in a queue', () => {
  const all = [...announcedOutcomes.map(heard), death]

  test('they come out as they went in', () => {
    expect(parseAnnouncements(serializeAnnouncements(all))).toEqual(all)
  })

  const bad = (changes: object, of: Announcement = death) =>
    serializeAnnouncements([heard('stored'), { ...of, ...changes } as Announcement])
  test.each([
    ['no JSON', '{'],
    ['outcomes', '[]'],
    ['nothing', 'null'],
    ['no list', '{"announcements":{}}'],
    ['something else in the list', '{"announcements":[null]}'],
    ['another type', bad({ type: 'x' })],
    ['a topic that is none', bad({ topic: 'not a topic' })],
    ['a token that is none', bad({ token: 'x' })],
    ['a reason that is none', bad({ reason: 'x' })],
    ['a time that is none', bad({ at: 'now' })],
    ['an outcome that none can have', bad({ outcome: 'accepted' }, heard('stored'))],
    ['an id that is none', bad({ id: 'x' }, heard('stored'))],
    ['a push type that is no text', bad({ pushType: 1 }, heard('stored'))],
    ['an age that is no number', bad({ age: null }, heard('stored'))],
  ])('%s is not believed', (_what, body) => {
    expect(parseAnnouncements(body)).toBeUndefined()
  })
})

describe('one event, as a subscriber gets it', () => {
  test.each([heard('coalesced'), death])('is read: %j', (event) => {
    expect(parseAnnouncement(JSON.stringify(event))).toEqual(event)
  })

  test.each(['{', 'null', '{}', serializeAnnouncements([death])])('is not %s', (text) => {
    expect(parseAnnouncement(text)).toBeUndefined()
  })
})

describe('the level of a topic', () => {
  const settings = (level: EventSettings['default']): EventSettings => ({
    default: 'all',
    topics: { [topicA]: level },
  })
  test.each([
    ['off', []],
    ['tokens', ['dead-token']],
    ['exceptions', [...announcedOutcomes.filter((kind) => kind !== 'delivered'), 'dead-token']],
    ['all', [...announcedOutcomes, 'dead-token']],
  ] as const)('%s: %j', (level, expected) => {
    const all = [...announcedOutcomes.map(heard), death]
    const wanted = all.filter((each) => wantsEvent(settings(level), each))
    expect(wanted.map(({ outcome }) => outcome)).toEqual(expected)
  })

  test('is the default where none is set, also for a topic with a name of JavaScript', () => {
    const off = { default: 'off', topics: { [topicA]: 'all' } } as const
    expect(wantsEvent(off, { ...death, topic: topicB })).toBe(false)
    expect(wantsEvent(off, { ...death, topic: 'constructor' as typeof topicA })).toBe(false)
    expect(wantsEvent(off, death)).toBe(true)
  })

  test('is off for the stage only if it is off for every topic', () => {
    expect(areEventsOff({ default: 'off', topics: { [topicA]: 'off' } })).toBe(true)
    expect(areEventsOff({ default: 'off', topics: { [topicA]: 'tokens' } })).toBe(false)
    expect(areEventsOff(settings('off'))).toBe(false)
  })

  test('is read as the stack wrote it, or not at all', () => {
    const text = JSON.stringify(settings('tokens'))
    expect(parseEventSettings(text)).toEqual(settings('tokens'))
    for (const malformed of ['{}', 'null', '{"default":"all"}', '{"default":"x","topics":{}}'])
      expect(() => parseEventSettings(malformed)).toThrow('malformed')
  })
})
