import { setTimeout as wait } from 'node:timers/promises'
import { Interrupted } from '../campaign/pace.ts'
import { Failure } from '../failure.ts'
import { count, type Report } from '../report.ts'
import type { Session } from '../session.ts'
import type { Address } from '../target.ts'
import type { NextCode } from './codes.ts'
import { startFleet, stopped } from './fleet.ts'
import type { FleetFolder } from './folder.ts'
import type { Member } from './member.ts'
import type { Summary, Tally } from './tally.ts'
import { summaryText } from './text.ts'
import { Watch } from './watch.ts'

export interface FleetRun {
  readonly session: Session
  readonly folder: FleetFolder
  readonly members: readonly Member[]
  readonly topics: readonly string[]
  readonly tally: Tally
  /** Where devices activate, and how many of them in a second. */
  readonly address: Address
  readonly activateRate: number
  /** undefined = until it is interrupted. */
  readonly forMs: number | undefined
  /** Activation codes for so many devices. */
  codes(needed: number): Promise<NextCode>
}

/** Starts a fleet, lets it live for its time, ends it and reports what it went through. */
export async function runFleet(run: FleetRun): Promise<Report> {
  const { session, folder, members, topics, tally, forMs } = run
  const watch = new Watch(session, tally)
  try {
    const isStarted = await start(run)
    const tokens = await folder.writeTokens(topics, members)
    if (isStarted) {
      session.terminal.note(`${count(tally.ready, 'device')} ready; tokens: ${tokens.join(', ')}`)
      watch.running(forMs)
      await until(session.terminal.stop, forMs)
    }
    const summary = tally.summary()
    const isEnded = isStarted && !(forMs !== undefined && session.terminal.stop.aborted)
    return report({ summary, tokens, tookMs: watch.forMs, isEnded })
  } finally {
    watch.end()
    await Promise.all(members.map((member) => member.stop()))
    // a device may have got another one
    await folder.writeTokens(topics, members)
  }
}

/** Returns whether the fleet is there; false if the user ended it before. */
async function start(run: FleetRun): Promise<boolean> {
  const { session, members, tally, activateRate, address } = run
  await inLanes(members, (member) => member.open())
  const needed = members.filter(({ isActivated }) => !isActivated).length
  const nextCode = needed > 0 ? await run.codes(needed) : undefined
  try {
    await startFleet(members, {
      activateRate,
      stop: session.terminal.stop,
      onError: (reason) => tally.error(reason),
      activation: async () => ({ ...address, code: (await nextCode?.()) ?? '' }),
    })
    return true
  } catch (fault) {
    if (fault instanceof Interrupted) return false
    throw withHint(fault, members)
  }
}

function withHint(fault: unknown, members: readonly Member[]): unknown {
  if (!(fault instanceof Failure)) return fault
  const done = members.filter(({ isActivated }) => isActivated).length
  const text = `${fault.message}; ${done} of ${members.length} devices are activated`
  return new Failure(fault.kind, text, { cause: fault })
}

/** Files that are read at the same time. */
const WIDTH = 32

async function inLanes<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const rest = [...items]
  const lane = async () => {
    for (let next = rest.shift(); next !== undefined; next = rest.shift()) await work(next)
  }
  await Promise.all(Array.from({ length: WIDTH }, lane))
}

async function until(stop: AbortSignal, forMs: number | undefined): Promise<void> {
  if (forMs === undefined) return stopped(stop)
  await wait(forMs, undefined, { signal: stop }).catch(() => {})
}

function report(run: {
  readonly summary: Summary
  readonly tokens: readonly string[]
  readonly tookMs: number
  readonly isEnded: boolean
}): Report {
  const { summary, tokens, tookMs, isEnded } = run
  const isWhole = summary.ready === summary.devices
  return {
    value: { ...summary, finished: isEnded, tookMs, tokens },
    text: [
      summaryText(summary, tookMs),
      ...(isEnded ? [] : ['interrupted: the same command goes on with the same devices']),
    ].join('\n\n'),
    ...(isEnded ? !isWhole && { exit: 'failed' as const } : { exit: 'interrupted' as const }),
  }
}
