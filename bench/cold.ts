import { readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { type FunctionName, functionNames } from '../lib/functions.ts'
import { runChild } from './children.ts'
import { median, round, rounds } from './figures.ts'
import type { Row } from './report.ts'
import { openWorkbench, type Workbench } from './workbench.ts'

interface Start {
  readonly importMs: number
  readonly importCpuMs: number
  readonly callMs: number
  readonly residentMegabytes: number
}

/** A bundle, and the event of its first call where it has one here. */
interface Subject {
  readonly name: string
  readonly bundle: string
  readonly events?: string
}

/**
 * What a cold start costs besides Lambda's own: the size of the bundle, the time to import it in a
 * fresh process and that of the first call, against an empty function. The import of accept includes
 * its three first reads, from a stub.
 */
export async function benchCold(count: number, say: (line: string) => void): Promise<Row[]> {
  const bench = await openWorkbench()
  try {
    const subjects = subjectsOf(bench)
    const starts = new Map<string, Start[]>()
    for (let n = 0; n < count; n += 1) {
      for (const { name, bundle, events } of subjects) {
        const args = events === undefined ? [bundle] : [bundle, events]
        const start = await runChild<Start>('measure-start', args, bench.environment)
        starts.set(name, [...(starts.get(name) ?? []), start])
      }
      say(`start ${n + 1} of ${count}`)
    }
    const empty = median((starts.get('empty') ?? []).map(({ importMs }) => importMs))
    return subjects.map((subject) => rowOf(subject, starts.get(subject.name) ?? [], empty))
  } finally {
    bench.close()
  }
}

function subjectsOf(bench: Workbench): Subject[] {
  const { accept, deliver } = bench.events
  const called: Partial<Record<FunctionName, string>> = { accept, deliver }
  return [
    { name: 'empty', bundle: bench.build('nothing'), events: accept },
    ...functionNames.map((name) => {
      const events = called[name]
      return {
        name,
        bundle: bench.bundle(name, 'lean'),
        ...(events === undefined ? {} : { events }),
      }
    }),
    ...(['accept', 'deliver'] as const).map((name) => ({
      name: `${name}, SDK`,
      bundle: bench.bundle(name, 'sdk'),
      events: bench.events[name],
    })),
  ]
}

function rowOf({ name, bundle, events }: Subject, starts: readonly Start[], empty: number): Row {
  const of = (key: keyof Start) => starts.map((start) => start[key])
  const text = readFileSync(bundle)
  const importMs = rounds(of('importMs'))
  return {
    what: name,
    figures: {
      kB: round(text.length / 1000),
      'kB gzip': round(gzipSync(text).length / 1000),
      'import ms': importMs,
      'over empty ms': round(importMs.median - empty),
      'import CPU ms': rounds(of('importCpuMs')),
      ...(events === undefined ? {} : { 'first call ms': rounds(of('callMs')) }),
      'RSS MB': round(median(of('residentMegabytes')), 0),
    },
  }
}
