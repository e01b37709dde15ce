import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { runChild } from './children.ts'
import { median, rounds } from './figures.ts'
import type { Row } from './report.ts'
import { BATCH, openWorkbench, type Workbench } from './workbench.ts'

export interface HotOptions {
  readonly rounds: number
  /** Notifications measured in each round and variant. */
  readonly notifications: number
}

interface Measured {
  readonly cpuMicroseconds: number
  readonly invocations: number
  readonly answer: unknown
}

/** One thing to measure: a bundle, its events, and the notifications in one invocation. */
interface Subject {
  readonly name: string
  readonly bundle: string
  readonly events: string
  readonly each: number
}

/**
 * Processor time per notification of accept and deliver, each in a process of its own that does
 * nothing else: without any client, with the lean clients and with the SDK's. AWS is a stub in yet
 * another process. The variants take turns, so that what else the machine does hits all of them.
 */
export async function benchHot(options: HotOptions, say: (line: string) => void): Promise<Row[]> {
  const bench = await openWorkbench()
  try {
    const subjects = subjectsOf(bench)
    const measured = new Map<string, number[]>()
    for (let round = 0; round < options.rounds; round += 1) {
      for (const subject of subjects) {
        const each = await microseconds(subject, options.notifications, bench)
        measured.set(subject.name, [...(measured.get(subject.name) ?? []), each])
      }
      say(`round ${round + 1} of ${options.rounds}`)
    }
    return rowsOf(measured)
  } finally {
    bench.close()
  }
}

function subjectsOf(bench: Workbench): Subject[] {
  const rules = bench.build('rules')
  const { accept, deliver } = bench.events
  const functions = (['accept', 'deliver'] as const).map((name) => ({
    name,
    events: bench.events[name],
    each: name === 'accept' ? 1 : BATCH,
  }))
  return [
    { name: 'one HTTP request', bundle: bench.build('one-post'), events: accept, each: 1 },
    { name: 'accept, no client', bundle: rules, events: accept, each: 1 },
    { name: 'deliver, no client', bundle: rules, events: deliver, each: BATCH },
    { name: 'one log line, own', bundle: bench.build('log-own'), events: accept, each: 1 },
    {
      name: 'one log line and metric, Powertools',
      bundle: bench.build('log-powertools'),
      events: accept,
      each: 1,
    },
    ...functions.flatMap(({ name, ...rest }) =>
      (['lean', 'sdk'] as const).map((clients) => ({
        ...rest,
        name: `${name}, ${clients}`,
        bundle: bench.bundle(name, clients),
      })),
    ),
  ]
}

/** Microseconds of processor time for one notification. */
async function microseconds(
  { name, bundle, events, each }: Subject,
  notifications: number,
  bench: Workbench,
): Promise<number> {
  const count = Math.ceil(notifications / each)
  const kit = join(dirname(bundle), 'kit.json')
  writeFileSync(kit, JSON.stringify(bench.kit))
  const environment = { ...bench.environment, BENCH_KIT: kit }
  const args = [bundle, events, String(Math.ceil(count / 2)), String(count)]
  const run = await runChild<Measured>('measure-calls', args, environment)
  if (!isGood(run.answer))
    throw new Error(
      `${name} answered ${JSON.stringify(run.answer)}: the figures would mean nothing`,
    )
  return run.cpuMicroseconds / run.invocations / each
}

function isGood(answer: unknown): boolean {
  const { statusCode, batchItemFailures } = (answer ?? {}) as Record<string, unknown>
  return statusCode === 200 || (Array.isArray(batchItemFailures) && batchItemFailures.length === 0)
}

function rowsOf(measured: ReadonlyMap<string, number[]>): Row[] {
  const of = (name: string) => measured.get(name) ?? []
  const sum = (clients: string) =>
    of(`accept, ${clients}`).map(
      (accept, round) => accept + (of(`deliver, ${clients}`)[round] ?? 0),
    )
  const totals = { 'no client': sum('no client'), lean: sum('lean'), sdk: sum('sdk') }
  const unit = median(of('one HTTP request'))
  const row = (what: string, values: readonly number[]): Row => ({
    what,
    figures: {
      'CPU us': rounds(values, 0),
      'in HTTP requests': Number((median(values) / unit).toFixed(2)),
    },
  })
  return [
    ...[...measured].map(([what, values]) => row(what, values)),
    ...Object.entries(totals).map(([what, values]) => row(`accept + deliver, ${what}`, values)),
    {
      what: 'SDK over lean, accept + deliver',
      figures: { ratio: Number((median(totals.sdk) / median(totals.lean)).toFixed(2)) },
    },
  ]
}
