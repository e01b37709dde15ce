import { mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Rounds } from '../figures.ts'
import { lastReport, type Report, type Row, show } from '../report.ts'
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
results stand as JSON in \`bench/results\`. Such a machine is shared and noisy: figures that belong together come from
one run and take turns, and are given as \`median (least-greatest)\` of the rounds. The embedded cloud runs all of AWS in
one process on the same two cores as the provider and the devices, so its throughput says what a developer's machine
does and what one notification costs, not what AWS can do: there every part scales by itself (\`docs/scale.md\`).
What a notification costs in dollars is in [cost.md](cost.md).`

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
      'accept, import over an empty handler, ms',
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
    ['the same over Mosquitto + Node gateway', '≥ 0.25', '≥ 1.0', verdict(-ratio, [-0.25, -1])],
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
      'USD per million with 100,000 devices registered over 1,000, difference',
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

${table(['what', 'reach', 'stretch', 'measured'], rows)}`
}

/** The value with how far it goes; bounds are the most allowed, negative where more is better. */
function verdict(value: number, [reach, stretch]: readonly number[]): string {
  const shown = String(Math.abs(value))
  if (stretch !== undefined && value <= stretch) return `${shown}, stretch met`
  return reach !== undefined && value <= reach ? `${shown}, met` : `${shown}, **not met**`
}

function endToEnd({ e2e }: Results): string {
  return `## End to end

A provider over HTTP/2 with its certificate, devices over MQTT with theirs, in one process; the embedded cloud in another:
from the provider's call to the device's handler, before its acknowledgement.

${rowsOf(e2e.rows)}

The first seconds of a new embedded cloud are several times slower: Node.js compiles what has become hot.`
}

function besidePeers({ peers }: Results): string {
  const lacks = peers.rows
    .filter(({ note }) => note !== undefined)
    .map(({ what, note }) => `- *${what}*: ${note}.`)
  return `## Beside others

The same driver, certificates, payloads and devices, all of them running at once and measured in turn. None of the others
does what Heliograph does for each notification, so the ratios say what that costs on one machine:

${lacks.join('\n')}

![Notifications per second](images/bench-peers.svg)

${rowsOf(peers.rows)}

A Heliograph notification passes everything that it passes on AWS: an HTTP/2 request with a client certificate, a function
call, a signed queue request, a queue poll, a function call, a signed direct message, an MQTT publish and its
acknowledgement: four hand-overs between threads and two HTTP requests over loopback more than a gateway that writes to a
broker. Of the processor time of one notification the embedded cloud's main thread takes about a third, accept a quarter,
deliver a sixth, and the driver, which is the same for all, the rest.`
}

function processorTime({ hot }: Results): string {
  return `## Processor time

Each function alone in a process, called with recorded events; AWS is a stub in another process. "No client" stops where
the SDK's client would be called. "One HTTP request" is the unit: a keep-alive POST of the same size with \`node:http\`.

![Processor time](images/bench-hot.svg)

${rowsOf(hot.rows)}`
}

function coldStart({ cold }: Results): string {
  return `## Cold start

Fresh processes, against an empty handler. The import of accept includes its three first reads (token keys, revocations,
certificate authority), which start while the module loads and run at once.

![Size of the bundles](images/bench-cold.svg)

${rowsOf(cold.rows)}`
}

function growth({ scale }: Results): string {
  return `## More devices

Registered: accept believes a registration for a minute, so the share of sends that read grows with the devices that a
thousand sends go to; one read each is the most. Connected: client certificates, one broker process.

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
  return `## Decisions by these figures

- **Lean clients.** The calls on a notification's way go through \`aws/lean\`: signatures by aws4, requests by \`node:http\`.
  Accept and deliver take ${lean} µs for a notification with them and ${sdk} µs with the SDK's clients, ${ratio} times as much;
  the bundle of accept has ${number(cold, 'accept', 'kB')} kB in place of ${number(cold, 'accept, SDK', 'kB')}. They stand behind the SDK's own
  names: without the alias in \`bin/bundle.ts\` the same sources run on the SDK. \`test/lean\` holds them to the SDK's behaviour. Activation, renewal and the makers of
  certificates keep the SDK's clients, and so does the command line.
- **Own log lines, metric filters.** An outcome is one JSON line, and CloudWatch makes the metrics of it
  (\`lib/constructs/outcome-metrics.ts\`). A line costs ${own} µs; with Powertools' Logger and Metrics (EMF) it is ${powertools} µs and
  a second line, at $0.50 a GB, for each of three outcomes of a notification.
- **Queue sends are not batched.** Lambda gives an execution environment one request at a time, so there is never a second
  send to share a call with.
- **Batch window 0.** A window would fill deliver's batches and be the largest part of the time to the device; see
  [cost.md](cost.md).`
}

const guard = `## Guard

\`npm run bench -- check\` runs in CI: calls per notification, the size of every bundle, and the processor time of accept and
deliver in units of one HTTP request, against \`bench/baseline.json\`. It fails when one of them is 25% above.`

function rowsOf(rows: readonly Row[]): string {
  const names = [...new Set(rows.flatMap(({ figures }) => Object.keys(figures)))]
  // figures of different kinds share no columns: then each row tells its own
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
