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
 * Gives a device its token for one topic. The registration is live before the token is sent, so a
 * provider can never have a token that is not live yet.
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
 * Read between reserving the registration and making it live. A revocation marks the device before
 * it ends the registrations that it finds, so either this read sees the mark, or the revocation
 * sees the reservation and the change comes too late. A register that fails halfway leaves nothing
 * live.
 */
async function isShutOut(deviceId: DeviceId, { devices }: RegisterPorts): Promise<boolean> {
  const device = await devices.find(deviceId)
  return !device || device.revokedAt !== undefined
}

/** A certificate or a live key names the topic, so someone may send to it. */
async function isKnown(topic: Topic, { providers, providerKeys }: RegisterPorts): Promise<boolean> {
  return (await providers.knowsTopic(topic)) || (await providerKeys.knowsTopic(topic))
}

/** The reason to refuse the request, or the registrations that the device has. */
async function judge(
  deviceId: DeviceId,
  topic: Topic | undefined,
  ports: RegisterPorts,
): Promise<DeviceErrorReason | readonly Registration[]> {
  if (!topic) return 'BadTopic'
  if (!(await isKnown(topic, ports))) return 'UnknownTopic'
  const registrations = await ports.registrations.list(deviceId)
  // asking again for an existing registration does not add one
  if (registrations.some((one) => one.topic === topic && one.live)) return registrations
  const live = registrations.filter((one) => one.live)
  return live.length < MAX_REGISTRATIONS ? registrations : 'TooManyRegistrations'
}
