import {
  DeleteConnectionCommand,
  GetConnectionCommand,
  type IoTDataPlaneClient,
  ResourceNotFoundException,
} from '@aws-sdk/client-iot-data-plane'
import type { DeviceId } from '../../core/identifiers.ts'

/** What IoT Core knows of a device's connection; it forgets a closed one after 30 minutes. */
export interface Presence {
  readonly connected: boolean
  /** Milliseconds since the epoch. */
  readonly since?: number
  /** Why it ended (AWS IoT Core: "Lifecycle events"). */
  readonly disconnectReason?: string
}

export interface Presences {
  /** Undefined where IoT Core knows nothing of the device. At most once a second per device. */
  find(deviceId: DeviceId): Promise<Presence | undefined>
  /** Ends the connection; says whether there was one. It does not keep the device from coming back. */
  close(deviceId: DeviceId): Promise<boolean>
}

export function presences(client: IoTDataPlaneClient): Presences {
  return {
    async find(deviceId) {
      const found = await unlessUnknown(
        client.send(new GetConnectionCommand({ clientId: deviceId })),
      )
      if (!found) return undefined
      const connected = found.connected ?? false
      const since = connected ? found.connectedSince : found.disconnectedSince
      return {
        connected,
        ...(since !== undefined && { since: Number(since) }),
        ...(found.disconnectReason && { disconnectReason: found.disconnectReason }),
      }
    },

    async close(deviceId) {
      const command = new DeleteConnectionCommand({ clientId: deviceId, cleanSession: true })
      return (await unlessUnknown(client.send(command))) !== undefined
    },
  }
}

async function unlessUnknown<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call
  } catch (fault) {
    if (fault instanceof ResourceNotFoundException) return undefined
    throw fault
  }
}
