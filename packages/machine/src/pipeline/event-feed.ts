import { announcementOf, deathOf, isAnnounced } from '@heliograph/core/events/announcement'
import { wantsEvent } from '@heliograph/core/events/event-settings'
import type { Outcome } from '@heliograph/core/outcome'
import type { DeadTokens, Outcomes } from '@heliograph/core/ports'
import type { Topic } from '@heliograph/protocol/identifiers'
import type { Announcement } from '@heliograph/protocol/messages'
import type { EventLevel } from '@heliograph/protocol/outcome'

/** So many are remembered, for those who ask a moment late. */
const MOST_EVENTS = 10_000
/**
 * How long after the last question they are, milliseconds. Thousands a second that live for a second each would be much of
 * what the garbage collector has to do, for nobody.
 */
const LISTENED_MS = 10 * 60_000
/** In one answer. */
const PAGE = 500

/** What a listener gets. */
export interface HeardEvents {
  readonly events: readonly Announcement[]
  /** For the next question. */
  readonly next: number
  /** Events that were forgotten before this listener asked. */
  readonly missed: number
}

/** The newest events, in memory, for listeners on this machine; none where nobody listens. */
export interface EventFeed {
  /** Passes outcomes on to listeners as well. */
  heard(outcomes: Outcomes): Outcomes
  readonly deadTokens: DeadTokens
  tell(announcements: readonly Announcement[]): void
  /**
   * Events from number `from` on, or those from now on; if there are none yet, the answer waits for
   * the first one, up to this many milliseconds.
   */
  read(from: number | undefined, waitMs: number): Promise<HeardEvents>
}

/** @param now milliseconds, by a clock that is never set. */
export function eventFeed(level: EventLevel, now = () => performance.now()): EventFeed {
  const settings = { default: level, topics: {} }
  let events: Announcement[] = []
  /** The number of the first that is remembered. */
  let first = 0
  let askedAt = Number.NEGATIVE_INFINITY
  const waiting = new Set<() => void>()

  const isListenedTo = () => now() - askedAt < LISTENED_MS

  /** Only counted: who asks again is told how many. */
  function forget(): void {
    first += events.length + 1
    if (events.length > 0) events = []
  }

  function tell(announcement: Announcement): void {
    if (!wantsEvent(settings, announcement)) return
    if (!isListenedTo()) {
      forget()
      return
    }
    events.push(announcement)
    // seldom, as the whole list moves
    if (events.length >= 2 * MOST_EVENTS) {
      first += events.length - MOST_EVENTS
      events = events.slice(-MOST_EVENTS)
    }
    for (const wake of waiting) wake()
  }

  function hear(outcome: Outcome): void {
    if (!isListenedTo()) {
      const { kind, topic } = outcome
      const event = isAnnounced(kind) && { outcome: kind, topic: topic as Topic }
      if (event && wantsEvent(settings, event)) forget()
      return
    }
    const announcement = announcementOf(outcome)
    if (announcement) tell(announcement)
  }

  function within(waitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer)
        waiting.delete(wake)
        resolve()
      }
      const timer = setTimeout(wake, waitMs)
      waiting.add(wake)
    })
  }

  return {
    heard: (outcomes) => ({
      record(outcome) {
        outcomes.record(outcome)
        hear(outcome)
      },
      recordTogether(all) {
        outcomes.recordTogether(all)
        for (const one of all) hear(one)
      },
    }),
    deadTokens: { record: (dead) => tell(deathOf(dead, 'Unregistered')) },
    tell: (announcements) => announcements.forEach(tell),
    async read(from, waitMs) {
      askedAt = now()
      const end = () => first + events.length
      const wanted = Math.min(from ?? end(), end())
      if (wanted === end() && waitMs > 0) await within(waitMs)
      askedAt = now()
      const start = Math.max(wanted, first)
      const some = events.slice(start - first, start - first + PAGE)
      return { events: some, next: start + some.length, missed: start - wanted }
    },
  }
}
