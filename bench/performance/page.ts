import { mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Rounds } from '../figures.ts'
import { findReport, lastReport, type Report, type Row, show } from '../report.ts'
import { type Bar, type BarChart, barChart } from './plot.ts'

const docs = fileURLToPath(new URL('../../docs/', import.meta.url))

type Figure = Row['figures'][string]

/** Writes `docs/performance.md` and its plots from the last results; returns a sentence for the user. */
export function writePerformancePage(): string {
  const results = readResults()
  mkdirSync(`${docs}images`, { recursive: true })
  for (const [name, chart] of Object.entries(charts(results)))
    writeFileSync(`${docs}images/bench-${name}.svg`, barChart(chart))
  writeFileSync(`${docs}performance.md`, page(results))
  return 'wrote docs/performance.md and its plots'
}

const benches = ['e2e', 'peers', 'hot', 'cold', 'scale', 'cost'] as const

type Results = Readonly<Record<(typeof benches)[number], Report>>

function readResults(): Results {
  return Object.fromEntries(benches.map((name) => [name, lastReport(name)])) as Results
}

/** The figure of a row, by the beginning of its name. */
function figure(report: Report, what: string, name: string): Figure {
  const row = report.rows.find((one) => one.what.startsWith(what))
  const found = row?.figures[name]
  if (found === undefined) throw new Error(`the results of ${report.bench} lack ${what}: ${name}`)
  return found
}

/** Its number, the median of several. */
function number(report: Report, what: string, name: string): number {
  const found = figure(report, what, name)
  return Number(typeof found === 'object' ? found.median : found)
}

function page(results: Results): string {
  return `${[
    head,
    machineOf(results),
    goals(results),
    endToEnd(results),
    ...oneMachine(),
    besidePeers(results),
    processorTime(results),
    coldStart(results),
    growth(results),
    decisions(results),
    guard,
  ].join('\n\n')}\n`
}

const head = `<!-- Written by \`npm run bench -- page\` from bench/results; change bench/performance, not this page. -->
# Performance

Everything here was measured on one machine with \`npm run bench -- <e2e | peers | hot | cold | scale | cost>\`; the
results are in \`bench/results\` as JSON. The machine is shared and noisy, so figures that are compared with each other come from
a single run that alternates between them, and are given as \`median (least-greatest)\` of its rounds. The embedded cloud runs all of AWS in
one process on the same two cores as the provider and the devices. Its throughput therefore tells you what a developer's machine
can do and what one notification costs, but not what AWS can do, where every part scales separately (\`docs/scale.md\`).
[cost.md](cost.md) says what a notification costs in dollars.`

function machineOf({ e2e }: Results): string {
  const { processor, cores, memoryGigabytes, system, node, versions } = e2e.machine
  const parts = Object.entries(versions).map(([name, version]) => `${name} ${version}`)
  return `${processor}, ${cores} cores, ${memoryGigabytes} GB, ${system}, Node.js ${node}; ${parts.join(', ')}.`
}

function goals(results: Results): string {
  const { e2e, peers, hot, cold, scale } = results
  const ms = (report: Report, what: string, name: string) => number(report, what, name)
  const busy = number(e2e, '500 devices, 32 in flight', 'per second')
  const ratio = number(peers, 'Heliograph over Mosquitto', 'ratio')
  const calls = number(results.cost, 'online, 32 in flight', 'calls each')
  const usd = number(results.cost, 'online, 32 in flight', 'USD without logs and transfer')
  const rows: [string, string, string, string][] = [
    ['calls per online notification', '2 and ≤ 0.4 more', '', String(calls)],
    [
      'USD per million online, without logs and transfer',
      '≤ 3.20',
      '≤ 2.50',
      verdict(usd, [3.2, 2.5]),
    ],
    ['accept bundle, kB', '≤ 220', '≤ 60', verdict(number(cold, 'accept', 'kB'), [220, 60])],
    [
      'accept, import time above that of an empty handler, ms',
      '≤ 35',
      '≤ 12',
      verdict(number(cold, 'accept', 'over empty ms'), [35, 12]),
    ],
    [
      'processor time in accept + deliver, µs',
      '≤ 700',
      '≤ 250',
      verdict(number(hot, 'accept + deliver, lean', 'CPU us'), [700, 250]),
    ],
    [
      'the same without the clients, µs',
      '≤ 60',
      '≤ 30',
      verdict(number(hot, 'accept + deliver, no client', 'CPU us'), [60, 30]),
    ],
    ['end to end, 32 in flight, per second', '≥ 1,000', '', verdict(-busy, [-1000])],
    [
      'the same, as a multiple of Mosquitto + Node gateway',
      '≥ 0.25',
      '≥ 1.0',
      verdict(-ratio, [-0.25, -1]),
    ],
    [
      'end to end at 300/s, p50 ms',
      '≤ 5',
      '≤ 2',
      verdict(ms(e2e, '500 devices, 300/s', 'p50 ms'), [5, 2]),
    ],
    [
      'end to end at 300/s, p99 ms',
      '≤ 40',
      '',
      verdict(ms(e2e, '500 devices, 300/s', 'p99 ms'), [40]),
    ],
    [
      'USD per million, difference between 100,000 and 1,000 registered devices',
      '≤ 10%',
      '',
      verdict(number(scale, '100000 devices registered', '% of cost more'), [10]),
    ],
    [
      '10,000 devices connected, kB each',
      '≤ 80',
      '',
      verdict(number(scale, '10000 devices connected', 'kB RSS each'), [80]),
    ],
  ]
  return `## Goals

${table(['what', 'goal', 'stretch goal', 'measured'], rows)}`
}

