import type { Topic } from '@heliograph/protocol/identifiers'
import type { Notification } from '../notification.ts'

declare const named: unique symbol

/**
 * Which slot of a device a notification waits in. A topic that keeps its newest notification has one
 * slot, of its own name; one that keeps the newest of each collapse id has
 * `<topic>#collapse:<apns-collapse-id>` for each, and `<topic>#seq:<seq>` for each notification
 * without one.
 */
export type SlotName = Topic | (string & { readonly [named]: 'SlotName' })

/** Below every character that may follow in a topic, so that the slots of a topic are neighbors. */
const MARK = '#'
const AFTER_MARK = '$'

type Slotted = Pick<Notification, 'topic' | 'seq' | 'collapseId' | 'perCollapseId'>

export function slotName({ topic, seq, collapseId, perCollapseId }: Slotted): SlotName {
  if (perCollapseId === undefined) return topic
  const own = collapseId === undefined ? ['seq', seq] : ['collapse', collapseId]
  return `${topic}${MARK}${own.join(':')}` as SlotName
}

/** Every slot of the topic is from `first` to `last`, and no slot of another topic is. */
export function slotsOf(topic: Topic): { readonly first: string; readonly last: string } {
  return { first: topic, last: `${topic}${AFTER_MARK}` }
}
