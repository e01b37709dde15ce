import { setTimeout as wait } from 'node:timers/promises'
import { revokeRegistrations } from '@heliograph/core/devices/unregister'
import type { DeviceRecord, Registration } from '@heliograph/core/ports'
import type { DeviceId } from '@heliograph/protocol/identifiers'
import type { Deployment } from '../deployment.ts'
import { Failure } from '../failure.ts'
import { endingNotifications } from './ports.ts'
import { checkDeviceId } from './show-device.ts'

export interface RevokedDevice {
  readonly deviceId: DeviceId
  /** Milliseconds since the epoch; the first time if it was revoked before. */
  readonly revokedAt: number
  readonly certificates: number
  /** Whether a connection was open. */
  readonly disconnected: boolean
  /** Topics whose tokens died, with feedback for their providers. */
  readonly topics: readonly string[]
}

/**
 * Permanently shuts out a device. The order matters. First it is marked, so that nothing new can be
 * issued. Then its certificates are revoked and its registrations end, whether or not it is still
 * connected. Finally its connection is closed. Every step may be repeated after a failure.
 */
export async function revokeDevice(deployment: Deployment, id: string): Promise<RevokedDevice> {
  const deviceId = checkDeviceId(id)
  const { ports, clock } = deployment
  // read first: IoT Core may close the connection on its own once the certificates are revoked
  const presence = await ports.presences.find(deviceId)
  const device = await ports.devices.revoke(deviceId, clock.now())
  if (!device)
    throw new Failure('notFound', `no device ${deviceId} is on record in this deployment`)
  const retired = await retireCertificates(deployment, device)
  const topics = await endRegistrations(deployment, device)
  // a renewal that started before the device was marked may have finished in the meantime
  const now = (await ports.devices.find(deviceId)) ?? device
  const late = await retireCertificates(deployment, now)
  await disconnect(deployment, deviceId)
  const { revokedAt = clock.now() } = device
  const disconnected = presence?.connected ?? false
  const certificates = new Set([...retired, ...late]).size
  return { deviceId, revokedAt, certificates, disconnected, topics }
}

/**
 * What is on record and what IoT Core has attached to the device: someone may have attached one
 * behind the service's back, and a run that broke off may have left some that are not on record.
 */
async function retireCertificates(
  { ports }: Deployment,
  { deviceId, certificates }: DeviceRecord,
): Promise<Set<string>> {
  const { admissions } = ports
  const known = certificates.map(({ certificateId }) => certificateId)
  const all = new Set([...known, ...(await admissions.attached(deviceId))])
  for (const certificateId of all) await admissions.retire(deviceId, certificateId)
  return all
}

const CLOSE_TRIES = 5
/** IoT Core takes one such call a second and client id (AWS: "Quotas"). */
const CLOSE_PAUSE_MS = 1_100

/** IoT Core takes a moment to act on a revoked certificate: a device may slip back in once more. */
async function disconnect(deployment: Deployment, deviceId: DeviceId): Promise<void> {
  const { presences } = deployment.ports
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
  const all = await endingNotifications(deployment, (ports) =>
    revokeRegistrations(deviceId, at, ports),
  )
  const isEndedHere = ({ unregisteredAt = 0 }: Registration) => unregisteredAt >= revokedAt
  return all.filter(isEndedHere).map(({ topic }) => topic)
}
