import { setTimeout as wait } from 'node:timers/promises'
import { deviceRegistry } from '../../aws/device-registry.ts'
import { deviceRecords } from '../../aws/operator/device-records.ts'
import type { DeviceRecord } from '../../core/activate.ts'
import type { DeviceId } from '../../core/identifiers.ts'
import { endRegistration } from '../../core/unregister.ts'
import type { Deployment } from '../deployment.ts'
import { Failure } from '../failure.ts'
import { devicesOf, presencesOf, unregisterPorts } from './ports.ts'
import { checkDeviceId } from './show-device.ts'

export interface RevokedDevice {
  readonly deviceId: DeviceId
  /** Milliseconds since the epoch; the first time where it was revoked before. */
  readonly revokedAt: number
  readonly certificates: number
  /** Whether a connection was open. */
  readonly disconnected: boolean
  /** Topics whose tokens died, with feedback for their providers. */
  readonly topics: readonly string[]
}

/**
 * Shuts a device out for good. The order matters: first nothing new can be issued, then its
 * certificates no longer let it in, then its connection ends, and only then, when it can say nothing
 * any more, its registrations. Every step may be repeated after a failure.
 */
export async function revokeDevice(deployment: Deployment, id: string): Promise<RevokedDevice> {
  const deviceId = checkDeviceId(id)
  const { clients, outputs, clock } = deployment
  const records = deviceRecords(clients.dynamoDb, outputs.DevicesTable)
  // asked first: IoT Core may end the connection by itself once the certificates are revoked
  const presence = await presencesOf(deployment).find(deviceId)
  const device = await records.revoke(deviceId, clock.now())
  if (!device)
    throw new Failure('notFound', `no device ${deviceId} is on record in this deployment`)
  await retireCertificates(deployment, device)
  await disconnect(deployment, deviceId)
  const topics = await endRegistrations(deployment, deviceId)
  // a renewal that had begun before the device was marked may have finished meanwhile
  const now = (await devicesOf(deployment).find(deviceId)) ?? device
  await retireCertificates(deployment, now)
  const { revokedAt = clock.now(), certificates } = now
  const disconnected = presence?.connected ?? false
  return { deviceId, revokedAt, certificates: certificates.length, disconnected, topics }
}

async function retireCertificates(
  { clients, outputs }: Deployment,
  { deviceId, certificates }: DeviceRecord,
): Promise<void> {
  const registry = deviceRegistry(clients.iot, outputs.DevicePolicy)
  for (const { certificateId } of certificates) await registry.retire(deviceId, certificateId)
}

const CLOSE_TRIES = 5
/** IoT Core takes one such call a second and client id (AWS: "Quotas"). */
const CLOSE_PAUSE_MS = 1_100

/** IoT Core takes a moment to act on a revoked certificate: a device may slip back in once more. */
async function disconnect(deployment: Deployment, deviceId: DeviceId): Promise<void> {
  const presences = presencesOf(deployment)
  if (!(await presences.close(deviceId))) return
  for (let tries = 1; tries < CLOSE_TRIES; tries += 1) {
    await wait(CLOSE_PAUSE_MS)
    if (!(await presences.find(deviceId))?.connected) return
    await presences.close(deviceId)
  }
  throw new Failure(
    'failed',
    `device ${deviceId} is revoked but keeps coming back: run the command again in a minute`,
  )
}

async function endRegistrations(deployment: Deployment, deviceId: DeviceId): Promise<string[]> {
  const ports = unregisterPorts(deployment)
  const live = (await ports.registrations.list(deviceId)).filter((one) => one.live)
  for (const { topic, registeredAt } of live) {
    // later than IoT Core's clock said when it registered, should this machine's be behind
    const at = Math.max(ports.clock.now(), registeredAt + 1)
    if ((await endRegistration(deviceId, topic, at, ports)) === 'overtaken')
      throw new Failure(
        'failed',
        `the certificates of ${deviceId} are revoked, but its registration for ${topic} is from the future of this machine: set the clock (NTP) and run the command again`,
      )
  }
  return live.map(({ topic }) => topic)
}
