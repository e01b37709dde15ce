import { type DeviceRequest, tellError, topicOf } from './device-request.ts'
import type { DeviceId, Topic } from './identifiers.ts'
import { outcomeOf } from './outcome.ts'
import type {
  Clock,
  Connections,
  Feedback,
  Outcomes,
  PendingNotifications,
  Registrations,
  TokenKeyRing,
} from './ports.ts'
import { tokensSince } from './token.ts'

export interface UnregisterPorts {
  readonly clock: Clock
  readonly pending: PendingNotifications
  readonly registrations: Registrations
  readonly feedback: Feedback
  readonly ring: TokenKeyRing
  readonly outcomes: Outcomes
}

export type UnregisterResult = 'unregistered' | 'refused' | 'overtaken'

/** A device gives a topic up: its token is dead from now on, and the provider learns it. */
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
 * Marks the registration dead, then clears its slot, then writes the feedback. The order matters: a
 * deliver that stores in between reads the registration after its put. Every step may be repeated.
 */
export async function endRegistration(
  deviceId: DeviceId,
  topic: Topic,
  at: number,
  ports: UnregisterPorts,
): Promise<UnregisterResult> {
  const { applied, registration } = await ports.registrations.change(deviceId, topic, false, at)
  if (!applied) return 'overtaken'
  const cleared = await ports.pending.clear(deviceId, topic)
  if (cleared) ports.outcomes.record(outcomeOf('unregistered', cleared, ports.clock.now()))
  const tokens = tokensSince(await ports.ring.keys(), registration.registeredAt, deviceId, topic)
  for (const token of tokens) {
    const entry = { token, timestamp: at, reason: 'Unregistered' as const }
    await ports.feedback.write(topic, `unregistered:${token}:${at}`, entry)
  }
  return 'unregistered'
}
