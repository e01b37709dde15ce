import { DRAIN_WITHIN_MS } from '@heliograph/protocol/retry'
import { isExpired, type Notification } from '../notification.ts'
import type { NotificationQueue } from '../ports.ts'
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
import { waitingWith } from './waiting.ts'

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
 * stays with the queue until the device answers.
 */
export async function drain(
  notification: Notification,
  attempt: Pick<Attempt, 'last'>,
  ports: DrainPorts,
): Promise<Delivery> {
  const startedAt = ports.clock.now()
  const waiting = await waitingWith(notification, ports)
  for (const [place, one] of waiting.entries()) {
    if (place > 0) {
      if (Math.abs(ports.clock.now() - startedAt) > DRAIN_WITHIN_MS) return leaveRest(one, ports)
      if ((await placeInSlot(one, ports)) !== 'in-slot') continue
    }
    const step = await drainOne(one, attempt, ports)
    // what waits behind it must not overtake it
    if (step !== 'settled') return step === 'again' && !attempt.last ? 'again' : 'done'
  }
  return 'done'
}

/** To a message of its own: the device has taken some, so that this is no failed attempt. */
async function leaveRest(notification: Notification, { queue }: DrainPorts): Promise<'done'> {
  await queue.send(notification, { slotOnly: true })
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
