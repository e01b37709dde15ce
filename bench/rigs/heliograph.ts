import type { LocalFile } from '../../bin/demo.ts'
import { type FleetDevice, makeFleet, reconnect } from '../fleet.ts'
import { Arrivals, type Rig } from '../load.ts'
import { openProvider, send } from '../provider.ts'

export interface HeliographRig extends Rig {
  readonly fleet: readonly FleetDevice[]
  /** Every device's connection ends, and comes back. */
  goOffline(): Promise<void>
  comeBack(): Promise<void>
}

/** A Heliograph with plain mqtt.js devices, each activated, connected and registered. */
export async function heliographRig(
  local: LocalFile,
  devices: number,
  name = 'Heliograph, embedded',
): Promise<HeliographRig> {
  const arrivals = new Arrivals()
  const fleet = await makeFleet(local, devices, (alert, stored) => arrivals.note(alert, stored))
  const session = openProvider(local)
  const { topic } = local.provider
  return {
    name,
    devices,
    arrivals,
    fleet,
    send: async (device, alert) => {
      const { token } = fleet[device] as FleetDevice
      return (await send(session, { path: `/3/device/${token}`, topic, alert })) === 200
    },
    goOffline: async () => {
      await Promise.all(fleet.map(({ client }) => client.endAsync(false)))
    },
    comeBack: () => reconnect(fleet),
    close: async () => {
      session.close()
      await Promise.all(fleet.map(({ client }) => client.endAsync(true)))
    },
  }
}
