import { startMachineProcess } from './cloud-process.ts'
import { warmUp } from './e2e.ts'
import { median, round } from './figures.ts'
import { latency, throughput } from './load.ts'
import { usageOf } from './process-usage.ts'
import type { Row } from './report.ts'
import { heliographRig } from './rigs/heliograph.ts'

export interface SoakOptions {
  readonly devices: number
  readonly inFlight: number
  readonly portBase: number
  readonly durability: string
  /** How long the load lasts. */
  readonly seconds: number
}

interface Sample {
  readonly seconds: number
  readonly megabytes: number
}

/** The first samples show how a process settles, not whether it grows. */
const SETTLING_SHARE = 1 / 3
/** Growth that still counts as flat: over the time that counts, as a share of the memory. */
const FLAT_SHARE = 0.05
const PIECE_SECONDS = 10
/** A line through fewer says nothing. */
const LEAST_SAMPLES = 10

/** Half of what the machine can do, for a long time: whether its memory stays where it is, and nothing is lost. */
export async function benchSoak(options: SoakOptions, say: (line: string) => void): Promise<Row[]> {
  const machine = await startMachineProcess(options.portBase, options.durability)
  try {
    const rig = await heliographRig(machine.local, options.devices)
    await warmUp(rig, options.inFlight)
    const { perSecond } = await throughput(rig, 4_000, options.inFlight)
    const rate = Math.max(1, Math.floor(perSecond / 2))
    say(`${perSecond} per second; half of it for ${options.seconds} s`)
    const samples: Sample[] = []
    const [started, lost, p99]: [number, number[], number[]] = [performance.now(), [], []]
    const elapsed = () => (performance.now() - started) / 1000
    while (elapsed() < options.seconds) {
      const piece = await latency(rig, rate * PIECE_SECONDS, rate)
      lost.push(piece.lost)
      p99.push(piece.p99)
      rig.arrivals.forget()
      // the pages of a database that keeps the receipts of more and more notifications are not a leak
      const { ownMegabytes: megabytes, residentMegabytes } = usageOf(machine.pid)
      const ofFiles = residentMegabytes - megabytes
      samples.push({ seconds: elapsed(), megabytes })
      say(
        `${round(elapsed(), 0)} s: ${round(megabytes, 0)} MB, and ${round(ofFiles, 0)} MB of files`,
      )
    }
    await rig.close()
    return [rowOf(options, rate, samples, { lost, p99 })]
  } finally {
    await machine.stop()
  }
}

function rowOf(
  { devices, seconds }: SoakOptions,
  rate: number,
  samples: readonly Sample[],
  { lost, p99 }: { readonly lost: readonly number[]; readonly p99: readonly number[] },
): Row {
  const { slope, growth, verdict } = judgeMemory(samples)
  return {
    what: `soak: ${devices} devices, ${rate}/s (half load), ${seconds} s`,
    figures: {
      'MB at first': round(samples[0]?.megabytes ?? 0, 0),
      'MB at last': round(samples.at(-1)?.megabytes ?? 0, 0),
      'MB per hour': round(slope * 3600, 1),
      'growth %': round(growth * 100, 1),
      'p99 ms, median': round(median(p99), 2),
      lost: lost.reduce((sum, one) => sum + one, 0),
      memory: verdict,
    },
  }
}

/** The line of least squares through the samples that count; what shrinks is flat, too. */
function judgeMemory(samples: readonly Sample[]): {
  /** Megabytes a second. */
  readonly slope: number
  /** Over the time that counts, as a share of the memory. */
  readonly growth: number
  readonly verdict: 'flat' | 'grows' | 'too short to say'
} {
  const end = samples.at(-1)?.seconds ?? 0
  const counted = samples.filter(({ seconds }) => seconds >= end * SETTLING_SHARE)
  const mean = (values: readonly number[]) =>
    values.reduce((sum, one) => sum + one, 0) / values.length
  const [t, m] = [
    mean(counted.map(({ seconds }) => seconds)),
    mean(counted.map((one) => one.megabytes)),
  ]
  const covariance = mean(counted.map((one) => (one.seconds - t) * (one.megabytes - m)))
  const variance = mean(counted.map((one) => (one.seconds - t) ** 2))
  const slope = variance === 0 ? 0 : covariance / variance
  const span = end - (counted[0]?.seconds ?? end)
  const growth = (slope * span) / m
  if (counted.length < LEAST_SAMPLES) return { slope, growth, verdict: 'too short to say' }
  return { slope, growth, verdict: growth < FLAT_SHARE ? 'flat' : 'grows' }
}

/** `30m`, `90s` or `2h` as seconds. */
export function parseSpan(text: string): number {
  const [, count, unit = 's'] = /^([1-9][0-9]{0,5})([smh])$/.exec(text) ?? []
  if (count === undefined) throw new Error(`${text} is not a time like 90s, 30m or 2h`)
  return Number(count) * { s: 1, m: 60, h: 3600 }[unit as 's' | 'm' | 'h']
}
