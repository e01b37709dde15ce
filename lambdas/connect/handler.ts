import type { Log } from '@heliograph/aws/log'
import { type ConnectPorts, connect } from '@heliograph/core/devices/connect'
import { deviceBudget } from '@heliograph/core/devices/device-budget'
import type { Devices } from '@heliograph/core/ports'
import { deviceHandler } from '../device.ts'

export function connectHandler(
  ports: Omit<ConnectPorts, 'budget'> & { readonly devices: Pick<Devices, 'find'> },
  log: Log,
) {
  const budget = deviceBudget()
  return deviceHandler(
    'connect',
    async (request) => {
      const verdict = await connect(request, { ...ports, budget })
      if (typeof verdict === 'string') return { result: verdict }
      const { accepted, renewed, rejected } = verdict
      const foreign = rejected.filter(({ reason }) => reason === 'NotYourToken')
      if (foreign.length > 0)
        log.warn("a device presented another device's token", {
          deviceId: request.deviceId,
          tokens: foreign.length,
        })
      const counts = {
        accepted: accepted.length,
        renewed: renewed.length,
        rejected: rejected.length,
      }
      return { result: 'connected', ...counts }
    },
    ports.devices,
    log,
  )
}
