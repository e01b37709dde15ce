import { availableParallelism, loadavg } from 'node:os'
import { pause } from '../device.ts'
import { closeFleet, inParallel, makeFleet } from '../fleet.ts'
import { Ledger } from '../ledger.ts'
import { startProcess } from '../process.ts'
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
  const provider = new FaultProvider(service.local)
  let stored = 0
  try {
    const fleet = await makeFleet({
      ...{ local: service.local, ledger, devices: options.devices, topics: 1 },
      onArrival: (one) => {
        if (one.stored) stored += 1
      },
    })
    await Promise.all(fleet.devices.map((device) => device.disconnect(false)))
    options.say(`${options.devices} devices activated, registered and gone`)
    for (let round = 0; round < options.rounds; round += 1)
      await inParallel(fleet.lanes.length, 24, async (index) => {
        const lane = fleet.lanes[index]
        if (lane) ledger.answered(lane, await provider.send(lane, ledger.nextText(lane)))
      })
    await service.queueEmpty()
    options.say('everything is stored; all come back at once')
    const [started, used] = [performance.now(), service.processorSeconds()]
    await inParallel(fleet.devices.length, 64, async (index) => fleet.devices[index]?.connect())
    const connected = performance.now() - started
    await pause(60_000, () => ledger.missing().length === 0)
    const seconds = (performance.now() - started) / 1000
    const processor = service.processorSeconds() - used
    await pause(2_000)
    const missing = ledger.missing()
    const newest = fleet.lanes.length - missing.length
    await closeFleet(fleet)
    return {
      scenario: `reconnect: ${options.devices} devices, ${options.rounds} sends each while offline`,
      figures: {
        ...answerFigures(ledger.answers),
        newest,
        stale: stored - newest,
        'connected s': (connected / 1000).toFixed(2),
        'drained s': seconds.toFixed(2),
        'processor s of the service': processor.toFixed(2),
        'load average before': busy.toFixed(1),
      },
      violations: [
        ...judgeAnswers(ledger.answers),
        ...missing.map(({ lane }) => `lost: ${lane.deviceId}`),
        ...(stored === newest ? [] : [`${stored} notifications came, for ${newest} devices`]),
        // on a machine that has other work the time says nothing
        ...(seconds <= DRAIN_LIMIT_S || busy > availableParallelism()
          ? []
          : [`drained only after ${seconds.toFixed(2)} s`]),
      ],
    }
  } finally {
    provider.close()
    await service.stop()
  }
}
