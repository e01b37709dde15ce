import { iotDataClient } from '../aws/clients.ts'
import { connections } from '../aws/connections.ts'
import type { Log } from '../aws/log.ts'
import { type DeviceRequest, parseDeviceRequest } from '../core/device-request.ts'
import type { Connections } from '../core/ports.ts'

/** The direct messages of a function, its failures in its log. */
export function loggedConnections(iotEndpoint: string, log: Log): Connections {
  const client = iotDataClient(iotEndpoint, process.env)
  return connections(client, (fault, detail) =>
    log.warn('direct message failed', { fault, detail }),
  )
}

/**
 * Runs `work` for the request of a device in a topic rule's event. A malformed event is logged and
 * done with: it would be no better the next time. A fault is thrown, so that Lambda tries again and
 * at last puts the event into the dead-letter queue.
 */
export function deviceHandler(
  work: (request: DeviceRequest) => Promise<object | string>,
  log: Log,
) {
  return async (event: unknown): Promise<void> => {
    const request = parseDeviceRequest(event)
    if (!request) {
      log.warn('rule event is not a request of a device about itself')
      return
    }
    const result = await work(request)
    const fields = typeof result === 'string' ? { result } : result
    log.info('device request', { deviceId: request.deviceId, ...fields })
  }
}
