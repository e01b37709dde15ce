import { isNewer } from './identifiers.ts'
import { deviceMessage, isExpired, type Notification } from './notification.ts'
import { type OutcomeKind, outcomeOf } from './outcome.ts'
import {
  type Claims,
  type Clock,
  type Connections,
  downTopics,
  type Feedback,
  type FeedbackReason,
  type NotificationQueue,
  type Outcomes,
  type PendingNotifications,
  type Registrations,
  type Sent,
} from './ports.ts'

/** What it takes to send and settle a slot; connect drains with the same. */
export interface SlotPorts {
  readonly clock: Clock
  readonly connections: Connections
  readonly pending: PendingNotifications
  readonly feedback: Feedback
  readonly outcomes: Outcomes
}

export interface DeliverPorts extends SlotPorts {
  readonly registrations: Registrations
  readonly claims: Claims
  readonly queue: NotificationQueue
}

export interface Attempt {
  /** How often the queue has handed this message out, 1 the first time. */
  readonly number: number
  /** True where the queue hands it out no more after this. */
  readonly last: boolean
  /** The message only asks to try the slot again; the notification is in it or has ended. */
  readonly slotOnly: boolean
}

/** `again`: leave the message to the queue, which hands it out later. */
export type Delivery = 'done' | 'again'

/** How long after acceptance a notification is sent without a look at its registration. */
export const FRESH_MS = 20_000

/** How long a slot rests before the queue tries it again, where its device is connected but silent. */
export const SLOT_RETRY_SECONDS = 10

/**
 * How often a throttled notification is tried for its own sake. IoT Core lets a connection have 100
 * messages a second: of a flood to one device the rest is coalesced, as if it were offline, instead
 * of circling in the queue until that gives it up.
 */
export const BUSY_ATTEMPTS = 4

/** What the answer to a direct message asks for. Pure, so that the simulation can run it a million times. */
export function decideAfterSend(
  sent: Sent,
  notification: Notification,
  attempt: Pick<Attempt, 'number'> = { number: 1 },
): { readonly do: 'finish' | 'hold' | 'drop' | 'again' | 'give-up' } {
  if (sent === 'busy' && attempt.number < BUSY_ATTEMPTS) return { do: 'again' }
  switch (sent) {
    case 'acknowledged':
      return { do: 'finish' }
    case 'busy':
    case 'offline':
    case 'unconfirmed':
      return { do: notification.expiration === 0 ? 'drop' : 'hold' }
    case 'refused':
      return { do: 'give-up' }
  }
}

/** Takes one notification from the queue to its end, or into its slot. The order of the steps matters. */
export async function deliver(
  notification: Notification,
  attempt: Attempt,
  ports: DeliverPorts,
): Promise<Delivery> {
  if (attempt.slotOnly) return retrySlot(notification, attempt, ports)
  if (attempt.number > 1) {
    const place = await placeInSlot(notification, ports)
    if (place === 'in-slot') return retrySlot(notification, attempt, ports)
    if (place === 'newer-in-slot') return end('coalesced', notification, ports)
  }
  if (isOld(notification, attempt, ports) && (await isDead(notification, ports)))
    return end('unregistered', notification, ports)
  if (await isDuplicate(notification, ports)) return end('duplicate', notification, ports)
  // the last question before the send, so that no time passes in between
  if (isExpired(notification, ports.clock.now()))
    return endWithFeedback('expired', 'Expired', notification, ports)
  return sendDirect(notification, attempt, ports)
}

/**
 * A fresh notification is sent on the word of accept, which has just read the registration. One that
 * waited longer is looked up again, so that no token gets anything long after it has died (I4).
 */
function isOld({ acceptedAt }: Notification, attempt: Attempt, ports: DeliverPorts): boolean {
  return attempt.number > 1 || ports.clock.now() - acceptedAt > FRESH_MS
}

async function sendDirect(
  notification: Notification,
  attempt: Attempt,
  ports: DeliverPorts,
): Promise<Delivery> {
  const sent = await send(notification, false, ports)
  switch (decideAfterSend(sent, notification, attempt).do) {
    case 'finish':
      return end('delivered', notification, ports)
    case 'drop':
      return endWithFeedback('expired', 'Expired', notification, ports)
    case 'give-up':
      return endWithFeedback('undeliverable', 'Undeliverable', notification, ports)
    case 'again':
      return 'again'
    case 'hold':
      return hold(notification, ports)
  }
}

/** Only an id that the provider chose can come twice (§12.3: clients repeat it on errors). */
async function isDuplicate(notification: Notification, ports: DeliverPorts): Promise<boolean> {
  if (!notification.idFromProvider) return false
  const { id, token, seq } = notification
  return (await ports.claims.claim(id, token, seq)) !== seq
}

/** An earlier attempt may have stored it, and a newer one may have taken the slot since. */
async function placeInSlot(
  { deviceId, topic, seq }: Notification,
  ports: DeliverPorts,
): Promise<'in-slot' | 'newer-in-slot' | 'elsewhere'> {
  const slot = await ports.pending.find(deviceId, topic)
  if (slot?.seq === seq) return 'in-slot'
  return slot && isNewer(slot.seq, seq) && !isExpired(slot, ports.clock.now())
    ? 'newer-in-slot'
    : 'elsewhere'
}

