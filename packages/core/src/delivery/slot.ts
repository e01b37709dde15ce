import { isNewer } from '@heliograph/protocol/identifiers'
import { isExpired, type Notification } from '../notification.ts'
import { outcomeOf } from '../outcome.ts'
import type { Feedback, PendingNotifications, Registrations } from '../ports.ts'
import { type EndPorts, end, endWithFeedback } from './end.ts'
import { slotName } from './slot-name.ts'

/** What is needed to settle a slot. */
export interface SlotPorts extends EndPorts {
  readonly pending: PendingNotifications
  readonly feedback: Feedback
}

/** What is needed to fill a slot as well. */
export interface StorePorts extends SlotPorts {
  readonly registrations: Pick<Registrations, 'find'>
}

/**
 * Puts the notification into its slot, where the newest wins. `older`: a newer one was there.
 * `gone`: it was in its slot, until its token was seen to be dead. If someone else has already taken
 * it out of the slot, such as a drain that saw the token as live, it was stored nevertheless: the
 * receipt says so before that end.
 */
export async function store(
  notification: Notification,
  ports: StorePorts,
): Promise<'stored' | 'older' | 'gone'> {
  const stored = await ports.pending.put(notification, ports.clock.now())
  if (!stored.kept) {
    end('coalesced', notification, ports)
    return 'older'
  }
  if (stored.replaced) await endReplaced(stored.replaced, notification, ports)
  const dead = await isDead(notification, ports)
  if (dead && (await dropDead(notification, ports))) return 'gone'
  ports.outcomes.record(outcomeOf('stored', notification, ports.clock.now()))
  return dead ? 'gone' : 'stored'
}

/** The older one in the slot: coalesced, unless it had expired and DynamoDB was late. */
async function endReplaced(
  replaced: Notification,
  by: Notification,
  ports: SlotPorts,
): Promise<void> {
  if (isExpired(replaced, ports.clock.now()))
    await endWithFeedback('expired', 'Expired', replaced, ports)
  else end('coalesced', replaced, ports, by)
}

/** An earlier attempt may have stored it, and a newer one may have taken the slot since. */
export async function placeInSlot(
  notification: Notification,
  ports: Pick<SlotPorts, 'pending' | 'clock'>,
): Promise<'in-slot' | 'newer-in-slot' | 'elsewhere'> {
  const { deviceId, seq } = notification
  const slot = await ports.pending.find(deviceId, slotName(notification))
  if (slot?.seq === seq) return 'in-slot'
  return slot && isNewer(slot.seq, seq) && !isExpired(slot, ports.clock.now())
    ? 'newer-in-slot'
    : 'elsewhere'
}

/**
 * Whoever removes the slot records the outcome. False: a newer one took the slot, and that put has
 * recorded it.
 */
export function removeSlot(
  notification: Notification,
  { pending }: Pick<SlotPorts, 'pending'>,
): Promise<boolean> {
  return pending.remove(notification.deviceId, slotName(notification), notification.seq)
}

/**
 * Read after the put: unregister marks the registration dead before it clears the slot, so either
 * this read sees it dead or that clear sees this put.
 */
export async function isDead(
  { deviceId, topic }: Notification,
  ports: Pick<StorePorts, 'registrations'>,
): Promise<boolean> {
  return !(await ports.registrations.find(deviceId, topic))?.live
}

/**
 * Removes a notification for a dead token from its slot. False: someone else had already removed
 * it.
 */
export async function dropDead(
  notification: Notification,
  ports: EndPorts & Pick<SlotPorts, 'pending'>,
): Promise<boolean> {
  const removed = await removeSlot(notification, ports)
  if (removed) end('unregistered', notification, ports)
  return removed
}
