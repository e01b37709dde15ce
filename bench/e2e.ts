import { setTimeout as wait } from 'node:timers/promises'
import { type ServiceProcess, startCloudProcess, startMachineProcess } from './cloud-process.ts'
import { round, rounds } from './figures.ts'
import { inParallel } from './fleet.ts'
import { H2LOAD_PACKAGE, loadWithH2load } from './h2load.ts'
import { latency, type Rig, throughput } from './load.ts'
import { type Usage, usageOf } from './process-usage.ts'
import { openProvider, send } from './provider.ts'
import type { Row } from './report.ts'
import { type HeliographRig, heliographRig } from './rigs/heliograph.ts'

export interface E2eOptions {
  readonly devices: number
  readonly inFlight: number
  /** Of each round of the throughput. */
  readonly sends: number
  readonly rounds: number
  readonly portBase: number
}

/**
 * Provider and devices in this process, the embedded cloud in another, with client certificates on
 * both sides: one clock for both ends, and the cloud's memory and time are its own.
 */
export async function benchE2e(options: E2eOptions, say: (line: string) => void): Promise<Row[]> {
  const cloud = await startCloudProcess(options.portBase)
  return benchService({ service: cloud, name: 'embedded cloud' }, options, say)
}

/** The same with `heliograph serve` instead of the embedded cloud, and its provider API alone. */
export async function benchMachine(
  options: E2eOptions & { readonly durability: string },
  say: (line: string) => void,
): Promise<Row[]> {
  const machine = await startMachineProcess(options.portBase, options.durability)
  const service = { service: machine, name: `one machine, durability ${options.durability}` }
  return benchService(service, options, say)
}

interface Started {
  readonly service: ServiceProcess
  readonly name: string
}

async function benchService(
  { service, name }: Started,
  options: E2eOptions,
  say: (line: string) => void,
): Promise<Row[]> {
  try {
    say(`${name} is up, activating ${options.devices} devices`)
    const started = performance.now()
    const rig = await heliographRig(service.local, options.devices)
    say(`${rig.devices} devices in ${round((performance.now() - started) / 1000)} s`)
    const rows = await measure(rig, { ...options, name }, () => usageOf(service.pid), say)
    const refusals = await measureRefusals(service, options)
    await rig.close()
    return [...rows, refusals, await measureWithH2load(service, options)]
  } finally {
    await service.stop()
  }
}

/** The provider API without delivery: tokens that nobody has, refused as fast as they can be. */
async function measureRefusals(
  service: ServiceProcess,
  { sends, rounds: count }: E2eOptions,
): Promise<Row> {
  const session = openProvider(service.local)
  const { topic } = service.local.provider
  const [perSecond, cpu]: [number[], number[]] = [[], []]
  const path = `/3/device/${'ab'.repeat(32)}`
  for (let n = 0; n < count; n += 1) {
    const [before, started] = [usageOf(service.pid), performance.now()]
    await inParallel(sends, REFUSALS_IN_FLIGHT, () => send(session, { path, topic, alert: 'x' }))
    perSecond.push(sends / ((performance.now() - started) / 1000))
    cpu.push(((usageOf(service.pid).cpuMs - before.cpuMs) * 1000) / sends)
  }
  session.close()
  return {
    what: `provider API alone: unknown tokens, ${REFUSALS_IN_FLIGHT} in flight`,
    figures: { 'per second': rounds(perSecond, 0), 'service CPU us each': rounds(cpu, 0) },
  }
}

const REFUSALS_IN_FLIGHT = 100

/** The same by a driver that is not in Node. */
async function measureWithH2load(service: ServiceProcess, options: E2eOptions): Promise<Row> {
  const what = `provider API alone with h2load, by provider token, ${REFUSALS_IN_FLIGHT} in flight`
  const [perSecond, cpu]: [number[], number[]] = [[], []]
  for (let n = 0; n < options.rounds; n += 1) {
    const loaded = await loadWithH2load(service, 5 * options.sends, REFUSALS_IN_FLIGHT)
    if (!loaded) {
      const note = `not installed, or no provider token: apt-get install ${H2LOAD_PACKAGE}`
      return { what, figures: { skipped: 'yes' }, note }
    }
    perSecond.push(loaded.perSecond)
    cpu.push(loaded.cpuUs)
  }
  return {
    what,
    figures: { 'per second': rounds(perSecond, 0), 'service CPU us each': rounds(cpu, 0) },
  }
}

