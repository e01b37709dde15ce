import {
  DeleteConnectionCommand,
  GetConnectionCommand,
  type IoTDataPlaneClient,
  ResourceNotFoundException,
} from '@aws-sdk/client-iot-data-plane'
import type { Presences } from '@heliograph/core/operator-ports'

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
