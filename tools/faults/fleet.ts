import { topicForms } from '@heliograph/protocol/push-type'
import type { LocalFile } from '../../bin/demo.ts'
import { activateDevice, type FaultDevice, type Received } from './device.ts'
import type { Lane, Ledger } from './ledger.ts'
import type { Fleet } from './load.ts'

export interface FleetOptions {
  readonly local: LocalFile
  readonly ledger: Ledger
  readonly devices: number
  /** Topics that each device registers for, of the nine forms that the demo certificate has. */
  readonly topics: number
  readonly onArrival?: (received: Received) => void
}

/** Devices that are connected and registered. */
export async function makeFleet(options: FleetOptions): Promise<Fleet> {
  const { devices: count, local, ledger } = options
  const topics = topicForms(local.provider.topic).slice(0, options.topics)
  const devices: FaultDevice[] = []
  const lanes: Lane[] = []
  await inParallel(count, 16, async () => {
    const device = await activateDevice(local, (deviceId, received) => {
      ledger.arrived(deviceId, received.text, received.seq)
      options.onArrival?.(received)
    })
    await device.connect()
    devices.push(device)
    for (const topic of topics)
      lanes.push({ deviceId: device.deviceId, topic, token: await device.register(topic) })
  })
  for (const lane of lanes) ledger.add(lane)
  return { devices, lanes }
}

/** Deals the lanes out into so many hands of about the same size. */
export function deal(lanes: readonly Lane[], hands: number): Lane[][] {
  const dealt: Lane[][] = Array.from({ length: hands }, () => [])
  for (const [index, lane] of lanes.entries()) dealt[index % hands]?.push(lane)
  return dealt
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