/** The value with its range; a bound is the most that is allowed, and negative where more is better. */
function verdict(value: number, [reach, stretch]: readonly number[]): string {
  const shown = String(Math.abs(value))
  if (stretch !== undefined && value <= stretch) return `${shown}, stretch met`
  return reach !== undefined && value <= reach ? `${shown}, met` : `${shown}, **not met**`
}

function endToEnd({ e2e }: Results): string {
  return `## End to end

One process runs a provider (HTTP/2) and the devices (MQTT), each with its own certificate; another runs the embedded cloud.
Times are from the provider's call to the device's handler, before it acknowledges.

${rowsOf(e2e.rows)}

For its first few seconds, a new embedded cloud is several times slower, until Node.js has compiled the hot code.`
}

/** Left out until `npm run bench -- machine` has been run; with `--connections` and `--soak` if they were. */
function oneMachine(): string[] {
  const rows = ['machine', 'crowd', 'soak'].flatMap((name) => findReport(name)?.rows ?? [])
  if (rows.length === 0) return []
  return [
    `## One machine

These are the same measurements with \`heliograph serve\` ([one-machine.md](one-machine.md)) in place of the embedded cloud. Its
processor time per notification and its memory carry over to other machines. Divide one second by that time to get the
notifications per second, as long as the disk and the driver, which shares the processors here, keep up.

${rowsOf(rows)}`,
  ]
}

function besidePeers({ peers }: Results): string {
  const lacks = peers.rows
    .filter(({ note }) => note !== undefined)
    .map(({ what, note }) => `- *${what}*: ${note}.`)
  return `## Compared with others

All systems use the same driver, certificates, payloads and devices; they run at once and are measured in turn, three seconds a
round after half a second to get going. The driver, one Node process that is the provider and all devices, shares two processors with
the system: where it is 90% busy, it is the limit, and no system could be much faster. None of the others does what Heliograph does for
each notification, so the ratios show what that costs on one machine:

${lacks.join('\n')}

![Notifications per second](images/bench-peers.svg)

${rowsOf(peers.rows)}

On the embedded cloud, a notification takes the same path as on AWS: an HTTP/2 request with a client certificate, a function
call, a signed queue request, a queue poll, a function call, a signed direct message, an MQTT publish and its
acknowledgement. Its stage keeps the receipts of all notifications and announces all events, so a queue and a function for each
come on top. Compared with a gateway that writes to a broker, that is four more handovers between threads and two more HTTP
requests over loopback, without those. The embedded cloud's main thread takes about a third of the processor time of one notification, accept a quarter,
deliver a sixth, and the driver, which is the same for all systems, takes the rest.`
}

function processorTime({ hot }: Results): string {
  return `## Processor time

Each function runs alone in a process and is called with recorded events; AWS is a stub in another process. "No client" stops where
the SDK's client would be called. The unit of comparison is "one HTTP request": a keep-alive POST of the same size with \`node:http\`.

![Processor time](images/bench-hot.svg)

${rowsOf(hot.rows)}`
}

function coldStart({ cold }: Results): string {
  return `## Cold start

These are fresh processes, compared with an empty handler. The import of accept includes its first three reads (token keys, revocations,
certificate authority), which start while the module loads and run in parallel.

![Size of the bundles](images/bench-cold.svg)

${rowsOf(cold.rows)}`
}

