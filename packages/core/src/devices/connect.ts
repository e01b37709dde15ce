import { isNewer } from '@heliograph/protocol/identifiers'
import type { DownMessage } from '@heliograph/protocol/messages'
import { downTopics } from '@heliograph/protocol/mqtt-topic'
import type { Notification } from '../notification.ts'
import type {
  Connections,
  NotificationQueue,
  PendingNotifications,
  Registration,
  Registrations,
  TokenKey,
  TokenKeyRing,
} from '../ports.ts'
import { isForTopic, openToken, primaryKey, sealToken } from '../token/token.ts'
import type { DeviceBudget } from './device-budget.ts'
import { type DeviceRequest, tellError, tokensOf } from './device-request.ts'

export interface ConnectPorts {
  readonly connections: Connections
  readonly pending: Pick<PendingNotifications, 'list'>
  readonly registrations: Pick<Registrations, 'list'>
  readonly ring: TokenKeyRing
  readonly queue: NotificationQueue
  /** Of this execution environment; for `slot`. */
  readonly budget: DeviceBudget
}

type ConnectedMessage = DownMessage<'connected'>

export interface ConnectResult extends ConnectedMessage {
  /** Slots that were handed to the queue, from which deliver sends them. */
  readonly pending: number
}

/**
 * A device has connected: every token that it presents is opened, and its slots are sent through
 * the queue. `deferred`: its slots were tried too often, so it gets no answer and asks again later.
 */
export async function connect(
  request: DeviceRequest,
  ports: ConnectPorts,
): Promise<ConnectResult | 'refused' | 'deferred'> {
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
  const drains = drainsOf(slots)
  if (!maySend(drains, request, ports)) return 'deferred'
  const verdict = await judgeTokens(request, tokens, registrations, ports)
  await leaveToQueue(drains, ports.queue)
  await ports.connections.tell(deviceId, downTopics.connected, JSON.stringify(verdict))
  return { ...verdict, pending: slots.length }
}

/**
 * Each slot is drained by itself, except those of a topic that has one for each collapse id: they go
 * one after the other, so one message drains them all. It is that of the newest, which is tried
 * again until the device answers.
 */
function drainsOf(slots: readonly Notification[]): readonly Notification[] {
  const alone = slots.filter(({ perCollapseId }) => perCollapseId === undefined)
  const inLine = slots
    .filter(({ perCollapseId }) => perCollapseId !== undefined)
    .sort((a, b) => (isNewer(a.seq, b.seq) ? 1 : -1))
  return [...alone, ...new Map(inLine.map((slot) => [slot.topic, slot])).values()]
}

function maySend(
  slots: readonly Notification[],
  { deviceId, receivedAt }: DeviceRequest,
  { budget }: ConnectPorts,
): boolean {
  return slots.length === 0 || budget.spend(deviceId, 'slot', receivedAt, slots.length).may
}

type Presented = NonNullable<ReturnType<typeof tokensOf>>

async function judgeTokens(
  { deviceId }: DeviceRequest,
  presented: Presented,
  registrations: readonly Registration[],
  ports: ConnectPorts,
): Promise<ConnectedMessage> {
  const message: ConnectedMessage = { accepted: [], renewed: [], rejected: [] }
  // read again, within the ring's own limit: a rotated key is handed out at the next connect
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
 * Asks deliver to try each slot, the oldest first. Nothing waits for the device here: a crowd of
 * silent devices would otherwise delay this function, and with it every device that connects in the
 * meantime.
 */
async function leaveToQueue(
  slots: readonly Notification[],
  queue: NotificationQueue,
): Promise<void> {
  const oldestFirst = [...slots].sort((a, b) => (a.seq < b.seq ? -1 : 1))
  await Promise.all(oldestFirst.map((slot) => queue.send(slot, { slotOnly: true })))
}
