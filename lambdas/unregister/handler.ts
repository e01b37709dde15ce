import type { Log } from '@heliograph/aws/log'
import { type UnregisterPorts, unregister } from '@heliograph/core/devices/unregister'
import type { Connections, Devices } from '@heliograph/core/ports'
import { deviceHandler } from '../device.ts'

export function unregisterHandler(
  ports: UnregisterPorts & {
    readonly connections: Connections
    readonly devices: Pick<Devices, 'find'>
  },
  log: Log,
) {
  return deviceHandler('unregister', (request) => unregister(request, ports), ports.devices, log)
}
