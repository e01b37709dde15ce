import type { Log } from '@heliograph/aws/log'
import { type RenewPorts, renew } from '@heliograph/core/devices/renew'
import { deviceHandler } from '../device.ts'

export function renewHandler(ports: RenewPorts, log: Log) {
  return deviceHandler('renew', (request) => renew(request, ports), ports.devices, log)
}
