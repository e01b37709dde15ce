import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LocalFile } from '../bin/demo.ts'
import { round, summarize } from './figures.ts'
import { type FleetDevice, inParallel, makeFleet, reconnect } from './fleet.ts'
import { openProvider, send } from './provider.ts'

export interface E2eOptions {
  readonly devices: number
  readonly inFlight: number
  readonly sends: number
  readonly portBase: number
}

export interface Row {
  readonly what: string
  readonly figures: Readonly<Record<string, number>>
}

/**
 * Provider and devices in this process, the embedded cloud in another: one clock for both ends, and
 * the cloud's memory is its own.
 */
export async function benchE2e(options: E2eOptions, say: (line: string) => void): Promise<Row[]> {
  const state = mkdtempSync(join(tmpdir(), 'heliograph-bench-'))
  const cloud = spawn(
    process.execPath,
    [
      '--import',
      'tsx',
      'bin/start.ts',
      '--quiet',
      '--state',
      state,
      '--port-base',
      String(options.portBase),
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  )
  try {
    const local = await localFile(state)
    say(`embedded cloud is up, activating ${options.devices} devices`)
    return await measure(local, options, say, () => residentMegabytes(cloud.pid))
  } finally {
    cloud.kill('SIGTERM')
    await new Promise((resolve) => cloud.once('exit', resolve))
    rmSync(state, { recursive: true, force: true })
  }
}

async function localFile(state: string): Promise<LocalFile> {
  const path = join(state, 'local.json')
  for (let waited = 0; waited < 60_000; waited += 50) {
    if (existsSync(path)) return JSON.parse(readFileSync(path, 'utf8')) as LocalFile
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error('the embedded cloud did not start within 60 s')
}

async function measure(
  local: LocalFile,
  options: E2eOptions,
  say: (line: string) => void,
  memory: () => number,
): Promise<Row[]> {
  const arrivals = new Arrivals()
  const activating = performance.now()
  const fleet = await makeFleet(local, options.devices, (_device, alert, stored, at) =>
    arrivals.note(alert, stored, at),
  )
  say(`${fleet.length} devices in ${round((performance.now() - activating) / 1000)} s`)
  const run = { local, fleet, arrivals, session: openProvider(local) }
  await throughput(run, 'warm-up', 600, options.inFlight)
  const rows = [
    await latency(run, 'low load: 1 device, 20/s', 200, 20, 1),
    await throughput(
      run,
      `${options.devices} devices, ${options.inFlight} in flight`,
      options.sends,
      options.inFlight,
    ),
    await latency(run, `${options.devices} devices, 300/s open loop`, 3_000, 300, fleet.length),
    { what: 'memory of the embedded cloud', figures: { MB: memory() } },
    await drain(run),
  ]
  run.session.close()
  await Promise.all(fleet.map(({ client }) => client.endAsync(true)))
  return rows
}

interface Run {
  readonly local: LocalFile
  readonly fleet: readonly FleetDevice[]
  readonly arrivals: Arrivals
  readonly session: ReturnType<typeof openProvider>
}

/** When each alert arrived; alerts are unique texts. */
class Arrivals {
  readonly #at = new Map<string, number>()
  readonly #stored = new Map<string, number>()

  note(alert: string, stored: boolean, at: number): void {
    if (!this.#at.has(alert)) this.#at.set(alert, at)
    if (stored) this.#stored.set(alert, at)
  }

  at(alert: string): number | undefined {
    return this.#at.get(alert)
  }

  get storedCount(): number {
    return this.#stored.size
  }

  async all(alerts: readonly string[], withinMs = 15_000): Promise<string[]> {
    const deadline = performance.now() + withinMs
    let missing = alerts.filter((alert) => !this.#at.has(alert))
    while (missing.length > 0 && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 5))
      missing = missing.filter((alert) => !this.#at.has(alert))
    }
    return missing
  }
}

async function throughput(run: Run, what: string, sends: number, inFlight: number): Promise<Row> {
  const alerts = Array.from({ length: sends }, (_, n) => `${what} ${n}`)
  const started = performance.now()
  let refused = 0
  await inParallel(sends, inFlight, async (n) => {
    const device = run.fleet[n % run.fleet.length] as FleetDevice
    const status = await send(
      run.session,
      run.local.provider.topic,
      device.token,
      alerts[n] as string,
    )
    if (status !== 200) refused += 1
  })
  const missing = await run.arrivals.all(alerts)
  const last = Math.max(...alerts.map((alert) => run.arrivals.at(alert) ?? started))
  const perSecond = round((sends - missing.length) / ((last - started) / 1000), 0)
  return {
    what,
    figures: { sends, 'per second': perSecond, lost: missing.length - refused, refused },
  }
}

/** Open loop: a send starts when it is due, whether or not the ones before have been answered. */
async function latency(
  run: Run,
  what: string,
  sends: number,
  rate: number,
  devices: number,
): Promise<Row> {
  const startedAt = new Map<string, number>()
  const begin = performance.now()
  const pending: Promise<number>[] = []
  for (let n = 0; n < sends; n += 1) {
    const due = begin + (n * 1000) / rate
    const wait = due - performance.now()
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
    const alert = `${what} ${n}`
    startedAt.set(alert, performance.now())
    const device = run.fleet[n % devices] as FleetDevice
    pending.push(send(run.session, run.local.provider.topic, device.token, alert))
  }
  await Promise.all(pending)
  const missing = await run.arrivals.all([...startedAt.keys()])
  const times = [...startedAt].flatMap(([alert, at]) => {
    const arrived = run.arrivals.at(alert)
    return arrived === undefined ? [] : [arrived - at]
  })
  const { p50, p99, max } = summarize(times)
  return {
    what,
    figures: {
      sends,
      'p50 ms': round(p50),
      'p99 ms': round(p99),
      'max ms': round(max),
      lost: missing.length,
    },
  }
}

/** Everybody offline, ten sends each, everybody back: exactly the newest arrives. */
async function drain(run: Run): Promise<Row> {
  const { fleet, session, local } = run
  await Promise.all(fleet.map(({ client }) => client.endAsync(false)))
  const rounds = 10
  for (let round = 0; round < rounds; round += 1)
    await inParallel(fleet.length, 32, (n) =>
      send(session, local.provider.topic, (fleet[n] as FleetDevice).token, `offline ${round} ${n}`),
    )
  // the queue must be empty before the devices return: a late one would be delivered directly
  await new Promise((resolve) => setTimeout(resolve, 5_000))
  const newest = fleet.map((_, n) => `offline ${rounds - 1} ${n}`)
  const started = performance.now()
  await reconnect(fleet)
  const missing = await run.arrivals.all(newest)
  const drained = performance.now() - started
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  const stale = run.arrivals.storedCount - (newest.length - missing.length)
  return {
    what: `${fleet.length} devices offline, ${rounds} sends each, all back`,
    figures: { newest: newest.length - missing.length, stale, 'drained s': round(drained / 1000) },
  }
}

function residentMegabytes(pid: number | undefined): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024, 0)
}
