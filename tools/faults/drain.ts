import { type FaultDevice, pause } from './device.ts'
import type { Ledger, Missing } from './ledger.ts'
import { connectAll } from './load.ts'

export interface Settled {
  /** What had not come while the devices stayed connected; it shows what only a reconnect cured. */
  readonly stuck: readonly Missing[]
  /** What did not come at all. */
  readonly lost: readonly Missing[]
  readonly figures: Readonly<Record<string, string | number>>
}

/**
 * The faults are over: brings every device online and waits for the newest of every lane. What does
 * not arrive that way gets one more reconnect, which must drain it.
 */
export async function settle(
  ledger: Ledger,
  devices: readonly FaultDevice[],
  withinMs: number,
): Promise<Settled> {
  const started = performance.now()
  await connectAll(devices)
  await pause(withinMs, () => ledger.missing().length === 0)
  const stuck = ledger.missing()
  const seconds = (performance.now() - started) / 1000
  const waiting = devices.filter(({ deviceId }) =>
    stuck.some(({ lane }) => lane.deviceId === deviceId),
  )
  for (const device of waiting) await device.disconnect(false)
  await connectAll(waiting)
  await pause(15_000, () => ledger.missing().length === 0)
  const lost = ledger.missing()
  const figures = {
    'settled s': seconds.toFixed(1),
    'needed a reconnect': stuck.length,
    lost: lost.length,
  }
  return { stuck, lost, figures }
}
