import { summarize } from '../tools/faults/summary.ts'
import { round } from './figures.ts'
import { inParallel } from './fleet.ts'

/** A service with devices, as the load sees it; the same for Heliograph and for its peers. */
export interface Rig {
  readonly name: string
  readonly devices: number
  /** Notes what arrives, in the driver's own time: one clock for both ends. */
  readonly arrivals: Arrivals
  /** Sends to one device; true if the service took it. */
  send(device: number, alert: string): Promise<boolean>
  close(): Promise<void>
}

/** When each alert arrived first; alerts are unique texts. */
export class Arrivals {
  readonly #at = new Map<string, number>()
  #stored = 0
  #heard = 0

  note(alert: string, stored = false): void {
    this.#heard += 1
    if (this.#at.has(alert)) return
    this.#at.set(alert, performance.now())
    if (stored) this.#stored += 1
  }

  at(alert: string): number | undefined {
    return this.#at.get(alert)
  }

  /** Forgets what has arrived: a long run would otherwise fill the driver's memory. */
  forget(): void {
    this.#at.clear()
  }

  /** How many messages came, the same alert at several devices included. */
  get heard(): number {
    return this.#heard
  }

  /** How many came out of a pending slot. */
  get stored(): number {
    return this.#stored
  }

  /** Waits for all of them; returns those that did not come. */
  async missing(alerts: readonly string[], withinMs = 15_000): Promise<string[]> {
    const deadline = performance.now() + withinMs
    for (;;) {
      const missing = alerts.filter((alert) => !this.#at.has(alert))
      if (missing.length === 0 || performance.now() > deadline) return missing
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }
}

let runs = 0

/** Texts that no other run has used. */
function alertsOf(count: number): string[] {
  runs += 1
  return Array.from({ length: count }, (_, n) => `run ${runs} number ${n}`)
}

export interface Throughput {
  /** Notifications that reached their device, per second. */
  readonly perSecond: number
  readonly lost: number
  readonly refused: number
}

/** Closed loop: `inFlight` sends at any time, over all devices in turn. */
export async function throughput(rig: Rig, sends: number, inFlight: number): Promise<Throughput> {
  const alerts = alertsOf(sends)
  const started = performance.now()
  let refused = 0
  await inParallel(sends, inFlight, async (n) => {
    if (!(await rig.send(n % rig.devices, alerts[n] as string))) refused += 1
  })
  const missing = await rig.arrivals.missing(alerts)
  const last = Math.max(started, ...alerts.map((alert) => rig.arrivals.at(alert) ?? 0))
  const perSecond = round((sends - missing.length) / ((last - started) / 1000), 0)
  return { perSecond, lost: missing.length - refused, refused }
}

export interface Latency {
  readonly p50: number
  readonly p99: number
  readonly max: number
  readonly lost: number
}

/**
 * Open loop: a send starts when it is due, whether or not those before have been answered, so that a
 * pause of the service shows in all that it holds up. Milliseconds from there to the device.
 */
export async function latency(
  rig: Rig,
  sends: number,
  perSecond: number,
  devices = rig.devices,
): Promise<Latency> {
  const alerts = alertsOf(sends)
  const begin = performance.now()
  const due = alerts.map((_, n) => begin + (n * 1000) / perSecond)
  const pending: Promise<boolean>[] = []
  for (const [n, alert] of alerts.entries()) {
    const wait = (due[n] ?? 0) - performance.now()
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
    pending.push(rig.send(n % devices, alert))
  }
  await Promise.all(pending)
  const missing = await rig.arrivals.missing(alerts)
  const times = alerts.flatMap((alert, n) => {
    const arrived = rig.arrivals.at(alert)
    return arrived === undefined ? [] : [arrived - (due[n] ?? 0)]
  })
  const { p50, p99, max } = summarize(times)
  return { p50: round(p50), p99: round(p99), max: round(max), lost: missing.length }
}
