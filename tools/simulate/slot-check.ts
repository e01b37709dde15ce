import { isExpired } from '@heliograph/core/notification'
import type { Life } from './life.ts'

/** It is, or at some time since then was, in its slot, where what has expired counts for nothing. */
function wasIn({ kept, leftAt, notification }: Life, since: number, skew: number): boolean {
  return kept && (leftAt === undefined || leftAt >= since) && !isExpired(notification, since - skew)
}

/**
 * Whether this notification, of a topic with a slot for each collapse id, may have had to make room
 * at some time since `since`: for a newer one of its collapse id, or for as many as may wait.
 */
export function isOvertaken(
  life: Life,
  ofTopic: readonly Life[],
  since: number,
  skew: number,
): boolean {
  const { seq, collapseId, perCollapseId } = life.notification
  if (perCollapseId === undefined) return true
  const newer = ofTopic.filter((one) => one.notification.seq > seq && wasIn(one, since, skew))
  const isSame = ({ notification }: Life) => notification.collapseId === collapseId
  return newer.length >= perCollapseId || (collapseId !== undefined && newer.some(isSame))
}

/**
 * Why somebody who looked at the slots after `since` must not send this one as stored now: an older
 * one waits, or so many newer ones do that it does not wait any more. What has expired by the sender's
 * clock, or what it cannot know to be genuine, counts for nothing.
 */
export function faultOfTurn(
  life: Life,
  ofTopic: readonly Life[],
  { since, nowMs, isGenuine }: TurnContext,
): string | undefined {
  const { seq, perCollapseId } = life.notification
  if (perCollapseId === undefined) return undefined
  const waiting = ofTopic.filter(
    ({ notification, kept, keptAt = since, leftAt }) =>
      notification.perCollapseId !== undefined &&
      kept &&
      leftAt === undefined &&
      keptAt < since &&
      !isExpired(notification, nowMs) &&
      isGenuine(notification),
  )
  const newer = waiting.filter(({ notification }) => notification.seq > seq)
  if (newer.length >= perCollapseId) return `${newer.length} newer ones wait`
  const inTurn = waiting.slice(Math.max(0, waiting.length - perCollapseId))
  const older = inTurn.find(({ notification }) => notification.seq < seq)
  return older && `${older.name} is older and waits`
}

export interface TurnContext {
  /** True time from which on the sender looked. */
  readonly since: number
  /** By the sender's clock. */
  readonly nowMs: number
  isGenuine(notification: Life['notification']): boolean
}
