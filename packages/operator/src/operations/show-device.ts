import { isExpired, type Notification } from '@heliograph/core/notification'
import type { Presence } from '@heliograph/core/operator-ports'
import type { DeviceRecord, Registration } from '@heliograph/core/ports'
import { type DeviceId, parseDeviceId } from '@heliograph/protocol/identifiers'
import type { Deployment } from '../deployment.ts'
import { Failure } from '../failure.ts'

/** A pending notification as an operator may see it, without its content. */
export interface PendingSummary {
  readonly topic: string
  readonly id: string
  /** Milliseconds since the epoch. */
  readonly acceptedAt: number
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
  readonly priority: number
  readonly pushType: string
  /** Bytes of the payload. */
  readonly size: number
}

export interface DeviceView {
  readonly device: DeviceRecord
  readonly registrations: readonly Registration[]
  readonly pending: readonly PendingSummary[]
  /** Undefined if IoT Core knows nothing: never seen, or gone for more than 30 minutes. */
  readonly presence?: Presence
}

export function checkDeviceId(text: string): DeviceId {
  const deviceId = parseDeviceId(text.toLowerCase())
  if (deviceId) return deviceId
  throw new Failure('usage', `"${text}" is not a device id: it has 16 letters and digits`)
}

/** Everything on record about a device, and whether it is connected. */
export async function showDevice(deployment: Deployment, id: string): Promise<DeviceView> {
  const deviceId = checkDeviceId(id)
  const { registrations, pending, devices, presences } = deployment.ports
  const [device, held, slots, presence] = await Promise.all([
    devices.find(deviceId),
    registrations.list(deviceId),
    pending.list(deviceId),
    presences.find(deviceId),
  ])
  if (!device)
    throw new Failure('notFound', `no device ${deviceId} is on record in this deployment`)
  const unexpired = slots.filter((slot) => !isExpired(slot, deployment.clock.now()))
  return {
    device,
    registrations: held,
    pending: unexpired.map(summaryOf),
    ...(presence && { presence }),
  }
}

function summaryOf(notification: Notification): PendingSummary {
  const { topic, id, acceptedAt, expiration, priority, pushType, payload } = notification
  const size = Buffer.byteLength(payload)
  return { topic, id, acceptedAt, expiresAt: expiration * 1000, priority, pushType, size }
}
