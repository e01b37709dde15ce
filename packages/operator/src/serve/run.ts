import { Command, CommanderError } from 'commander'
import { exitCode } from '../failure.ts'
import { addServeCommand } from './command.ts'

/** Runs `heliograph serve …` with nothing but that command loaded. */
export async function runServe(argv: readonly string[]): Promise<void> {
  const program = new Command('heliograph').exitOverride()
  addServeCommand(program)
  try {
    await program.parseAsync(argv)
  } catch (thrown) {
    if (!(thrown instanceof CommanderError)) throw thrown
    process.exitCode = thrown.exitCode === 0 ? exitCode.ok : exitCode.usage
  }
}
