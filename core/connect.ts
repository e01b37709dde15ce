import { type Delivery, dropDead, SLOT_RETRY, type SlotPorts, sendStored } from './deliver.ts'
import { type DeviceRequest, tellError, tokensOf } from './device-request.ts'
import type { DeviceToken, Topic } from './identifiers.ts'
import { isExpired, type Notification } from './notification.ts'
import {
  downTopics,
  type NotificationQueue,
  type Registration,
  type Registrations,
  type TokenKey,
  type TokenKeyRing,
} from './ports.ts'
import { isForTopic, openToken, primaryKey, sealToken } from './token.ts'

export interface ConnectPorts extends SlotPorts {
  readonly registrations: Registrations
  readonly ring: TokenKeyRing
  readonly queue: NotificationQueue
}

export interface ConnectedMessage {
  readonly accepted: Topic[]
  readonly renewed: { readonly topic: Topic; readonly token: DeviceToken }[]
  readonly rejected: { readonly token: string; readonly reason: ConnectReason }[]
}

export type ConnectReason = 'BadDeviceToken' | 'NotYourToken' | 'Unregistered'

export interface ConnectResult extends ConnectedMessage {
  /** Slots that are settled; the others were left to the queue. */
  readonly drained: number
}

/** A device is there: every token it presents is opened, then its slots are sent, oldest first. */
export async function connect(
  request: DeviceRequest,
  ports: ConnectPorts,
): Promise<ConnectResult | 'refused'> {
  const tokens = tokensOf(request)
  if (!tokens) {
    await tellError(ports.connections, request, 'connect', 'BadRequest')
    return 'refused'
  }
  const { deviceId } = request
  const [registrations, slots] = await Promise.all([
    ports.registrations.list(deviceId),
    ports.pending.list(deviceId),
  ])
  const verdict = await judgeTokens(request, tokens, registrations, ports)
  await ports.connections.send(deviceId, downTopics.connected, JSON.stringify(verdict))
  return { ...verdict, drained: await drain(slots, registrations, ports) }
}

type Presented = NonNullable<ReturnType<typeof tokensOf>>

async function judgeTokens(
  { deviceId }: DeviceRequest,
  presented: Presented,
  registrations: readonly Registration[],
  ports: ConnectPorts,
): Promise<ConnectedMessage> {
  const message: ConnectedMessage = { accepted: [], renewed: [], rejected: [] }
  // read anew, within the ring's own limit: a rotated key is handed out at the next connect
  const keys = presented.length > 0 ? await ports.ring.refreshed() : []
  for (const { text, token } of presented) {
    const opened = token && openToken(keys, token)
    if (!opened) message.rejected.push({ token: text, reason: 'BadDeviceToken' })
    else if (opened.deviceId !== deviceId)
      message.rejected.push({ token: text, reason: 'NotYourToken' })
    else {
      const registration = registrations.find(({ topic }) => isForTopic(opened, topic))
      if (!registration?.live) message.rejected.push({ token: text, reason: 'Unregistered' })
      else if (opened.key.state === 'primary') message.accepted.push(registration.topic)
      else message.renewed.push(renew(registration, keys))
    }
  }
  return message
}

function renew({ deviceId, topic }: Registration, keys: readonly TokenKey[]) {
  return { topic, token: sealToken(primaryKey(keys), deviceId, topic) }
}

/**
 * Sends every slot of the device in the order of acceptance, one at a time. From the first that the
 * device does not acknowledge, the rest is left to the queue: a device with many silent apps would
 * else use up the time that this function has, and its other apps would never be served.
 */
async function drain(
  unsorted: readonly Notification[],
  registrations: readonly Registration[],
  ports: ConnectPorts,
): Promise<number> {
  const slots = [...unsorted].sort((a, b) => (a.seq < b.seq ? -1 : 1))
  for (const [place, slot] of slots.entries()) {
    if ((await drainSlot(slot, registrations, ports)) === 'done') continue
    await leaveToQueue(slots.slice(place), ports.queue)
    return place
  }
  return slots.length
}

async function leaveToQueue(
  [silent, ...rest]: readonly Notification[],
  queue: NotificationQueue,
): Promise<void> {
  for (const slot of rest) await queue.send(slot, { slotOnly: true })
  if (silent) await queue.send(silent, SLOT_RETRY)
}

/**
 * Registrations and slots were read at the same time: a slot whose registration looks dead is looked
 * at again, because the device may have registered in between.
 */
async function drainSlot(
  slot: Notification,
  registrations: readonly Registration[],
  ports: ConnectPorts,
): Promise<Delivery> {
  if (isExpired(slot, ports.clock.now())) return 'done'
  const listed = registrations.find(({ topic }) => topic === slot.topic)
  const live = listed?.live || (await ports.registrations.find(slot.deviceId, slot.topic))?.live
  return live ? sendStored(slot, ports) : dropDead(slot, ports)
}
