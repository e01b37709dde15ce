import type { Log } from '../../aws/log.ts'
import { type ConnectPorts, connect } from '../../core/connect.ts'
import { deviceHandler } from '../device.ts'

export function connectHandler(ports: ConnectPorts, log: Log) {
  return deviceHandler(async (request) => {
    const verdict = await connect(request, ports)
    if (verdict === 'refused') return { result: verdict }
    const { accepted, renewed, rejected } = verdict
    const foreign = rejected.filter(({ reason }) => reason === 'NotYourToken')
    if (foreign.length > 0)
      log.warn("a device presented another device's token", {
        deviceId: request.deviceId,
        tokens: foreign.length,
      })
    const counts = { accepted: accepted.length, renewed: renewed.length, rejected: rejected.length }
    return { result: 'connected', ...counts }
  }, log)
}
