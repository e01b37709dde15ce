import { existsSync } from 'node:fs'
import { startCloudProcess, startMachineProcess } from './cloud-process.ts'
import { warmUp } from './e2e.ts'
import { median, round, rounds } from './figures.ts'
import { type Latency, latency, type Rig, throughput } from './load.ts'
import { usageOf } from './process-usage.ts'
import type { Row } from './report.ts'
import { heliographRig } from './rigs/heliograph.ts'
import { mosquittoDurableRig, mosquittoRig } from './rigs/mosquitto.ts'
import { natsRig } from './rigs/nats.ts'
import { NCHAN_MODULE, nchanRig } from './rigs/nchan.ts'
import { type Place, preparePlace, programPath } from './rigs/place.ts'
import { rabbitmqRig } from './rigs/rabbitmq.ts'

export interface PeersOptions {
  readonly devices: number
  readonly inFlight: number
  /** Of each round of the throughput, about. */
  readonly seconds: number
  readonly rounds: number
  readonly portBase: number
  /** Of one machine: what a 200 means. */
  readonly durability: string
  /** Parts of names, in any case; default: all. */
  readonly only?: readonly string[] | undefined
}

const ONE_MACHINE = 'Heliograph, one machine'

interface Peer {
  readonly name: string
  /** What the programs' Debian packages are called. */
  readonly packages: string
  readonly program: string
  /** What it leaves out that Heliograph does for every notification. */
  readonly lacks: string
  open(program: string, place: Place): Promise<Rig>
}

const gatewayLacks =
  'no queue: lost with the broker; no device token, topic or revocation check; answers before the device has it'

const known: readonly Peer[] = [
  {
    name: 'Mosquitto + Node gateway',
    packages: 'mosquitto',
    program: 'mosquitto',
    lacks: `${gatewayLacks}; nothing kept for who is offline (clean session)`,
    open: mosquittoRig,
  },
  {
    name: 'Mosquitto, saved at every change + Node gateway',
    packages: 'mosquitto',
    program: 'mosquitto',
    lacks:
      'writes its whole database at every change and syncs it never; no device token, topic or revocation check; keeps all and not the newest',
    open: mosquittoDurableRig,
  },
  {
    name: 'Nchan',
    packages: 'nginx libnginx-mod-nchan',
    program: 'nginx',
    lacks:
      'in memory only; no acknowledgement of the device at all; no device token, topic or revocation check; keeps all and not the newest',
    open: nchanRig,
  },
  {
    name: 'NATS MQTT + Node gateway',
    packages: 'nats-server',
    program: 'nats-server',
    lacks: `${gatewayLacks}; keeps QoS 1 messages on disk, all and not the newest`,
    open: natsRig,
  },
  {
    name: 'RabbitMQ MQTT + Node gateway',
    packages: 'rabbitmq-server',
    program: 'rabbitmq-server',
    lacks: 'no device token, topic or revocation check; keeps all and not the newest',
    open: rabbitmqRig,
  },
]

interface Measured {
  readonly rig: Rig
  /** When it was warm. */
  readonly best: number
  readonly perSecond: number[]
  /** Share of one processor that the driver took, percent: at 100 it is the limit. */
  readonly driverBusy: number[]
  readonly latencies: Latency[]
  lost: number
}

/**
 * The same driver, payloads, certificates and device count against every peer, all running at once and
 * measured in turn, round by round: other load on the machine affects all of them alike.
 */
export async function benchPeers(
  options: PeersOptions,
  say: (line: string) => void,
): Promise<Row[]> {
  const cloud = await startCloudProcess(options.portBase)
  const machine = await startMachineProcess(options.portBase + 50, options.durability)
  const rigs: Rig[] = []
  try {
    const one = await heliographRig(machine.local, options.devices, ONE_MACHINE)
    rigs.push(one)
    say(`${one.name}: ${one.devices} devices`)
    const ours = await heliographRig(cloud.local, options.devices)
    rigs.push(ours)
    say(`${ours.name}: ${ours.devices} devices`)
    const place = await preparePlace(cloud, ours.fleet, options.portBase + 100)
    const skipped = await openPeers(place, rigs, options, say)
    const measured = await measure(rigs, options, say)
    const memory: Row = {
      what: `memory of one machine, ${options.devices} devices`,
      figures: { MB: round(usageOf(machine.pid).residentMegabytes, 0) },
    }
    return [...rowsOf(measured), memory, ...skipped]
  } finally {
    for (const rig of rigs) await rig.close()
    await machine.stop()
    await cloud.stop()
  }
}

