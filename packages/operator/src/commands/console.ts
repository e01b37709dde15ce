import type { Command } from 'commander'
import { type Console, type ConsoleOptions, startConsole } from '../console/console.ts'
import { pageFiles } from '../console/page-files.ts'
import type { Runner, Session } from '../session.ts'
import { stageOf } from '../target.ts'
import { parseWhole } from '../values.ts'
import { addCredentialOptions, credentialOf, type IdentityOptions } from './identity.ts'

interface ConsoleCommandOptions extends IdentityOptions {
  readonly port: string
}

/** So that an address can be kept and passed on, the port is the same every time. */
const DEFAULT_PORT = '2190'

/** `version` is that of the package. */
export function addConsoleCommand(program: Command, run: Runner, version: () => string): void {
  const command = program
    .command('console')
    .description('show the deployment in a browser on this machine')
    .option('--port <n>', '0 for any that is free', DEFAULT_PORT)
  addCredentialOptions(command)
    .addHelpText('after', consoleHelp)
    .action((options: ConsoleCommandOptions, command: Command) =>
      run(command, (session) => serve(session, options, version())),
    )
}

const consoleHelp = `
Prints an address that works once, in one browser of this machine. The page can do what
this command can, with your rights, and nothing is deployed for it. It ends with Ctrl-C,
or when nobody has used it for an hour. With --cert, --p12 or --key it can also send.

Examples:
  heliograph console
  AWS_PROFILE=prod heliograph --target aws --stage prod console
  heliograph --target machine --state ./state console --port 0
  heliograph console --key AuthKey_ABC123DEFG.p8 --team-id ABCDE12345`

async function serve(
  session: Session,
  options: ConsoleCommandOptions,
  version: string,
): Promise<undefined> {
  const { terminal, target, json } = session
  // said now, and not on every page
  if (target.target === 'aws') stageOf(target)
  const port = parseWhole('--port', options.port, 0, 65_535)
  const credential = await credentialOf(session, options)
  const started: ConsoleOptions = {
    ...{ target, version, port, files: await pageFiles() },
    ...(credential && { credential }),
    note: terminal.note,
  }
  const served = await startConsole(started)
  if (json) terminal.print(JSON.stringify({ url: served.url }))
  else greet(session, served)
  const how = await Promise.race([served.over, stopped(terminal.stop)])
  await served.close(how)
  if (how === 'idle') terminal.note('nobody has used the console for an hour: it has ended')
  return undefined
}

function greet({ terminal }: Session, { url, port }: Console): void {
  terminal.print(url)
  terminal.note(
    `Open this address in a browser; it works once. If the browser does not find it, put 127.0.0.1:${port} in place of the name. Ctrl-C ends the console.`,
  )
}

function stopped(signal: AbortSignal): Promise<'stopped'> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve('stopped')
    signal.addEventListener('abort', () => resolve('stopped'), { once: true })
  })
}
