import type { Log } from '@heliograph/aws/log'
import { type RegisterPorts, register } from '@heliograph/core/devices/register'
import { deviceHandler } from '../device.ts'

export function registerHandler(ports: RegisterPorts, log: Log) {
  return deviceHandler('register', (request) => register(request, ports), ports.devices, log)
}
