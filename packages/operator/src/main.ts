import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { addCanaryCommands } from './commands/canary.ts'
import { addChannelCommands } from './commands/channel.ts'
import { addConsoleCommand } from './commands/console.ts'
import { addDeadLetterCommands } from './commands/dead-letters.ts'
import { addDeviceCommands } from './commands/device.ts'
import { addDoctorCommand } from './commands/doctor.ts'
import { addEventCommands } from './commands/events.ts'
import { addFeedbackCommand } from './commands/feedback.ts'
import { addKeyCommands } from './commands/key.ts'
import { addListenCommand } from './commands/listen.ts'
import { addMoveCommands } from './commands/move.ts'
import { addMoveDevicesCommands } from './commands/move-devices.ts'
import { addNotificationCommands } from './commands/notification.ts'
import { addProviderCommands } from './commands/provider.ts'
import { addSendCommand } from './commands/send.ts'
import { addStageCommands } from './commands/stage.ts'
import { addStateCommands } from './commands/state.ts'
import { addStatsCommand } from './commands/stats.ts'
import { addStatusCommand } from './commands/status.ts'
import { addTokenCommands } from './commands/token.ts'
import { exitCode, type Failure } from './failure.ts'
import { failureOf } from './fault.ts'
import { addServeCommand } from './serve/command.ts'
import { addGlobalOptions, runner } from './session.ts'
import { eachLine, guarded, type Terminal } from './terminal.ts'

export { processTerminal, type Terminal } from './terminal.ts'

/** Runs one command line and returns the exit code; never throws. */
export async function main(argv: readonly string[], unguarded: Terminal): Promise<number> {
  const terminal = guarded(unguarded)
  let code: number = exitCode.ok
  const program = makeProgram(terminal, (exit) => {
    code = exit
  })
  try {
    await program.parseAsync(argv, { from: 'user' })
    return code
  } catch (thrown) {
    return complain(thrown, terminal)
  }
}

const codes = `
Exit codes: 0 done, 1 something failed, 2 wrong usage, 3 not found,
            4 refused, 5 the deployment does not answer,
            130 interrupted; run the same command again to continue.
Every command has examples: heliograph <command> --help`

/** The command tree. `onExit` gets the exit code of a command that has finished. */
export function makeProgram(terminal: Terminal, onExit: (code: number) => void): Command {
  const program = new Command('heliograph')
    .description(
      'Operates a Heliograph deployment: certificates, devices, token keys, notifications.',
    )
    .version(version(), '--version', 'print the version')
    .addHelpText('after', codes)
    .configureHelp({ showGlobalOptions: true, helpWidth: terminal.width ?? 100 })
    .configureOutput({
      writeOut: (text) => eachLine(text.trimEnd(), terminal.print),
      writeErr: (text) => eachLine(text.trimEnd(), terminal.note),
    })
    .exitOverride()
    .showHelpAfterError('(add --help for examples)')
  addGlobalOptions(program, terminal)
  const run = runner(terminal, onExit)
  addProviderCommands(program, run)
  addDeviceCommands(program, run)
  addTokenCommands(program, run)
  addKeyCommands(program, run)
  addSendCommand(program, run)
  addChannelCommands(program, run)
  addListenCommand(program, run)
  addNotificationCommands(program, run)
  addStatusCommand(program, run)
  addStatsCommand(program, run)
  addEventCommands(program, run)
  addFeedbackCommand(program, run)
  addDeadLetterCommands(program, run)
  addCanaryCommands(program, run)
  addStageCommands(program, run)
  addDoctorCommand(program, run)
  addConsoleCommand(program, run, version)
  addStateCommands(program, run)
  addMoveCommands(program, run)
  addMoveDevicesCommands(program, run)
  addServeCommand(program)
  return program
}

function version(): string {
  const file = new URL('../package.json', import.meta.url)
  return (JSON.parse(readFileSync(file, 'utf8')) as { readonly version: string }).version
}

function complain(thrown: unknown, terminal: Terminal): number {
  if (thrown instanceof CommanderError) {
    // help and version end with 0; commander has printed everything
    return thrown.exitCode === 0 ? exitCode.ok : exitCode.usage
  }
  const failure: Failure | undefined = failureOf(thrown)
  terminal.note(`heliograph: ${failure?.message ?? unexpected(thrown)}`)
  if (terminal.environment.HELIOGRAPH_DEBUG && thrown instanceof Error)
    eachLine(thrown.stack ?? '', terminal.note)
  return exitCode[failure?.kind ?? 'failed']
}

function unexpected(thrown: unknown): string {
  const text = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown)
  return `unexpected failure, ${text} (set HELIOGRAPH_DEBUG=1 for the place)`
}
