import type { NotificationId, Topic } from '@heliograph/protocol/identifiers'
import { parseDeviceToken, parseNotificationId, parseTopic } from '@heliograph/protocol/identifiers'
import type { Announcement } from '@heliograph/protocol/messages'
import { announcedOutcomes, type OutcomeKind } from '@heliograph/protocol/outcome'
import { type DeadTokenReason, deadTokenReasons } from '@heliograph/protocol/reasons'
import type { Outcome } from '../outcome.ts'
import type { DeadToken } from '../ports.ts'

/** Why a notification was not delivered, with the reasons of `GET /3/feedback`. */
const reasons = {
  expired: 'Expired',
  undeliverable: 'Undeliverable',
  unregistered: 'Unregistered',
} as const satisfies Partial<Record<OutcomeKind, string>>

/** An accepted notification is none that something became of. */
export function isAnnounced(kind: OutcomeKind): kind is (typeof announcedOutcomes)[number] {
  return kind !== 'accepted'
}

/**
 * What subscribers are told about an outcome; undefined if they are not told. It contains neither
 * the device nor the token.
 */
export function announcementOf(outcome: Outcome): Announcement | undefined {
  const { kind, id, uniqueId, topic, pushType, priority, acceptedAt, at, age, replacedBy } = outcome
  if (!isAnnounced(kind)) return undefined
  const announcement = {
    type: 'notification' as const,
    outcome: kind,
    // both were parsed when the outcome was made
    topic: topic as Topic,
    id: id as NotificationId,
    uniqueId,
    pushType,
    priority,
    acceptedAt,
    at,
    age,
  }
  if (!(kind in reasons || replacedBy)) return announcement
  return {
    ...announcement,
    ...(kind in reasons && { reason: reasons[kind as keyof typeof reasons] }),
    ...(replacedBy && { replacedBy }),
  }
}

/** What subscribers are told about a token that has died. */
export function deathOf({ topic, token, at }: DeadToken, reason: DeadTokenReason): Announcement {
  return { type: 'token', outcome: 'dead-token', topic, token, reason, at }
}

/** The attributes by which subscribers can filter without reading the message. */
export function attributesOf(announcement: Announcement): Readonly<Record<string, string>> {
  const { topic, outcome, reason } = announcement
  return {
    ...{ topic, outcome },
    ...(reason && { reason }),
    ...(announcement.type === 'notification' && { pushType: announcement.pushType }),
  }
}

export function serializeAnnouncements(announcements: readonly Announcement[]): string {
  return JSON.stringify({ announcements })
}

/** The announcements in a queue message, or undefined if it contains anything else. */
export function parseAnnouncements(text: string): readonly Announcement[] | undefined {
  const value = parseJson(text)
  if (typeof value !== 'object' || value === null || !('announcements' in value)) return undefined
  const { announcements } = value
  return Array.isArray(announcements) && announcements.every(isAnnouncement)
    ? announcements
    : undefined
}

/** One event as a subscriber gets it; undefined if it is not an event. */
export function parseAnnouncement(text: string): Announcement | undefined {
  const value = parseJson(text)
  return isAnnouncement(value) ? value : undefined
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

type Unparsed = Readonly<Record<string, unknown>>

function isAnnouncement(value: unknown): value is Announcement {
  if (typeof value !== 'object' || value === null) return false
  const one = value as Unparsed
  if (parseTopic(one.topic) === undefined || !Number.isSafeInteger(one.at)) return false
  return one.type === 'token' ? isDeath(one) : one.type === 'notification' && isOutcome(one)
}

function isDeath({ outcome, token, reason }: Unparsed): boolean {
  return (
    outcome === 'dead-token' &&
    parseDeviceToken(token) !== undefined &&
    deadTokenReasons.some((known) => known === reason)
  )
}

function isOutcome(one: Unparsed): boolean {
  const { outcome, uniqueId, pushType, reason = '', replacedBy = '' } = one
  return (
    announcedOutcomes.some((known) => known === outcome) &&
    parseNotificationId(one.id) !== undefined &&
    [uniqueId, pushType, reason, replacedBy].every((text) => typeof text === 'string') &&
    [one.priority, one.acceptedAt, one.age].every(Number.isSafeInteger)
  )
}
