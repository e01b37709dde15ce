import type { DeviceId, Topic } from '@heliograph/protocol/identifiers'
import { dropDead, isDead, type SlotPorts } from '../delivery/slot.ts'
import { tokenFingerprint } from '../notification.ts'
import type {
  Connections,
  DeadTokens,
  Registration,
  Registrations,
  TokenKeyRing,
} from '../ports.ts'
import { tokensSince } from '../token/token.ts'
import { type DeviceRequest, tellError, topicOf } from './device-request.ts'

export interface UnregisterPorts extends SlotPorts {
  readonly registrations: Registrations
  readonly ring: TokenKeyRing
  readonly deadTokens: DeadTokens
}

/** A function's copy of the key ring may be a minute old, and clocks differ. */
const KEY_LAG_MS = 120_000

export type UnregisterResult = 'unregistered' | 'refused' | 'overtaken'

/** A device gives up a topic: its token is dead from now on, and the provider is told. */
export async function unregister(
  request: DeviceRequest,
  ports: UnregisterPorts & { readonly connections: Connections },
): Promise<UnregisterResult> {
  const topic = topicOf(request)
  const known = topic && (await ports.registrations.find(request.deviceId, topic))
  if (!topic || !known) {
    const reason = topic ? 'UnknownTopic' : 'BadTopic'
    await tellError(ports.connections, request, 'unregister', reason)
    return 'refused'
  }
  return endRegistration(request.deviceId, topic, request.receivedAt, ports)
}

/**
 * Marks the registration dead, then empties its slots, then writes the feedback. The order matters:
 * a deliver that stores in between reads the registration after its put. Every step may be
 * repeated, and a repeat finishes what an earlier attempt started.
 */
export async function endRegistration(
  deviceId: DeviceId,
  topic: Topic,
  at: number,
  ports: UnregisterPorts,
): Promise<UnregisterResult> {
  const registration = await ports.registrations.change(deviceId, topic, false, at)
  if (registration.live) return 'overtaken'
  await emptySlots(deviceId, topic, ports)
  await tellProviders(registration, ports)
  return 'unregistered'
}

/**
 * Permanently ends every registration of a revoked device, including dead ones: a register message
 * that is processed late would otherwise bring them back. The device must already be marked as
 * revoked. Every step may be repeated, and a repeat finishes what an earlier attempt started.
 */
export async function revokeRegistrations(
  deviceId: DeviceId,
  at: number,
  ports: UnregisterPorts,
): Promise<Registration[]> {
  const revoked: Registration[] = []
  for (const { topic } of await ports.registrations.list(deviceId)) {
    const registration = await ports.registrations.revoke(deviceId, topic, at)
    await emptySlots(deviceId, topic, ports)
    await tellProviders(registration, ports)
    revoked.push(registration)
  }
  return revoked
}

/**
 * The registration is read again after the slots: the device may have registered again, and the
 * notification in a slot may belong to the new registration. One that is put after this read has
 * another seq and stays.
 */
async function emptySlots(deviceId: DeviceId, topic: Topic, ports: UnregisterPorts): Promise<void> {
  for (const slot of await ports.pending.listOf(deviceId, topic))
    if (await isDead(slot, ports)) await dropDead(slot, ports)
}

async function tellProviders(registration: Registration, ports: UnregisterPorts): Promise<void> {
  const { deviceId, topic, registeredAt, unregisteredAt } = registration
  // it was never live, so no token has been given out for it
  if (unregisteredAt === undefined) return
  // the function that registered it may have used a key for a while after the next one was created
  const since = registeredAt - KEY_LAG_MS
  for (const token of tokensSince(await ports.ring.refreshed(), since, deviceId, topic)) {
    const entry = { token, timestamp: unregisteredAt, reason: 'Unregistered' as const }
    // the mark lasts as long as the entry, and the device may register again: so it contains no
    // live token
    const cause = `unregistered:${deviceId}:${tokenFingerprint(token)}:${unregisteredAt}`
    await ports.feedback.write(topic, cause, entry)
    ports.deadTokens.record({ topic, token, at: unregisteredAt })
  }
}
