import { isNewer } from '@heliograph/protocol/identifiers'
import { isExpired, type Notification } from '../notification.ts'
import { end } from './end.ts'
import { placeInSlot, removeSlot, type SlotPorts } from './slot.ts'

/** Oldest first. */
export interface Line {
  readonly waiting: readonly Notification[]
  /** One too many each: they count as coalesced, by whoever sees them first. */
  readonly beyond: readonly Notification[]
}

/**
 * Of the notifications in the slots of one device and topic, which keeps the newest of each collapse
 * id: what waits, in the order of acceptance. The newest says how many may. As this number is part of
 * what "waits" means, puts that happen at the same time need no lock to keep it. Pure.
 */
export function lineUp(slots: readonly Notification[], nowMs: number): Line {
  const inOrder = slots
    .filter((slot) => slot.perCollapseId !== undefined && !isExpired(slot, nowMs))
    .sort((a, b) => (isNewer(a.seq, b.seq) ? 1 : -1))
  const most = inOrder.at(-1)?.perCollapseId ?? 0
  const first = Math.max(0, inOrder.length - most)
  return { waiting: inOrder.slice(first), beyond: inOrder.slice(0, first) }
}

/**
 * What waits for the device on the topic of this notification, oldest first: where the topic keeps
 * its newest, the notification itself if it is still in its slot.
 */
export async function waitingWith(
  notification: Notification,
  ports: SlotPorts,
): Promise<readonly Notification[]> {
  if (notification.perCollapseId !== undefined) return waitingOn(notification, ports)
  return (await placeInSlot(notification, ports)) === 'in-slot' ? [notification] : []
}

/** What waits on a topic with a slot for each collapse id; ends what is one too many. */
export async function waitingOn(
  { deviceId, topic }: Pick<Notification, 'deviceId' | 'topic'>,
  ports: SlotPorts,
): Promise<readonly Notification[]> {
  const slots = await ports.pending.listOf(deviceId, topic)
  const { waiting, beyond } = lineUp(slots, ports.clock.now())
  for (const one of beyond)
    if (await removeSlot(one, ports)) end('coalesced', one, ports, waiting.at(-1))
  return waiting
}
