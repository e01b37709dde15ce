import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { functionNames } from '../lib/functions.ts'
import { runChild } from './children.ts'
import { round } from './figures.ts'
import { BATCH, openWorkbench, type Workbench } from './workbench.ts'

/**
 * Guards counts and ratios, so that it means the same on every machine: calls per notification, kB of
 * every bundle, and the processor time of accept and deliver in units of one plain HTTP request.
 */

export type Metrics = Readonly<Record<string, number>>

export interface Worse {
  readonly metric: string
  readonly baseline: number
  readonly now: number
}

const baselineFile = fileURLToPath(new URL('./baseline.json', import.meta.url))

/** A metric may be so much of its baseline before the check fails. */
const TOLERANCE = 1.25
const percent = `${Math.round((TOLERANCE - 1) * 100)}%`
const NOTIFICATIONS = 4_000
/** The fastest of several rounds counts: other work on the machine only ever adds time. */
const ROUNDS = 5

/** Measures against the committed baseline; returns a sentence for the user, or throws one. */
export async function benchCheck(say: (line: string) => void): Promise<string> {
  const baseline = JSON.parse(readFileSync(baselineFile, 'utf8')) as Metrics
  const bench = await openWorkbench()
  try {
    const times = new Times(bench)
    const counted = { ...(await callsOf(bench)), ...sizesOf(bench) }
    let worse = compare(baseline, { ...counted, ...(await times.round()) })
    // a busy machine gets a few more tries; what is slow in itself stays slow
    for (let n = 1; n < ROUNDS && worse.length > 0; n += 1)
      worse = compare(baseline, { ...counted, ...(await times.round()) })
    for (const { metric, baseline: was, now } of worse) say(`${metric}: ${was}, now ${now}`)
    if (worse.length === 0)
      return `${Object.keys(baseline).length} metrics, none over by ${percent}`
    throw new Error(
      `${worse.length} metrics are more than ${percent} above bench/baseline.json: find out why, or take them over with npm run bench -- check --write`,
    )
  } finally {
    bench.close()
  }
}

/** Takes today's figures as the baseline. */
export async function writeBaseline(): Promise<string> {
  const bench = await openWorkbench()
  try {
    const counted = { ...(await callsOf(bench)), ...sizesOf(bench) }
    const times = new Times(bench)
    for (let n = 1; n < ROUNDS; n += 1) await times.round()
    const metrics = { ...counted, ...(await times.round()) }
    writeFileSync(baselineFile, `${JSON.stringify(metrics, null, 2)}\n`)
    return `wrote ${baselineFile}`
  } finally {
    bench.close()
  }
}

/** The metrics that have grown beyond tolerance, and those that the baseline does not know. */
function compare(baseline: Metrics, now: Metrics): Worse[] {
  return Object.entries(now)
    .map(([metric, value]) => ({ metric, baseline: baseline[metric] ?? 0, now: value }))
    .filter(({ baseline: was, now: is }) => is > was * TOLERANCE)
}

/** Calls of AWS for one online notification; those of the start are spread over all. */
async function callsOf(bench: Workbench): Promise<Metrics> {
  const before = await bench.stub.calls()
  for (const name of ['accept', 'deliver'] as const) {
    const count = String(name === 'accept' ? NOTIFICATIONS : NOTIFICATIONS / BATCH)
    const args = [bench.bundle(name, 'lean'), bench.events[name], '0', count]
    await runChild('measure-calls', args, bench.environment)
  }
  const after = Object.entries(await bench.stub.calls())
  const each = after.map(([action, count]) => [
    `calls each: ${action}`,
    round((count - (before[action] ?? 0)) / NOTIFICATIONS, 4),
  ])
  return Object.fromEntries(each) as Metrics
}

function sizesOf(bench: Workbench): Metrics {
  return Object.fromEntries(
    functionNames.map((name) => [
      `kB: ${name}`,
      round(statSync(bench.bundle(name, 'lean')).size / 1000),
    ]),
  )
}

/** Processor time of accept and deliver, each the least so far, in units of one HTTP request. */
class Times {
  readonly #bench: Workbench
  readonly #unit: string
  readonly #least = new Map<string, number>()

  constructor(bench: Workbench) {
    this.#bench = bench
    this.#unit = bench.build('one-post')
  }

  async round(): Promise<Metrics> {
    const { events } = this.#bench
    const unit = await this.#measure('unit', this.#unit, events.accept, NOTIFICATIONS)
    const each = async (name: 'accept' | 'deliver', count: number) =>
      this.#measure(name, this.#bench.bundle(name, 'lean'), events[name], count)
    const accept = await each('accept', NOTIFICATIONS)
    const deliver = (await each('deliver', NOTIFICATIONS / BATCH)) / BATCH
    return {
      'CPU in HTTP requests: accept': round(accept / unit, 2),
      'CPU in HTTP requests: deliver': round(deliver / unit, 2),
    }
  }

  async #measure(name: string, bundle: string, events: string, count: number): Promise<number> {
    const args = [bundle, events, String(count), String(count)]
    const run = await runChild<{ cpuMicroseconds: number }>(
      'measure-calls',
      args,
      this.#bench.environment,
    )
    const least = Math.min(run.cpuMicroseconds / count, this.#least.get(name) ?? Number.MAX_VALUE)
    this.#least.set(name, least)
    return least
  }
}
