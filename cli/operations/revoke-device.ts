import { setTimeout as wait } from 'node:timers/promises'
import { deviceRegistry } from '../../aws/device-registry.ts'
import { deviceRecords } from '../../aws/operator/device-records.ts'
import type { DeviceRecord } from '../../core/activate.ts'
import type { DeviceId } from '../../core/identifiers.ts'
import type { Registration } from '../../core/ports.ts'
import { revokeRegistrations } from '../../core/unregister.ts'
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
 * Shuts a device out for good. The order matters: first it is marked, and nothing new can be issued;
 * then its certificates no longer let it in and its registrations end, whether or not it still talks;
 * last its connection. Every step may be repeated after a failure.
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
  const topics = await endRegistrations(deployment, device)
  // a renewal that had begun before the device was marked may have finished meanwhile
  const now = (await devicesOf(deployment).find(deviceId)) ?? device
  await retireCertificates(deployment, now)
  await disconnect(deployment, deviceId)
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

/** The topics whose registrations this revocation ended, now or in an earlier run. */
async function endRegistrations(
  deployment: Deployment,
  { deviceId, revokedAt = deployment.clock.now() }: DeviceRecord,
): Promise<string[]> {
  const at = Math.max(deployment.clock.now(), revokedAt)
  const all = await revokeRegistrations(deviceId, at, unregisterPorts(deployment))
  const isEndedHere = ({ unregisteredAt = 0 }: Registration) => unregisteredAt >= revokedAt
  return all.filter(isEndedHere).map(({ topic }) => topic)
}
