import type { LocalFile } from '../../bin/demo.ts'
import { activateDevice, type FaultDevice, type Received } from './device.ts'
import type { Lane, Ledger } from './ledger.ts'
import type { Fleet } from './load.ts'

export interface FleetOptions {
  readonly local: LocalFile
  readonly ledger: Ledger
  readonly devices: number
  /** The topics that the device of an index registers for. */
  readonly topicsOf?: (index: number) => readonly string[]
  readonly onArrival?: (received: Received) => void
}

/** Devices that are connected and registered; without a word to the contrary every fourth for two topics. */
export async function makeFleet(options: FleetOptions): Promise<Fleet> {
  const { devices: count, local, ledger } = options
  const { topic } = local.provider
  const { topicsOf = (index) => (index % 4 === 0 ? [topic, `${topic}.voip`] : [topic]) } = options
  const devices: FaultDevice[] = []
  const lanes: Lane[] = []
  await inParallel(count, 16, async (index) => {
    const device = await activateDevice(local, (deviceId, received) => {
      ledger.arrived(deviceId, received.text, received.seq)
      options.onArrival?.(received)
    })
    await device.connect()
    devices.push(device)
    for (const one of topicsOf(index)) {
      const lane = { deviceId: device.deviceId, topic: one, token: await device.register(one) }
      lanes.push(lane)
      ledger.add(lane)
    }
  })
  return { devices, lanes }
}

/** Runs `work` for 0 to `count - 1`, `width` at a time. */
export async function inParallel(
  count: number,
  width: number,
  work: (index: number) => Promise<void>,
): Promise<void> {
  let next = 0
  const worker = async () => {
    while (next < count) {
      const index = next
      next += 1
      await work(index)
    }
  }
  await Promise.all(Array.from({ length: Math.min(width, count) }, worker))
}

export async function closeFleet({ devices }: Fleet): Promise<void> {
  await Promise.all(devices.map((device) => device.disconnect(true)))
}
