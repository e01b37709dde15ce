import { ageText, count, fields, table } from '../report.ts'
import type { Spread, Standing, Summary } from './tally.ts'

/** How far a fleet is, for one line. */
export interface Picture extends Standing {
  readonly phase: 'starting' | 'running'
  /** Milliseconds in this phase, and how long it is to last, if that is known. */
  readonly forMs: number
  readonly ofMs?: number
  /** Devices made ready, or notifications received, in a second since the last picture. */
  readonly perSecond: number
}

export function pictureText(one: Picture): string {
  const rate = `${Math.round(one.perSecond)} a second`
  if (one.phase === 'starting')
    return `${one.ready} of ${count(one.devices, 'device')} ready, ${rate}`
  const clock = one.ofMs === undefined ? '' : ` of ${ageText(one.ofMs)}`
  const p99 = one.online && `p99 ${ageText(one.online.p99)}`
  const repeats = one.repeats > 0 && count(one.repeats, 'repeat')
  const lost = one.lost > 0 && `${one.lost} connections lost`
  return [
    `${ageText(one.forMs)}${clock}: ${one.connected} of ${one.devices} connected`,
    `${one.received} received (${rate})`,
    ...[p99, repeats, lost].filter(Boolean),
  ].join(', ')
}

export function summaryText(summary: Summary, forMs: number): string {
  const { devices, activated, ready, connected, received, fromStorage, repeats } = summary
  const broadcasts = summary.fromChannels > 0 ? `, ${summary.fromChannels} from channels` : ''
  const some = (number: number, text: string) => (number > 0 ? text : undefined)
  return [
    fields({
      devices: `${devices}, ${ready} with their tokens`,
      activated: `${activated} now, ${devices - activated} before or never`,
      connected: `${connected} at the end, after ${ageText(forMs)}`,
      received: `${received}, ${fromStorage} of them from storage${broadcasts}`,
      dropped: `${count(repeats, 'repeat')}, ${summary.overtaken} overtaken`,
      ignored: some(summary.ignored, `${summary.ignored}, by silent devices`),
      reconnects: `${summary.reconnects}`,
      lost: some(summary.lost, `${summary.lost} connections and attempts`),
    }),
    ...times(summary),
    ...byBehavior(summary),
    ...errors(summary),
  ].join('\n\n')
}

function times({ online, stored, handler }: Summary): string[] {
  const rows = [
    ['to the device, online', online],
    ['to the device, from storage', stored],
    ['in the handler', handler],
  ] as const
  const cells = rows.flatMap(([name, spread]) => (spread ? [[name, ...spreadCells(spread)]] : []))
  return cells.length > 0 ? [table(['TIME', 'P50', 'P90', 'P99', 'MAX'], cells)] : []
}

function spreadCells({ p50, p90, p99, max }: Spread): string[] {
  return [p50, p90, p99, max].map(ageText)
}

function byBehavior({ behaviors }: Summary): string[] {
  const rows = Object.entries(behaviors).map(([name, one]) => [
    ...[name, one.devices, one.received, one.fromStorage],
    ...[one.repeats, one.overtaken, one.reconnects, one.lost],
  ])
  const columns = ['BEHAVIOR', 'DEVICES', 'RECEIVED', 'STORED', 'REPEATS', 'OVERTAKEN']
  return rows.length > 1 ? [table([...columns, 'RECONNECTS', 'LOST'], rows)] : []
}

function errors({ errors: all }: Summary): string[] {
  const rows = Object.entries(all)
  return rows.length > 0 ? [table(['ERROR', 'TIMES'], rows)] : []
}