function growth({ scale }: Results): string {
  return `## More devices

Registered devices: accept caches a registration for a minute, so the more devices a thousand notifications go to, the more
often accept reads the table, up to one read each. Connected devices: client certificates, one broker process.

![Memory of a connection](images/bench-scale.svg)

${rowsOf(scale.rows)}`
}

function decisions({ hot, cold }: Results): string {
  const [lean, sdk] = ['accept + deliver, lean', 'accept + deliver, sdk'].map((what) =>
    show(figure(hot, what, 'CPU us')),
  )
  const ratio = number(hot, 'SDK over lean', 'ratio')
  const [own, powertools] = ['one log line, own', 'one log line and metric'].map((what) =>
    show(figure(hot, what, 'CPU us')),
  )
  return `## Decisions based on these figures

- **Lean clients.** The calls on a notification's path go through \`packages/aws/src/lean\`, which has its own signing (SigV4) and uses \`node:http\`.
  With them, accept and deliver take ${lean} µs for a notification; with the SDK's clients they take ${sdk} µs, ${ratio} times as much.
  The bundle of accept is ${number(cold, 'accept', 'kB')} kB instead of ${number(cold, 'accept, SDK', 'kB')}. The lean clients have the SDK's
  names: without the alias in \`bin/bundle.ts\`, the same sources run on the SDK. \`packages/aws/test/lean\` checks that they behave like the SDK. Activation, renewal, the functions that
  create the CAs, and the command line use the SDK's clients.
- **Plain log lines and metric filters.** An outcome is one JSON line, from which CloudWatch makes the metrics
  (\`lib/constructs/outcome-metrics.ts\`). A line costs ${own} µs. With Powertools' Logger and Metrics (EMF) it would cost ${powertools} µs and
  a second line, at $0.50 a GB, for each of a notification's three outcomes.
- **Queue sends are not batched.** Lambda gives an execution environment one request at a time, so there is never a second
  send to share a call with.
- **Batch window 0.** A window would fill deliver's batches, but would be the largest part of the time to the device; see
  [cost.md](cost.md).`
}

const guard = `## Guard

\`npm run bench -- check\` runs in CI. Calls per notification, the size of every bundle, and the processor time of accept and
deliver in units of one HTTP request are compared with \`bench/baseline.json\`. It fails if any of them is more than 25% higher.`

function rowsOf(rows: readonly Row[]): string {
  const names = [...new Set(rows.flatMap(({ figures }) => Object.keys(figures)))]
  // figures of different kinds do not share columns: each row then lists its own
  if (names.length > 8)
    return table(
      ['what', 'figures'],
      rows.map(({ what, figures }) => [
        what,
        Object.entries(figures)
          .map(([name, value]) => `${name} ${show(value)}`)
          .join('; '),
      ]),
    )
  return table(
    ['what', ...names],
    rows.map(({ what, figures }) => [
      what,
      ...names.map((name) => (figures[name] === undefined ? '' : show(figures[name]))),
    ]),
  )
}

function table(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(columns), line(columns.map(() => '---')), ...rows.map(line)].join('\n')
}

function charts({ peers, hot, cold, scale }: Results): Readonly<Record<string, BarChart>> {
  return {
    peers: {
      title: 'Notifications per second, 32 in flight',
      unit: '/s',
      bars: bars(peers.rows, 'per second', (what) => what.startsWith('Heliograph')),
    },
    hot: {
      title: 'Processor time for one notification',
      unit: 'µs',
      bars: bars(hot.rows, 'CPU us', (what) => what.includes('lean')),
    },
    cold: {
      title: 'Size of the bundles',
      unit: 'kB',
      bars: bars(cold.rows, 'kB', (what) => ['accept', 'deliver'].includes(what)),
    },
    scale: {
      title: 'Memory of the broker for one connection',
      unit: 'kB',
      goal: 80,
      bars: bars(scale.rows, 'kB RSS each', () => true),
    },
  }
}

function bars(rows: readonly Row[], name: string, isOwn: (what: string) => boolean): Bar[] {
  return rows.flatMap(({ what, figures }) => {
    const value = figures[name]
    if (value === undefined || typeof value === 'string') return []
    return [{ label: what, own: isOwn(what), ...lengthOf(value) }]
  })
}

function lengthOf(value: number | Rounds): Pick<Bar, 'value' | 'range'> {
  if (typeof value === 'number') return { value }
  return { value: value.median, range: [value.least, value.greatest] }
}