/**
 * The device did not take it: keep it, newest wins, and send it once more, because a device that
 * connected and drained between the first send and the put would else wait for its next connect.
 */
async function hold(notification: Notification, ports: DeliverPorts): Promise<Delivery> {
  const stored = await ports.pending.put(notification, ports.clock.now())
  if (!stored.kept) return end('coalesced', notification, ports)
  if (stored.replaced) await endReplaced(stored.replaced, ports)
  if (await isDead(notification, ports)) return dropDead(notification, ports)
  ports.outcomes.record(outcomeOf('stored', notification, ports.clock.now()))
  const after = await sendStored(notification, ports)
  if (after === 'again') await ports.queue.send(notification, SLOT_RETRY)
  return 'done'
}

/** For the queue: try the slot again, after a rest. */
export const SLOT_RETRY = { slotOnly: true, delaySeconds: SLOT_RETRY_SECONDS } as const

/** Sends what is still in the slot; the message stays with the queue until the device answers. */
async function retrySlot(
  notification: Notification,
  attempt: Attempt,
  ports: DeliverPorts,
): Promise<Delivery> {
  if ((await placeInSlot(notification, ports)) !== 'in-slot') return 'done'
  if (await isDead(notification, ports)) return dropDead(notification, ports)
  const after = await sendStored(notification, ports)
  return attempt.last ? 'done' : after
}

/** Sends a notification that is in its slot and settles the slot; `again` where nothing else will. */
export async function sendStored(notification: Notification, ports: SlotPorts): Promise<Delivery> {
  // left to the TTL, which ends it once
  if (isExpired(notification, ports.clock.now())) return 'done'
  switch (await send(notification, true, ports)) {
    case 'acknowledged':
      return finishStored(notification, ports)
    // the next connect drains it
    case 'offline':
      return 'done'
    // connected, but silent or throttled: no connect may follow that would drain it
    case 'unconfirmed':
    case 'busy':
      return 'again'
    case 'refused':
      return giveUpStored(notification, ports)
  }
}

/** Who removes the slot decides the outcome; where a newer one took the slot, that put has done so. */
async function finishStored(notification: Notification, ports: SlotPorts): Promise<'done'> {
  const { deviceId, topic, seq } = notification
  const removed = await ports.pending.remove(deviceId, topic, seq)
  if (removed) ports.outcomes.record(outcomeOf('drained', notification, ports.clock.now()))
  return 'done'
}

async function giveUpStored(notification: Notification, ports: SlotPorts): Promise<'done'> {
  const { deviceId, topic, seq } = notification
  if (!(await ports.pending.remove(deviceId, topic, seq))) return 'done'
  return endWithFeedback('undeliverable', 'Undeliverable', notification, ports)
}

/**
 * Read after the put: unregister marks the registration dead before it clears the slot, so either
 * this read sees it dead or that clear sees this put.
 */
export async function isDead(
  { deviceId, topic }: Notification,
  ports: Pick<DeliverPorts, 'registrations'>,
): Promise<boolean> {
  return !(await ports.registrations.find(deviceId, topic))?.live
}

/** Takes a notification for a dead token out of its slot. */
export async function dropDead(
  notification: Notification,
  ports: Pick<SlotPorts, 'pending' | 'outcomes' | 'clock'>,
): Promise<'done'> {
  const { deviceId, topic, seq } = notification
  const removed = await ports.pending.remove(deviceId, topic, seq)
  return removed ? end('unregistered', notification, ports) : 'done'
}

/** The older one in the slot: coalesced, unless its time had passed and DynamoDB was late. */
async function endReplaced(replaced: Notification, ports: DeliverPorts): Promise<void> {
  if (isExpired(replaced, ports.clock.now()))
    await endWithFeedback('expired', 'Expired', replaced, ports)
  else end('coalesced', replaced, ports)
}

function send(
  notification: Notification,
  stored: boolean,
  ports: Pick<SlotPorts, 'connections'>,
): Promise<Sent> {
  const message = deviceMessage(notification, stored)
  return ports.connections.send(notification.deviceId, downTopics.notification, message)
}

function end(
  kind: OutcomeKind,
  notification: Notification,
  ports: Pick<SlotPorts, 'outcomes' | 'clock'>,
): 'done' {
  ports.outcomes.record(outcomeOf(kind, notification, ports.clock.now()))
  return 'done'
}

/** Ends a notification and tells its provider; the entry is written before the outcome is recorded. */
export async function endWithFeedback(
  kind: OutcomeKind,
  reason: FeedbackReason,
  notification: Notification,
  ports: Pick<SlotPorts, 'feedback' | 'outcomes' | 'clock'>,
): Promise<'done'> {
  const { topic, token, id, seq } = notification
  const timestamp = ports.clock.now()
  await ports.feedback.write(topic, `${kind}:${seq}`, { token, timestamp, reason, id })
  ports.outcomes.record(outcomeOf(kind, notification, timestamp))
  return 'done'
}
