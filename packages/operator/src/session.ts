import { type Command, Option } from 'commander'
import type { Deployment } from './deployment.ts'
import { exitCode, Failure } from './failure.ts'
import type { Report } from './report.ts'
import {
  type Entrances,
  findEntrances,
  openTarget,
  type TargetName,
  type TargetOptions,
  targets,
} from './target.ts'
import { eachLine, type Terminal } from './terminal.ts'

/** What a command works with: the terminal, and the deployment once it is asked for. */
export interface Session {
  readonly terminal: Terminal
  readonly json: boolean
  deployment(): Promise<Deployment>
  entrances(): Promise<Entrances>
  readonly target: TargetOptions
}

/** What a command does; without a report it has printed everything itself. */
export type Work = (session: Session) => Promise<Report | undefined>

/** Runs the work of a command and prints its report. */
export type Runner = (command: Command, work: Work) => Promise<void>

interface GlobalOptions {
  readonly target: TargetName
  readonly stage?: string
  readonly state: string
  readonly json?: boolean
}

export function addGlobalOptions(program: Command, terminal: Terminal): void {
  const { HELIOGRAPH_STATE: state = '.heliograph' } = terminal.environment
  program
    .addOption(
      new Option('--target <where>', 'where the deployment is')
        .choices(targets)
        .default('embedded')
        .env('HELIOGRAPH_TARGET'),
    )
    .addOption(new Option('--stage <name>', 'stage on AWS').env('HELIOGRAPH_STAGE'))
    .option('--state <dir>', 'state folder of the embedded cloud or the machine', state)
    .option('--json', 'print JSON for scripts')
}

/** A runner that notes the exit code of the command that it ran. */
export function runner(terminal: Terminal, onExit: (code: number) => void): Runner {
  return async (command, work) => {
    const session = sessionOf(command.optsWithGlobals<GlobalOptions>(), terminal)
    try {
      const report = await work(session)
      if (!report) return
      const text = session.json ? JSON.stringify(report.value, null, 2) : report.text
      eachLine(text, terminal.print)
      onExit(exitCode[report.exit ?? 'ok'])
    } finally {
      await session.close()
    }
  }
}

function sessionOf(
  options: GlobalOptions,
  terminal: Terminal,
): Session & { close(): Promise<void> } {
  const { target, stage, state, json = false } = options
  const where: TargetOptions = { target, state, ...(stage && { stage }) }
  let opened: Promise<Deployment> | undefined
  const deployment = () => {
    opened ??= openTarget(where)
    return opened
  }
  return {
    ...{ terminal, json, target: where, deployment },
    entrances: () => findEntrances(where, deployment),
    close: async () => {
      if (opened) await opened.then((one) => one.close()).catch(() => {})
    },
  }
}

/**
 * Guards actions that cannot be undone with an option rather than a prompt, so that scripts do not
 * hang.
 */
export function demandYes(yes: boolean | undefined, consequence: string): void {
  if (!yes) throw new Failure('refused', `${consequence}: add --yes to do it`)
}
