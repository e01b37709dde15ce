import { type ConnectPorts, connect } from '@heliograph/core/devices/connect'
import { deviceBudget } from '@heliograph/core/devices/device-budget'
import { deviceDoor } from '@heliograph/core/devices/device-door'
import { type DeviceRequest, readBody } from '@heliograph/core/devices/device-request'
import { type RegisterPorts, register } from '@heliograph/core/devices/register'
import { type RenewPorts, renew } from '@heliograph/core/devices/renew'
import { type UnregisterPorts, unregister } from '@heliograph/core/devices/unregister'
import type { Upstream } from '@heliograph/protocol/mqtt-topic'
import type { Log } from './log.ts'
import type { MachineMove } from './move/machine-move.ts'
import type { Upload, Worked } from './mqtt/context.ts'

export type UpstreamPorts = RegisterPorts &
  Omit<ConnectPorts, 'budget'> &
  UnregisterPorts &
  RenewPorts

type Work = (request: DeviceRequest) => Promise<object | string>

/** Handles what devices publish; a fault is thrown, so that the device repeats its request. */
export function upstreamWork(
  ports: UpstreamPorts,
  move: Pick<MachineMove, 'gate' | 'greet'>,
  log: Log,
): (upload: Upload) => Promise<Worked> {
  const door = deviceDoor(ports.devices)
  const budget = deviceBudget()
  const works: Readonly<Record<Upstream, Work>> = {
    register: (request) => register(request, ports),
    connect: async (request) => {
      const result = await connectAndCount(request, { ...ports, budget }, log)
      await move.greet(request.deviceId)
      return result
    },
    unregister: (request) => unregister(request, ports),
    renew: (request) => renew(request, ports),
  }
  const handle = async ({ upstream, deviceId, certificateId, receivedAt, message }: Upload) => {
    const request = { deviceId, certificateId, receivedAt, body: readBody(message) }
    const passed = await door(upstream, request, works[upstream])
    if (passed.is === 'worked') {
      const fields = typeof passed.result === 'string' ? { result: passed.result } : passed.result
      log.info('device request', { deviceId, upstream, ...fields })
    } else if (passed.is === 'foreign')
      log.warn('a device is connected with a certificate that is not, or no longer, its own', {
        deviceId,
        certificateId,
      })
    else if (passed.report !== undefined) {
      const { isMalformed, report: dropped } = passed
      log.warn('a device asks too often', { deviceId, upstream, isMalformed, dropped })
    }
    return 'done' as const
  }
  return async (upload) => {
    // it changes nothing that an export holds
    if (upload.upstream === 'connect') return handle(upload)
    const worked = await move.gate.pass(() => handle(upload))
    return worked === 'shut' ? 'left' : worked
  }
}

async function connectAndCount(
  request: DeviceRequest,
  ports: ConnectPorts,
  log: Log,
): Promise<object> {
  const verdict = await connect(request, ports)
  if (typeof verdict === 'string') return { result: verdict }
  const { accepted, renewed, rejected, pending } = verdict
  const tokens = rejected.filter(({ reason }) => reason === 'NotYourToken').length
  const { deviceId } = request
  if (tokens > 0) log.warn("a device presented another device's token", { deviceId, tokens })
  return {
    result: 'connected',
    accepted: accepted.length,
    renewed: renewed.length,
    rejected: rejected.length,
    pending,
  }
}
