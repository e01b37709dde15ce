import { BUSY_ATTEMPTS, SLOT_RETRY_SECONDS } from '@heliograph/protocol/retry'
import { isExpired, type Notification } from '../notification.ts'
import type { Claims, Sent } from '../ports.ts'
import type { Attempt, Delivery } from './attempt.ts'
import { isSilent, send, sendUnconfirmed } from './direct-message.ts'
import { type DrainPorts, drain, sendStored } from './drain.ts'
import { end, endWithFeedback } from './end.ts'
import { isDead, placeInSlot, store } from './slot.ts'
import { waitingOn } from './waiting.ts'

export type DeliverPorts = DrainPorts & {
  readonly claims: Claims
  /** How long a notification from accept waits for the device's acknowledgement. */
  readonly patienceMs: number
}

/** How long after acceptance a notification is sent without looking up its registration. */
export const FRESH_MS = 20_000

/**
 * What to do after the answer to a direct message. Pure, so that the simulation can run it a
 * million times.
 */
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

/**
 * Brings one notification from the queue to its end, or into its slot. The order of the steps
 * matters.
 */
export async function deliver(
  notification: Notification,
  attempt: Attempt,
  ports: DeliverPorts,
): Promise<Delivery> {
  if (attempt.slotOnly) return drain(notification, attempt, ports)
  if (attempt.number > 1) {
    const place = await placeInSlot(notification, ports)
    if (place === 'in-slot') return drain(notification, attempt, ports)
    if (place === 'newer-in-slot') return end('coalesced', notification, ports)
  }
  if (isOld(notification, attempt, ports) && (await isDead(notification, ports))) {
    if (attempt.number > 1) await passOn(notification, ports)
    return end('unregistered', notification, ports)
  }
  if (notification.idFromProvider && (await isDuplicate(notification, ports)))
    return end('duplicate', notification, ports)
  // the last check before the send, so that no time passes in between
  if (isExpired(notification, ports.clock.now())) {
    if (attempt.number > 1) await passOn(notification, ports)
    return endWithFeedback('expired', 'Expired', notification, ports)
  }
  return sendDirect(notification, attempt, ports)
}

/**
 * A fresh notification is sent without a check, because accept has just read its registration. For
 * one that has waited longer, the registration is read again, so that nothing is sent to a token
 * long after it has died (I4).
 */
function isOld({ acceptedAt }: Notification, attempt: Attempt, ports: DeliverPorts): boolean {
  return attempt.number > 1 || ports.clock.now() - acceptedAt > FRESH_MS
}

/** Asked of an id that the provider chose: no other can arrive twice (§12.3: clients repeat it on errors). */
async function isDuplicate(notification: Notification, ports: DeliverPorts): Promise<boolean> {
  return (await ports.claims.claim(notification)) !== notification.seq
}

async function sendDirect(
  notification: Notification,
  attempt: Attempt,
  ports: DeliverPorts,
): Promise<Delivery> {
  const sent = isSilent(notification, ports)
    ? await tellSilent(notification, ports)
    : await send(notification, false, ports, ports.patienceMs)
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
      return hold(notification, sent, ports)
  }
}

/**
 * Nothing waits for a silent device; a notification that may not be stored still gets its one
 * attempt.
 */
async function tellSilent(notification: Notification, ports: DeliverPorts): Promise<Sent> {
  return notification.expiration === 0 ? sendUnconfirmed(notification, ports) : 'unconfirmed'
}

/**
 * The device did not take it: store it (the newest wins). If the device was not connected, send it
 * once more, because a device that connected and drained between the first send and the put would
 * otherwise have to wait for its next connect. Nothing is sent twice in a row to a device that is
 * connected but silent.
 */
async function hold(
  notification: Notification,
  sent: Sent,
  ports: DeliverPorts,
): Promise<Delivery> {
  const kept = await store(notification, ports)
  if (kept === 'gone') await passOn(notification, ports)
  if (kept !== 'stored') return 'done'
  if (notification.perCollapseId !== undefined) return holdInLine(notification, sent, ports)
  const after = sent === 'unconfirmed' ? 'again' : await sendStored(notification, ports)
  if (after === 'again') await ports.queue.send(notification, SLOT_RETRY)
  return 'done'
}

/**
 * What waits longest is what is sent once more. If the device takes it, a drain of its own follows:
 * this one may have begun late.
 */
async function holdInLine(
  notification: Notification,
  sent: Sent,
  ports: DeliverPorts,
): Promise<Delivery> {
  const [first] = await waitingOn(notification, ports)
  if (!first) return 'done'
  const step = sent === 'unconfirmed' ? 'again' : await sendStored(first, ports)
  if (step === 'again') await ports.queue.send(notification, SLOT_RETRY)
  if (step === 'settled') await passOn(notification, ports)
  return 'done'
}

/**
 * While it was in its slot, the messages of older ones of its line may have been left to its own:
 * whatever it came to, somebody has to look at the line once more.
 */
async function passOn(notification: Notification, { queue }: DeliverPorts): Promise<void> {
  if (notification.perCollapseId !== undefined) await queue.send(notification, { slotOnly: true })
}

/** For the queue: drain the slot, after a rest. */
const SLOT_RETRY = { slotOnly: true, delaySeconds: SLOT_RETRY_SECONDS } as const
