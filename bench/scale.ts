import { runChild } from './children.ts'
import { benchConnections } from './connections.ts'
import { computeDollars } from './cost/model.ts'
import { dollars } from './cost/prices.ts'
import { median, round, rounds } from './figures.ts'
import { lastReport, type Row } from './report.ts'
import { openWorkbench, type Workbench } from './workbench.ts'

export interface ScaleOptions {
  readonly registered: readonly number[]
  readonly connected: readonly number[]
  readonly rounds: number
}

interface Measured {
  readonly cpuMicroseconds: number
  readonly invocations: number
  readonly residentMegabytes: number
}

/** Notifications measured for each number of devices and round. */
const NOTIFICATIONS = 6_000

/**
 * How the cost of a notification grows with the devices: what accept computes and reads where more and
 * more are registered, and what the broker bears where more and more are connected.
 */
export async function benchScale(
  options: ScaleOptions,
  say: (line: string) => void,
): Promise<Row[]> {
  return [
    ...(await benchRegistered(options, say)),
    ...(await benchConnections(options.connected, say)),
  ]
}

async function benchRegistered(
  { registered, rounds: count }: ScaleOptions,
  say: (line: string) => void,
): Promise<Row[]> {
  const benches: Workbench[] = []
  try {
    for (const devices of registered) benches.push(await openWorkbench({ devices, compact: true }))
    const runs = benches.map(() => [] as Figures[])
    for (let n = 0; n < count; n += 1) {
      for (const [index, bench] of benches.entries()) runs[index]?.push(await measure(bench))
      say(`round ${n + 1} of ${count}`)
    }
    return runs.map((figures, index) => rowOf(registered[index] ?? 0, figures, runs[0] ?? []))
  } finally {
    for (const bench of benches) bench.close()
  }
}

interface Figures {
  readonly cpu: number
  readonly reads: number
  readonly megabytes: number
}

async function measure(bench: Workbench): Promise<Figures> {
  const before = await readsOf(bench)
  const count = String(NOTIFICATIONS)
  // as many to warm up: accept has then seen twice as many devices as it measures sends
  const args = [bench.bundle('accept', 'lean'), bench.events.accept, count, count]
  const run = await runChild<Measured>('measure-calls', args, bench.environment)
  const reads = (await readsOf(bench)) - before
  return {
    cpu: run.cpuMicroseconds / run.invocations,
    reads: reads / (2 * NOTIFICATIONS),
    megabytes: run.residentMegabytes,
  }
}

async function readsOf({ stub }: Workbench): Promise<number> {
  const calls = Object.entries(await stub.calls())
  return calls
    .filter(([name]) => name.startsWith('GetItem registrations'))
    .reduce((sum, [, count]) => sum + count, 0)
}

function rowOf(devices: number, figures: readonly Figures[], least: readonly Figures[]): Row {
  const more = dollarsPerMillion(figures) - dollarsPerMillion(least)
  return {
    what: `${devices} devices registered`,
    figures: {
      'accept CPU us each': rounds(
        figures.map(({ cpu }) => cpu),
        0,
      ),
      'reads each': round(median(figures.map(({ reads }) => reads)), 2),
      'USD per million more': round(more, 2),
      '% of cost more': round((more / onlineCost()) * 100),
      'RSS MB': round(median(figures.map(({ megabytes }) => megabytes)), 0),
    },
  }
}

/** What accept reads and computes for a million notifications. */
function dollarsPerMillion(figures: readonly Figures[]): number {
  const reads = median(figures.map((one) => one.reads))
  const cpu = median(figures.map((one) => one.cpu))
  return dollars('dynamoRead', reads * 1e6) + computeDollars(cpu)
}

/** Dollars of a million online notifications, of the last `cost` run. */
function onlineCost(): number {
  const { rows } = lastReport('cost')
  const online = rows.find(({ what }) => what === 'online, 32 in flight')
  return Number(online?.figures['USD per million'])
}
