import type { Announcement } from '@heliograph/protocol/messages'
import { type EventLevel, eventLevels } from '@heliograph/protocol/outcome'

/** Which events are published: for the topics named here, and for all others. */
export interface EventSettings {
  readonly default: EventLevel
  readonly topics: Readonly<Record<string, EventLevel>>
}

/**
 * Whether subscribers are told. A notification that was delivered at once is not an exception; one
 * that was stored is, until its end.
 */
export function wantsEvent(
  settings: EventSettings,
  { topic, outcome }: Pick<Announcement, 'topic' | 'outcome'>,
): boolean {
  const level = Object.hasOwn(settings.topics, topic) ? settings.topics[topic] : settings.default
  if (level === 'tokens') return outcome === 'dead-token'
  if (level === 'exceptions') return outcome !== 'delivered'
  return level === 'all'
}

/** Whether nobody is told of anything. */
export function areEventsOff({ default: rest, topics }: EventSettings): boolean {
  return [rest, ...Object.values(topics)].every((level) => level === 'off')
}

/** The setting that the stack has put into a function's variable. */
export function parseEventSettings(text: string): EventSettings {
  const value: unknown = JSON.parse(text)
  if (!isSettings(value)) throw new Error('the event settings of this function are malformed')
  return value
}

function isSettings(value: unknown): value is EventSettings {
  if (typeof value !== 'object' || value === null || !('default' in value)) return false
  if (!('topics' in value) || typeof value.topics !== 'object' || value.topics === null)
    return false
  const levels: readonly unknown[] = [value.default, ...Object.values(value.topics)]
  return levels.every((level) => eventLevels.some((known) => known === level))
}