async function measure(
  rig: HeliographRig,
  { devices, inFlight, sends, rounds: count, name }: E2eOptions & { readonly name: string },
  usage: () => Usage,
  say: (line: string) => void,
): Promise<Row[]> {
  await warmUp(rig, inFlight)
  say('warm')
  const quiet = await latency(rig, 200, 20, 1)
  const busy = await measureThroughput(rig, { inFlight, sends, count }, usage)
  const open = await latency(rig, 3_000, 300)
  const memory: Row = {
    what: `memory of the ${name}, ${devices} devices`,
    figures: {
      MB: round(usage().residentMegabytes, 0),
      'MB without pages of files': round(usage().ownMegabytes, 0),
    },
  }
  return [
    { what: 'low load: 1 device, 20/s', figures: inMs(quiet) },
    { what: `${devices} devices, ${inFlight} in flight`, figures: busy },
    { what: `${devices} devices, 300/s open loop`, figures: inMs(open) },
    memory,
    await drain(rig),
  ]
}

/** After so many rounds without a faster one, hot code counts as compiled; a single round may be slow by chance. */
const SETTLED_AFTER = 3
const MOST_ROUNDS = 16

/** Until the rounds no longer get faster: compiling hot code is most of the first thousands. Returns the best, per second. */
export async function warmUp(rig: Rig, inFlight: number): Promise<number> {
  let best = 0
  let slower = 0
  for (let n = 0; n < MOST_ROUNDS && slower < SETTLED_AFTER; n += 1) {
    const { perSecond } = await throughput(rig, 1_500, inFlight)
    slower = perSecond > best * 1.03 ? 0 : slower + 1
    best = Math.max(best, perSecond)
  }
  return best
}

function inMs({ p50, p99, max, lost }: Awaited<ReturnType<typeof latency>>) {
  return { 'p50 ms': p50, 'p99 ms': p99, 'max ms': max, lost }
}

async function measureThroughput(
  rig: Rig,
  { inFlight, sends, count }: { inFlight: number; sends: number; count: number },
  usage: () => Usage,
) {
  const [perSecond, cloudCpu, driverCpu]: [number[], number[], number[]] = [[], [], []]
  let lost = 0
  for (let n = 0; n < count; n += 1) {
    const [cloud, driver] = [usage(), usageOf(process.pid)]
    const run = await throughput(rig, sends, inFlight)
    perSecond.push(run.perSecond)
    cloudCpu.push(((usage().cpuMs - cloud.cpuMs) * 1000) / sends)
    driverCpu.push(((usageOf(process.pid).cpuMs - driver.cpuMs) * 1000) / sends)
    lost += run.lost + run.refused
  }
  return {
    'per second': rounds(perSecond, 0),
    'cloud CPU us each': rounds(cloudCpu, 0),
    'driver CPU us each': rounds(driverCpu, 0),
    lost,
  }
}

/** Everybody offline, ten sends each, everybody back: exactly the newest arrives. */
async function drain(rig: HeliographRig): Promise<Row> {
  await rig.goOffline()
  const sends = 10
  for (let n = 0; n < sends; n += 1)
    await inParallel(rig.devices, 32, (device) => rig.send(device, `offline ${n} ${device}`))
  // the queue must be empty before the devices return: a late one would be delivered directly
  await wait(5_000)
  const newest = Array.from(
    { length: rig.devices },
    (_, device) => `offline ${sends - 1} ${device}`,
  )
  const started = performance.now()
  await rig.comeBack()
  const missing = await rig.arrivals.missing(newest)
  const drained = performance.now() - started
  // what should not come would come now
  await wait(1_000)
  const got = newest.length - missing.length
  return {
    what: `${rig.devices} devices offline, ${sends} sends each, all back`,
    figures: { newest: got, stale: rig.arrivals.stored - got, 'drained s': round(drained / 1000) },
  }
}
