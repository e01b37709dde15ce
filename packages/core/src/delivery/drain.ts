import { isNewer } from '@heliograph/protocol/identifiers'
import { DRAIN_WITHIN_MS, LEFT_TO_NEWEST_MS } from '@heliograph/protocol/retry'
import { isExpired, type Notification } from '../notification.ts'
import type { Clock, NotificationQueue } from '../ports.ts'
import type { Attempt, Delivery } from './attempt.ts'
import { type DirectMessagePorts, isSilent, send } from './direct-message.ts'
import { end, endWithFeedback } from './end.ts'
import {
  dropDead,
  isDead,
  placeInSlot,
  removeSlot,
  type SlotPorts,
  type StorePorts,
} from './slot.ts'
import { waitingOn, waitingWith } from './waiting.ts'

export type DrainPorts = StorePorts &
  DirectMessagePorts & {
    /** The queue of slots to be tried again; a separate one, so that only slots wait there. */
    readonly queue: NotificationQueue
  }

/**
 * What became of a slot that was tried. `settled`: nothing is left to do. `waits`: the next connect
 * drains it. `again`: nothing else would.
 */
export type Step = 'settled' | 'waits' | 'again'

/**
 * Sends what is still in the slot, or all that waits on the topic, one after the other; the message
 * stays with the queue until the device answers, or until a newer one waits, which has its own.
 */
export async function drain(
  notification: Notification,
  attempt: Pick<Attempt, 'number' | 'last'>,
  ports: DrainPorts,
): Promise<Delivery> {
  if (isTooEarly(notification, attempt, ports)) return 'again'
  const startedAt = ports.clock.now()
  const waiting = await waitingWith(notification, ports)
  for (const [place, one] of waiting.entries()) {
    if (place > 0) {
      if (Math.abs(ports.clock.now() - startedAt) > DRAIN_WITHIN_MS)
        return leaveRest(waiting, ports)
      if ((await placeInSlot(one, ports)) !== 'in-slot') continue
    }
    const step = await drainOne(one, attempt, ports)
    const isLeft = isLeftToNewest(notification, waiting, ports.clock)
    // what waits behind it must not overtake it
    if (step !== 'settled') return afterStop(step, isLeft || attempt.last)
  }
  const since = await waitingSince(waiting, notification, ports)
  if (isStuck(since, waiting)) return afterStop('again', attempt.last)
  return leaveRest(since, ports)
}

/**
 * Nothing can be sent to a silent device, so the line is not read. Only the first attempt reads it
 * nevertheless: most messages end there, left to the newest.
 */
function isTooEarly(
  { deviceId, perCollapseId }: Notification,
  { number, last }: Pick<Attempt, 'number' | 'last'>,
  { silence, clock }: DrainPorts,
): boolean {
  return perCollapseId !== undefined && number > 1 && !last && silence.rests(deviceId, clock.now())
}

function afterStop(step: Step, isOver: boolean): Delivery {
  return step === 'again' && !isOver ? 'again' : 'done'
}

/**
 * Of all the messages that would try the same line again, that of the newest notification is
 * enough. Whoever stored that one queues it, or finds the device offline, so that its next connect
 * asks for a drain. One that was accepted long ago may have used up its attempts: nothing is left to
 * it.
 */
function isLeftToNewest(
  { seq }: Notification,
  waiting: readonly Notification[],
  clock: Clock,
): boolean {
  const newest = waiting.at(-1)
  if (!newest || !isNewer(newest.seq, seq)) return false
  return clock.now() - newest.acceptedAt <= LEFT_TO_NEWEST_MS
}

/** What was stored while the line was sent: its own message may have been left to this one. */
async function waitingSince(
  before: readonly Notification[],
  notification: Notification,
  ports: DrainPorts,
): Promise<readonly Notification[]> {
  if (notification.perCollapseId === undefined || before.length === 0) return []
  return waitingOn(notification, ports)
}

/**
 * The newest was settled and is still there, which no rule intends. A message that is new counts its
 * attempts anew, so another one each time would go on for ever, at the owner's cost.
 */
function isStuck(since: readonly Notification[], settled: readonly Notification[]): boolean {
  const newest = since.at(-1)
  return newest !== undefined && settled.some(({ seq }) => seq === newest.seq)
}

/** To the message of the newest: the device has taken some, so that this is no failed attempt. */
async function leaveRest(waiting: readonly Notification[], { queue }: DrainPorts): Promise<'done'> {
  const newest = waiting.at(-1)
  if (newest) await queue.send(newest, { slotOnly: true })
  return 'done'
}

async function drainOne(
  notification: Notification,
  attempt: Pick<Attempt, 'last'>,
  ports: DrainPorts,
): Promise<Step> {
  if (await isDead(notification, ports)) {
    await dropDead(notification, ports)
    return 'settled'
  }
  if (isSilent(notification, ports) && !attempt.last) return 'again'
  return sendStored(notification, ports)
}

/** Sends a notification that is in its slot and settles the slot. */
export async function sendStored(
  notification: Notification,
  ports: SlotPorts & DirectMessagePorts,
): Promise<Step> {
  // left to the TTL, which ends it exactly once
  if (isExpired(notification, ports.clock.now())) return 'settled'
  switch (await send(notification, true, ports)) {
    case 'acknowledged':
      return finish(notification, ports)
    case 'offline':
      return 'waits'
    // connected, but silent or throttled: there may be no further connect that would drain it
    case 'unconfirmed':
    case 'busy':
      return 'again'
    case 'refused':
      return giveUp(notification, ports)
  }
}

async function finish(notification: Notification, ports: SlotPorts): Promise<'settled'> {
  const removed = await removeSlot(notification, ports)
  if (removed) end('drained', notification, ports)
  return 'settled'
}

async function giveUp(notification: Notification, ports: SlotPorts): Promise<'settled'> {
  if (await removeSlot(notification, ports))
    await endWithFeedback('undeliverable', 'Undeliverable', notification, ports)
  return 'settled'
}
