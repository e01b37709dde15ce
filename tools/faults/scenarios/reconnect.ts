import { availableParallelism, loadavg } from 'node:os'
import { pause } from '../device.ts'
import { closeFleet, inParallel, makeFleet } from '../fleet.ts'
import { Ledger } from '../ledger.ts'
import type { Fleet } from '../load.ts'
import { type ServiceProcess, startProcess } from '../process.ts'
import { FaultProvider } from '../provider.ts'
import { answerFigures, judgeAnswers, type Report } from '../report.ts'

export interface ReconnectOptions {
  readonly devices: number
  readonly rounds: number
  say(line: string): void
}

/** Seconds within which all devices must have their newest notification. */
const DRAIN_LIMIT_S = 5

/** Everybody offline, several sends each, everybody back: exactly the newest comes, and soon. */
export async function reconnectAll(options: ReconnectOptions): Promise<Report> {
  const [busy = 0] = loadavg()
  const service = await startProcess()
  const ledger = new Ledger()
  let stored = 0
  const onArrival = (one: { readonly stored: boolean }) => {
    if (one.stored) stored += 1
  }
  try {
    const { local } = service
    const fleet = await makeFleet({ ...options, local, ledger, topics: 1, onArrival })
    await fillSlots(options, service, fleet, ledger)
    options.say('everything is stored; all come back at once')
    const times = await comeBack(service, fleet, ledger)
    // nothing more may come
    await pause(2_000)
    await closeFleet(fleet)
    return report(options, ledger, { ...times, stored, busy, lanes: fleet.lanes.length })
  } finally {
    await service.stop()
  }
}

async function fillSlots(
  { devices, rounds, say }: ReconnectOptions,
  service: ServiceProcess,
  fleet: Fleet,
  ledger: Ledger,
): Promise<void> {
  const provider = new FaultProvider(service.local)
  await Promise.all(fleet.devices.map((device) => device.disconnect(false)))
  say(`${devices} devices activated, registered and gone`)
  for (let round = 0; round < rounds; round += 1)
    await inParallel(fleet.lanes.length, 24, async (index) => {
      const lane = fleet.lanes[index]
      if (lane) ledger.answered(lane, await provider.send(lane, ledger.nextText(lane)))
    })
  provider.close()
  await service.queueEmpty()
}

async function comeBack(service: ServiceProcess, { devices }: Fleet, ledger: Ledger) {
  const [started, used] = [performance.now(), service.processorSeconds()]
  const passed = () => (performance.now() - started) / 1000
  await inParallel(devices.length, 64, async (index) => devices[index]?.connect())
  const connected = passed()
  await pause(60_000, () => ledger.missing().length === 0)
  return { connected, drained: passed(), processor: service.processorSeconds() - used }
}

interface Measured {
  readonly connected: number
  readonly drained: number
  readonly processor: number
  /** Notifications that came from a slot. */
  readonly stored: number
  /** Load average of the machine before. */
  readonly busy: number
  readonly lanes: number
}

function report({ devices, rounds }: ReconnectOptions, ledger: Ledger, measured: Measured): Report {
  const { connected, drained, processor, stored, busy, lanes } = measured
  const missing = ledger.missing()
  const newest = lanes - missing.length
  // on a machine that has other work the time says nothing
  const isLate = drained > DRAIN_LIMIT_S && busy <= availableParallelism()
  return {
    scenario: `reconnect: ${devices} devices, ${rounds} sends each while offline`,
    figures: {
      ...answerFigures(ledger.answers),
      newest,
      stale: stored - newest,
      'connected s': connected.toFixed(2),
      'drained s': drained.toFixed(2),
      'processor s of the service': processor.toFixed(2),
      'load average before': busy.toFixed(1),
    },
    violations: [
      ...judgeAnswers(ledger.answers, { limitMs: Number.POSITIVE_INFINITY }),
      ...missing.map(({ lane }) => `lost: ${lane.deviceId}`),
      ...(stored === newest ? [] : [`${stored} notifications came, for ${newest} devices`]),
      ...(isLate ? [`drained only after ${drained.toFixed(2)} s`] : []),
    ],
  }
}
