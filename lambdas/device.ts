import { iotDataClient } from '@heliograph/aws/clients'
import { connections } from '@heliograph/aws/connections'
import type { Log } from '@heliograph/aws/log'
import { deviceDoor } from '@heliograph/core/devices/device-door'
import { type DeviceRequest, parseDeviceRequest } from '@heliograph/core/devices/device-request'
import type { Connections, Devices } from '@heliograph/core/ports'
import type { Upstream } from '@heliograph/protocol/mqtt-topic'

/** The direct messages of a function, its failures in its log. */
export function loggedConnections(iotEndpoint: string, log: Log): Connections {
  const client = iotDataClient(iotEndpoint, process.env)
  return connections(client, (fault, detail) =>
    log.warn('direct message failed', { fault, detail }),
  )
}

/**
 * Runs `work` for the request of a device in a topic rule's event. A malformed event, or one that came
 * over a connection that is not the device's own, is logged and dropped: it would be no better the
 * next time. What a device asks for beyond its allowance is dropped before anything is done for it. A
 * fault is thrown, so that Lambda tries again and at last puts the event into the dead-letter queue.
 */
export function deviceHandler(
  upstream: Upstream,
  work: (request: DeviceRequest) => Promise<object | string>,
  devices: Pick<Devices, 'find'>,
  log: Log,
) {
  const door = deviceDoor(devices)
  return async (event: unknown): Promise<void> => {
    const request = parseDeviceRequest(event)
    if (!request) {
      log.warn('rule event is not a request of a device about itself')
      return
    }
    const { deviceId, certificateId } = request
    const passed = await door(upstream, request, work)
    if (passed.is === 'worked') {
      const fields = typeof passed.result === 'string' ? { result: passed.result } : passed.result
      log.info('device request', { deviceId, ...fields })
      return
    }
    if (passed.is === 'foreign')
      log.warn('a device is connected with a certificate that is not, or no longer, its own', {
        deviceId,
        certificateId,
      })
    else if (passed.report !== undefined) {
      const { isMalformed, report: dropped } = passed
      log.warn('a device asks too often', { deviceId, upstream, isMalformed, dropped })
    }
  }
}
