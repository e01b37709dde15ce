import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Rounds } from './figures.ts'
import { type Machine, machine } from './machine.ts'

/** One line of a table: what was measured, and its figures by name (with the unit in the name). */
export interface Row {
  readonly what: string
  readonly figures: Readonly<Record<string, number | string | Rounds>>
  /** What the reader must know besides the figures. */
  readonly note?: string
}

export interface Report {
  readonly bench: string
  /** ISO 8601. */
  readonly date: string
  readonly machine: Machine
  readonly rows: readonly Row[]
}

const folder = fileURLToPath(new URL('results/', import.meta.url))

const path = (bench: string) => join(folder, `${bench}.json`)

/** Prints the rows and keeps them as `bench/results/<bench>.json`. */
export function report(bench: string, rows: readonly Row[]): void {
  print(rows)
  mkdirSync(folder, { recursive: true })
  const whole: Report = { bench, date: new Date().toISOString(), machine: machine(), rows }
  writeFileSync(path(bench), `${JSON.stringify(whole, null, 2)}\n`)
  console.error(`kept in ${path(bench)}`)
}

/** What the last run of a benchmark left; undefined where there was none. */
export function findReport(bench: string): Report | undefined {
  return existsSync(path(bench)) ? lastReport(bench) : undefined
}

/** What the last run of a benchmark left. */
export function lastReport(bench: string): Report {
  try {
    return JSON.parse(readFileSync(path(bench), 'utf8')) as Report
  } catch {
    throw new Error(`there is no result of ${bench}: run npm run bench -- ${bench} first`)
  }
}

function print(rows: readonly Row[]): void {
  const width = Math.max(...rows.map(({ what }) => what.length)) + 2
  for (const { what, figures, note } of rows) {
    const parts = Object.entries(figures).map(([name, value]) => `${name} ${show(value)}`)
    console.log(what.padEnd(width) + parts.join(', ') + (note ? `  (${note})` : ''))
  }
}

/** A figure as text: `703 (650-731)` for several rounds. */
export function show(value: number | string | Rounds): string {
  if (typeof value !== 'object') return String(value)
  return `${value.median} (${value.least}-${value.greatest})`
}
