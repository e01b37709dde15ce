import { createWriteStream } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { restoreBackup } from '@heliograph/machine/operator/restore'
import type { Command } from 'commander'
import { Failure } from '../failure.ts'
import { reasonOf, refuseExisting } from '../files.ts'
import { machineOnly } from '../machine-deployment.ts'
import { fields, type Report, timeText } from '../report.ts'
import type { Runner, Session } from '../session.ts'

/** Backs up and restores the state folder of one machine. */
export function addStateCommands(program: Command, run: Runner): void {
  addBackup(program, run)
  addRestore(program, run)
}

function addBackup(program: Command, run: Runner): void {
  program
    .command('backup')
    .description('copy the state of a machine that serves into one file')
    .requiredOption('--to <file>', 'a file that does not exist')
    .addHelpText('after', backupHelp)
    .action(({ to }: { to: string }, command: Command) =>
      run(command, (session) => backup(session, to)),
    )
}

const backupHelp = `
The copy is a snapshot and holds everything but the key that encrypts the secrets in
it: keep that key, too, in another place. Notifications are in it as they were sent.

Examples:
  heliograph --target machine --state /var/lib/heliograph backup --to heliograph.backup
  heliograph --target machine backup --to heliograph.backup --json`

async function backup(session: Session, file: string): Promise<Report> {
  refuseExisting([file], 'choose another --to')
  const deployment = machineOnly(
    await session.deployment(),
    'a stage on AWS has point-in-time recovery (docs/deploy.md)',
  )
  const bytes = await saved(await deployment.download('backup'), file)
  const text = fields({
    backup: file,
    size: `${bytes} bytes`,
    'not in it': 'the key that encrypts the state folder: without it nothing can be restored',
  })
  return { value: { file, bytes }, text }
}

/** The file gets its name once it is complete and on disk. */
async function saved(from: NodeJS.ReadableStream, file: string): Promise<number> {
  const draft = `${file}.${process.pid}.tmp`
  const to = createWriteStream(draft, { mode: 0o600, flags: 'wx', flush: true })
  try {
    await pipeline(from, to)
    await rename(draft, file)
    return to.bytesWritten
  } catch (fault) {
    await rm(draft, { force: true })
    throw new Failure('failed', `${file} cannot be written: ${reasonOf(fault)}`, { cause: fault })
  }
}

function addRestore(program: Command, run: Runner): void {
  program
    .command('restore')
    .description('make the state folder of a machine from a backup')
    .requiredOption('--from <file>', 'a file that heliograph backup has made')
    .addHelpText('after', restoreHelp)
    .action(({ from }: { from: string }, command: Command) =>
      run(command, (session) => restore(session, from)),
    )
}

const restoreHelp = `
The folder, --state, must be new or empty. Serve from it with the key that the backed-up
folder was made with. Do not serve from both: devices and providers know one of them.

Examples:
  heliograph restore --from heliograph.backup --state /var/lib/heliograph
  heliograph restore --from heliograph.backup --state ./state --json`

async function restore({ target }: Session, file: string): Promise<Report> {
  const folder = resolve(target.state)
  const { createdAt, stage, format } = await restoreBackup(file, folder)
  const text = fields({
    restored: folder,
    'made at': timeText(createdAt),
    next: `heliograph serve --state ${target.state}, with the key that it was made with`,
  })
  return { value: { folder, createdAt, stage, format }, text }
}
