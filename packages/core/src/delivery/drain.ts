import { isExpired, type Notification } from '../notification.ts'
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

export type DrainPorts = StorePorts & DirectMessagePorts

/** Sends what is still in the slot; the message stays with the queue until the device answers. */
export async function drain(
  notification: Notification,
  attempt: Pick<Attempt, 'last'>,
  ports: DrainPorts,
): Promise<Delivery> {
  if ((await placeInSlot(notification, ports)) !== 'in-slot') return 'done'
  if (await isDead(notification, ports)) {
    await dropDead(notification, ports)
    return 'done'
  }
  if (isSilent(notification, ports) && !attempt.last) return 'again'
  const after = await sendStored(notification, ports)
  return attempt.last ? 'done' : after
}

/** Sends a notification that is in its slot and settles the slot; `again` if nothing else will. */
export async function sendStored(
  notification: Notification,
  ports: SlotPorts & DirectMessagePorts,
): Promise<Delivery> {
  // left to the TTL, which ends it exactly once
  if (isExpired(notification, ports.clock.now())) return 'done'
  switch (await send(notification, true, ports)) {
    case 'acknowledged':
      return finish(notification, ports)
    // the next connect drains it
    case 'offline':
      return 'done'
    // connected, but silent or throttled: there may be no further connect that would drain it
    case 'unconfirmed':
    case 'busy':
      return 'again'
    case 'refused':
      return giveUp(notification, ports)
  }
}

async function finish(notification: Notification, ports: SlotPorts): Promise<'done'> {
  const removed = await removeSlot(notification, ports)
  if (removed) end('drained', notification, ports)
  return 'done'
}

async function giveUp(notification: Notification, ports: SlotPorts): Promise<'done'> {
  if (!(await removeSlot(notification, ports))) return 'done'
  return endWithFeedback('undeliverable', 'Undeliverable', notification, ports)
}
