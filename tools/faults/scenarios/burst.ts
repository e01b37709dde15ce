import { activateDevice, pause, type Received } from '../device.ts'
import { inParallel } from '../fleet.ts'
import { OutcomeLog } from '../outcomes.ts'
import { FaultProvider } from '../provider.ts'
import { type Report, tally } from '../report.ts'
import { startStage } from '../stage.ts'

export interface BurstOptions {
  readonly sends: number
  /** Messages that the broker lets one connection have; AWS: 100, fixed. */
  readonly perSecond: number
  say(line: string): void
}

/** Requests at the same time; more would only wait for each other at accept. */
const IN_FLIGHT = 50
/** The queue gives a message up after about eight and a half minutes; this shows what it tends to. */
const WATCH_MS = 90_000

/** A provider sends to one connected device faster than its connection may receive. */
export async function burst(options: BurstOptions): Promise<Report> {
  const outcomes = new OutcomeLog()
  const stage = await startStage({
    log: outcomes.log,
    tuning: { mqttMessagesPerSecond: options.perSecond, maxEnvironments: 8 },
  })
  const provider = new FaultProvider(stage.local)
  const arrivals: (Received & { readonly atMs: number })[] = []
  let started = 0
  try {
    const device = await activateDevice(stage.local, (_id, received) => {
      arrivals.push({ ...received, atMs: performance.now() - started })
    })
    await device.connect()
    const { topic } = stage.local.provider
    const lane = { deviceId: device.deviceId, topic, token: await device.register(topic) }
    const accepted: string[] = []
    started = performance.now()
    await inParallel(options.sends, IN_FLIGHT, async (index) => {
      const { status, uniqueId = '' } = await provider.send(lane, `${index}`)
      if (status === 200) accepted.push(uniqueId)
    })
    options.say(`${accepted.length} accepted`)
    const ended = () => accepted.filter((id) => hasEnded(outcomes, id)).length
    await pause(WATCH_MS, () => ended() === accepted.length)
    await device.disconnect(false)
    return report(options, arrivals, accepted, outcomes)
  } finally {
    provider.close()
    await stage.close()
  }
}

function report(
  { sends, perSecond }: BurstOptions,
  arrivals: readonly (Received & { readonly atMs: number })[],
  accepted: readonly string[],
  outcomes: OutcomeLog,
): Report {
  const open = accepted.filter((id) => !hasEnded(outcomes, id))
  const newest = arrivals.reduce((seq, one) => (one.seq > seq ? one.seq : seq), '')
  const behind = arrivals.filter(({ seq }, index) =>
    arrivals.slice(0, index).some((earlier) => earlier.seq > seq),
  )
  return {
    scenario: `burst: ${sends} at once to one device that may receive ${perSecond} a second`,
    figures: {
      accepted: accepted.length,
      arrived: new Set(arrivals.map(({ text }) => text)).size,
      'from the slot': arrivals.filter(({ stored }) => stored).length,
      'out of order': behind.length,
      'newest after s': seconds(arrivals.find(({ seq }) => seq === newest)?.atMs),
      'last after s': seconds(arrivals.at(-1)?.atMs),
      outcomes: tally(outcomes.totals),
      faults: [...outcomes.faults].map(([name, count]) => `${name}: ${count}`).join(', '),
    },
    violations: open.map((id) => `no end after ${WATCH_MS / 1000} s: ${id}`),
  }
}

function hasEnded(outcomes: OutcomeLog, uniqueId: string): boolean {
  return outcomes.of(uniqueId).some((kind) => kind !== 'accepted' && kind !== 'stored')
}

function seconds(ms = Number.NaN): string {
  return (ms / 1000).toFixed(1)
}