function isAsked(name: string, only: PeersOptions['only']): boolean {
  return only?.some((part) => name.toLowerCase().includes(part.toLowerCase())) ?? true
}

/** Opens what is installed; returns a row for what is not. */
async function openPeers(
  place: Place,
  rigs: Rig[],
  { only }: PeersOptions,
  say: (line: string) => void,
): Promise<readonly Row[]> {
  const skipped: Row[] = []
  for (const peer of known.filter(({ name }) => isAsked(name, only))) {
    const program = programPath(peer.program)
    const missing = program === undefined || (peer.program === 'nginx' && !existsSync(NCHAN_MODULE))
    if (missing) {
      const note = `not installed: apt-get install ${peer.packages}`
      skipped.push({ what: peer.name, figures: { skipped: 'yes' }, note })
      say(`${peer.name}: ${note}`)
    } else {
      rigs.push(await peer.open(program, place))
      say(`${peer.name}: ${place.devices.length} devices`)
    }
  }
  return skipped
}

/** Memory that was given back, and code that was forgotten, come back within this. */
const LEAD_IN_SECONDS = 0.5

async function measure(
  rigs: readonly Rig[],
  { inFlight, seconds, rounds: count }: PeersOptions,
  say: (line: string) => void,
): Promise<Measured[]> {
  const measured: Measured[] = []
  for (const rig of rigs) {
    const best = await warmUp(rig, inFlight).catch((fault: unknown) => {
      throw new Error(`${rig.name}: ${fault instanceof Error ? fault.message : fault}`)
    })
    measured.push({ rig, best, perSecond: [], driverBusy: [], latencies: [], lost: 0 })
    say(`${rig.name}: warm`)
  }
  for (let n = 0; n < count; n += 1) {
    // whoever runs first finds the processors rested, so everybody gets that turn once
    for (const one of [...measured.slice(n % rigs.length), ...measured.slice(0, n % rigs.length)]) {
      // who has rested while all others had their turn has to get going again
      await throughput(one.rig, Math.ceil(one.best * LEAD_IN_SECONDS), inFlight)
      const sends = Math.ceil(one.best * seconds)
      const [before, started] = [usageOf(process.pid).cpuMs, performance.now()]
      const { perSecond, lost, refused } = await throughput(one.rig, sends, inFlight)
      const busyMs = usageOf(process.pid).cpuMs - before
      one.driverBusy.push((100 * busyMs) / (performance.now() - started))
      const open = await latency(one.rig, 900, 300)
      one.perSecond.push(perSecond)
      one.latencies.push(open)
      one.lost += lost + refused + open.lost
      one.rig.arrivals.forget()
    }
    say(`round ${n + 1} of ${count}`)
  }
  return measured
}

function rowsOf(measured: readonly Measured[]): Row[] {
  const [machine, embedded, ...peers] = measured
  const rows = measured.map(({ rig, perSecond, driverBusy, latencies, lost }): Row => {
    const lacks = known.find(({ name }) => name === rig.name)?.lacks
    const figures = {
      'per second': rounds(perSecond, 0),
      'driver busy %': rounds(driverBusy, 0),
      'p50 ms at 300/s': rounds(latencies.map(({ p50 }) => p50)),
      'p99 ms at 300/s': rounds(latencies.map(({ p99 }) => p99)),
      lost,
    }
    return { what: rig.name, figures, ...(lacks === undefined ? {} : { note: lacks }) }
  })
  const ratios = (ours: Measured | undefined, name: string): Row[] =>
    peers.map(({ rig, perSecond }) => {
      const each = perSecond.map((theirs, n) => (ours?.perSecond[n] ?? 0) / theirs)
      const figures = { ratio: round(median(each), 2), rounds: rounds(each, 2) }
      return { what: `${name} over ${rig.name}`, figures }
    })
  return [...rows, ...ratios(machine, 'one machine'), ...ratios(embedded, 'Heliograph')]
}
