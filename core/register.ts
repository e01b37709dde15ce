import type { Devices } from './activate.ts'
import { type DeviceRequest, tellError, topicOf } from './device-request.ts'
import type { DeviceId, Topic } from './identifiers.ts'
import {
  type Connections,
  downTopics,
  type Providers,
  type Registrations,
  type TokenKeyRing,
} from './ports.ts'
import { primaryKey, sealToken } from './token.ts'

export interface RegisterPorts {
  readonly connections: Connections
  readonly providers: Pick<Providers, 'knowsTopic'>
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
  const topic = topicOf(request)
  const fault = await judge(topic, ports)
  if (!topic || fault) {
    await tellError(ports.connections, request, 'register', fault ?? 'BadTopic')
    return 'refused'
  }
  const { deviceId, receivedAt } = request
  const registration = await ports.registrations.change(deviceId, topic, true, receivedAt)
  if (!registration.live) return 'overtaken'
  if (await isShutOut(deviceId, ports)) {
    await ports.registrations.revoke(deviceId, topic, receivedAt)
    return 'refused'
  }
  const token = sealToken(primaryKey(await ports.ring.refreshed()), deviceId, topic)
  const message = JSON.stringify({ topic, token })
  const sent = await ports.connections.send(deviceId, downTopics.token, message)
  if (sent === 'busy') throw new Error('the device could not be told its token yet')
  return sent === 'acknowledged' ? 'registered' : 'unheard'
}

/**
 * Asked after the change: a revocation marks the device before it ends the registrations it finds, so
 * either this read sees the mark or that list sees this registration. No token is out by then.
 */
async function isShutOut(deviceId: DeviceId, { devices }: RegisterPorts): Promise<boolean> {
  const device = await devices.find(deviceId)
  return !device || device.revokedAt !== undefined
}

async function judge(topic: Topic | undefined, ports: RegisterPorts) {
  if (!topic) return 'BadTopic'
  return (await ports.providers.knowsTopic(topic)) ? undefined : 'UnknownTopic'
}
