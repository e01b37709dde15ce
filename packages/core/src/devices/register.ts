import type { DeviceId, Topic } from '@heliograph/protocol/identifiers'
import { MAX_REGISTRATIONS } from '@heliograph/protocol/limits'
import type { DownMessage } from '@heliograph/protocol/messages'
import { downTopics } from '@heliograph/protocol/mqtt-topic'
import type { DeviceErrorReason } from '@heliograph/protocol/reasons'
import type {
  Connections,
  Devices,
  ProviderKeys,
  Providers,
  Registration,
  Registrations,
  TokenKeyRing,
} from '../ports.ts'
import { primaryKey, sealToken } from '../token/token.ts'
import { type DeviceRequest, tellError, topicOf } from './device-request.ts'

export interface RegisterPorts {
  readonly connections: Connections
  readonly providers: Pick<Providers, 'knowsTopic'>
  readonly providerKeys: Pick<ProviderKeys, 'knowsTopic'>
  readonly registrations: Registrations
  readonly devices: Pick<Devices, 'find'>
  readonly ring: TokenKeyRing
}

export type RegisterResult = 'registered' | 'refused' | 'overtaken' | 'unheard'

/**
 * Gives a device its token for one topic. The registration is live before the token is out, so a
 * provider can never hold a token that is not.
 */
export async function register(
  request: DeviceRequest,
  ports: RegisterPorts,
): Promise<RegisterResult> {
  const { deviceId, receivedAt } = request
  const topic = topicOf(request)
  const known = await judge(deviceId, topic, ports)
  if (!topic || typeof known === 'string') {
    const reason = typeof known === 'string' ? known : 'BadTopic'
    await tellError(ports.connections, request, 'register', reason)
    return 'refused'
  }
  if (!known.some((one) => one.topic === topic))
    await ports.registrations.reserve(deviceId, topic, receivedAt)
  if (await isShutOut(deviceId, ports)) return 'refused'
  const registration = await ports.registrations.change(deviceId, topic, true, receivedAt)
  if (!registration.live) return 'overtaken'
  const token = sealToken(primaryKey(await ports.ring.refreshed()), deviceId, topic)
  const message: DownMessage<'token'> = { topic, token }
  const told = await ports.connections.tell(deviceId, downTopics.token, JSON.stringify(message))
  return told === 'told' ? 'registered' : 'unheard'
}

/**
 * Asked between the note of the registration and the change that makes it live: a revocation marks the
 * device before it ends the registrations it finds, so either this read sees the mark, or that list
 * sees the note and the change comes too late. A register that fails half-way leaves nothing live.
 */
async function isShutOut(deviceId: DeviceId, { devices }: RegisterPorts): Promise<boolean> {
  const device = await devices.find(deviceId)
  return !device || device.revokedAt !== undefined
}

/** A certificate or a live key names it: somebody may send to it. */
async function isKnown(topic: Topic, { providers, providerKeys }: RegisterPorts): Promise<boolean> {
  return (await providers.knowsTopic(topic)) || (await providerKeys.knowsTopic(topic))
}

/** What is wrong with the request, or the registrations that the device has. */
async function judge(
  deviceId: DeviceId,
  topic: Topic | undefined,
  ports: RegisterPorts,
): Promise<DeviceErrorReason | readonly Registration[]> {
  if (!topic) return 'BadTopic'
  if (!(await isKnown(topic, ports))) return 'UnknownTopic'
  const registrations = await ports.registrations.list(deviceId)
  // one that the device has already costs no more by being asked for again
  if (registrations.some((one) => one.topic === topic && one.live)) return registrations
  const live = registrations.filter((one) => one.live)
  return live.length < MAX_REGISTRATIONS ? registrations : 'TooManyRegistrations'
}
