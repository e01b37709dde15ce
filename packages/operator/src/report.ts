import { visible } from './terminal.ts'

/** What a command found: the same for a program (`--json`) and for a person. */
export interface Report {
  readonly value: unknown
  readonly text: string
  /** The exit code if the command worked but found a problem; default `ok`. */
  readonly exit?: 'failed' | 'notFound' | 'refused' | 'interrupted'
}

export type Row = readonly (string | number | undefined)[]

/** Columns with two spaces between them; a cell that does not exist is a dash. */
export function table(columns: readonly string[], rows: readonly Row[]): string {
  const cells = [columns, ...rows].map((row) => columns.map((_, at) => cellText(row[at])))
  const widths = columns.map((_, at) => Math.max(...cells.map((row) => row[at]?.length ?? 0)))
  return cells
    .map((row) =>
      row
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

function cellText(value: string | number | undefined): string {
  return visible(String(value ?? '-'))
}

/** One line per field, the names in a column of their own. */
export function fields(entries: Readonly<Record<string, string | number | undefined>>): string {
  const known = Object.entries(entries).filter(([, value]) => value !== undefined)
  const width = Math.max(...known.map(([name]) => name.length))
  return known.map(([name, value]) => `${name.padEnd(width)}  ${cellText(value)}`).join('\n')
}

/** The first three topics, and how many more there are. */
export function shortList(topics: readonly string[]): string {
  const shown = topics.slice(0, 3).join(', ')
  return topics.length > 3 ? `${shown} and ${topics.length - 3} more` : shown
}

/** `2026-05-04 12:30:00 UTC`; a dash if there is no time. */
export function timeText(ms: number | undefined): string {
  if (ms === undefined) return '-'
  return `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')} UTC`
}

/** `2026-05-04`. */
export function dayText(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10)
}

const units = [
  ['d', 24 * 3600],
  ['h', 3600],
  ['min', 60],
  ['s', 1],
] as const

/** A span in its largest fitting unit, for example `3 d`; milliseconds. */
export function spanText(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  const [name, size] = units.find(([, unit]) => seconds >= unit) ?? ['s', 1]
  return `${Math.floor(seconds / size)} ${name}`
}

/** `80 ms`, `4.2 s`, `3 min 20 s`, `2 d 4 h`. */
export function ageText(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`
  const minutes = Math.floor(ms / 60_000)
  if (minutes < 60) return `${minutes} min ${Math.floor((ms % 60_000) / 1_000)} s`
  const hours = Math.floor(minutes / 60)
  if (hours < 24) return `${hours} h ${minutes % 60} min`
  return `${Math.floor(hours / 24)} d ${hours % 24} h`
}

/** How many of a thing: `1 device`, `2 devices`. */
export function count(number: number, thing: string): string {
  return `${number} ${thing}${number === 1 ? '' : 's'}`
}
